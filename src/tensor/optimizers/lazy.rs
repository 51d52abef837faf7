//! Updates of tables: the rows that a step has read, in ascending order, each once.

use super::Rule;
use crate::gradients::{self, SparseRows};

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
    for group in places.chunk_by(|a, b| a.row == b.row) {
        gradients::add_group(chunks, group, scale, &mut gradient);
        let at = group[0].row as usize * width;
        let row = &mut table[at..at + width];
        match (rule, &mut moments[..]) {
            (Rule::GradientDescent { rate }, _) => descend(row, &gradient, rate as f32, 0.0),
            (Rule::Sgd { rate, decay }, _) => descend(row, &gradient, rate as f32, decay as f32),
            (Rule::Momentum { rate, momentum, nesterov, decay }, [velocity]) => {
                let numbers = [rate as f32, momentum as f32, decay as f32];
                push(row, &gradient, &mut velocity[at..at + width], numbers, nesterov);
            }
            (Rule::Adam { rate, betas, epsilon, decay }, [m, v]) => {
                let numbers = Numbers::new(rate, betas, epsilon, steps, decay, 0.0);
                adam(row, &gradient, &mut m[at..at + width], &mut v[at..at + width], numbers);
            }
            (Rule::AdamW { rate, betas, epsilon, decay }, [m, v]) => {
                let numbers = Numbers::new(rate, betas, epsilon, steps, 0.0, decay);
                adam(row, &gradient, &mut m[at..at + width], &mut v[at..at + width], numbers);
            }
            _ => unreachable!("a table's state has the moments of its rule"),
        }
    }
}

wide! {
    fn descend(row: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        for (w, g) in row.iter_mut().zip(gradient) {
            *w -= rate * (*g + decay * *w);
        }
    }
}

wide! {
    fn push(row: &mut [f32], gradient: &[f32], velocity: &mut [f32], numbers: [f32; 3], nesterov: bool) {
        let [rate, momentum, decay] = numbers;
        for ((w, g), v) in row.iter_mut().zip(gradient).zip(velocity) {
            let g = *g + decay * *w;
            *v = momentum * *v + g;
            *w -= rate * if nesterov { g + momentum * *v } else { *v };
        }
    }
}

/// Adam's numbers at one step.
#[derive(Clone, Copy)]
struct Numbers {
    betas: [f32; 2],
    epsilon: f32,
    /// `rate / (1 − β₁ᵗ)`.
    rate: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    correction: f32,
    decay: f32,
    /// `rate · decay` of AdamW.
    shrink: f32,
}

impl Numbers {
    fn new(rate: f64, betas: [f64; 2], epsilon: f64, steps: i32, decay: f64, decoupled: f64) -> Self {
        Numbers {
            betas: betas.map(|beta| beta as f32),
            epsilon: epsilon as f32,
            rate: (rate / (1.0 - betas[0].powi(steps))) as f32,
            correction: (1.0 / (1.0 - betas[1].powi(steps)).sqrt()) as f32,
            decay: decay as f32,
            shrink: (rate * decoupled) as f32,
        }
    }
}

wide! {
    fn adam(row: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], numbers: Numbers) {
        let Numbers { betas: [b1, b2], epsilon, rate, correction, decay, shrink } = numbers;
        for (((w, g), m), v) in row.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = *g + decay * *w;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *w -= rate * *m / (v.sqrt() * correction + epsilon) + shrink * *w;
        }
    }
}
