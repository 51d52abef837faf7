//! Updates of tables: the rows that a step has read, in ascending order, each once.

use super::Rule;
use crate::gradients::{self, SparseRows};
use crate::kernels::rows;

/// Updates the touched rows of a table. `steps` counts this step too.
pub(super) fn update(
    rule: Rule,
    steps: i32,
    table: &mut [f32],
    width: usize,
    mut moments: Vec<&mut [f32]>,
    chunks: &[SparseRows],
    scale: f32,
) {
    let places = gradients::order(chunks);
    let mut gradient = vec![0.0; width];
    let numbers = Numbers::new(rule, steps);
    let mut groups = places.chunk_by(|a, b| a.row == b.row).peekable();
    while let Some(group) = groups.next() {
        let at = group[0].row as usize * width;
        if let Some(next) = groups.peek() {
            // Rows lie anywhere in a large table: waiting for memory would take longer than the arithmetic.
            let next = next[0].row as usize * width;
            rows::fetch(&table[next..next + width]);
            moments.iter().for_each(|moment| rows::fetch(&moment[next..next + width]));
        }
        gradients::add_group(chunks, group, scale, &mut gradient);
        let row = &mut table[at..at + width];
        match &mut moments[..] {
            [m, v] => adam(row, &gradient, &mut m[at..at + width], &mut v[at..at + width], numbers),
            [velocity] => push(row, &gradient, &mut velocity[at..at + width], numbers),
            _ => descend(row, &gradient, numbers),
        }
    }
}

/// A rule's numbers at one step; 0 where it has none.
#[derive(Clone, Copy, Default)]
struct Numbers {
    /// Adam's is divided by `1 − β₁ᵗ`.
    rate: f32,
    momentum: f32,
    nesterov: bool,
    betas: [f32; 2],
    epsilon: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    correction: f32,
    /// What of a weight is added to its gradient.
    decay: f32,
    /// What of a weight is taken from it at once: AdamW's `rate · decay`.
    shrink: f32,
}

impl Numbers {
    fn new(rule: Rule, steps: i32) -> Self {
        let plain = |rate: f64, decay: f64| Numbers { rate: rate as f32, decay: decay as f32, ..Numbers::default() };
        match rule {
            Rule::GradientDescent { rate } => plain(rate, 0.0),
            Rule::Sgd { rate, decay } => plain(rate, decay),
            Rule::Momentum { rate, momentum, nesterov, decay } => {
                Numbers { momentum: momentum as f32, nesterov, ..plain(rate, decay) }
            }
            Rule::Adam { rate, betas, epsilon, decay } => Numbers::adam(rate, betas, epsilon, steps, decay),
            Rule::AdamW { rate, betas, epsilon, decay } => {
                Numbers { shrink: (rate * decay) as f32, ..Numbers::adam(rate, betas, epsilon, steps, 0.0) }
            }
        }
    }

    fn adam(rate: f64, betas: [f64; 2], epsilon: f64, steps: i32, decay: f64) -> Self {
        Numbers {
            rate: (rate / (1.0 - betas[0].powi(steps))) as f32,
            betas: betas.map(|beta| beta as f32),
            epsilon: epsilon as f32,
            correction: (1.0 / (1.0 - betas[1].powi(steps)).sqrt()) as f32,
            decay: decay as f32,
            ..Numbers::default()
        }
    }
}

wide! {
    fn descend(row: &mut [f32], gradient: &[f32], numbers: Numbers) {
        let Numbers { rate, decay, .. } = numbers;
        for (w, g) in row.iter_mut().zip(gradient) {
            *w -= rate * (*g + decay * *w);
        }
    }
}

wide! {
    fn push(row: &mut [f32], gradient: &[f32], velocity: &mut [f32], numbers: Numbers) {
        let Numbers { rate, momentum, nesterov, decay, .. } = numbers;
        for ((w, g), v) in row.iter_mut().zip(gradient).zip(velocity) {
            let g = *g + decay * *w;
            *v = momentum * *v + g;
            *w -= rate * if nesterov { g + momentum * *v } else { *v };
        }
    }
}

wide! {
    fn adam(row: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], numbers: Numbers) {
        let Numbers { betas: [b1, b2], epsilon, rate, correction, decay, shrink, .. } = numbers;
        for (((w, g), m), v) in row.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = *g + decay * *w;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *w -= rate * *m / (v.sqrt() * correction + epsilon) + shrink * *w;
        }
    }
}
