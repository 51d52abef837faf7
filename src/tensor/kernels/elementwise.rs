//! Loops that treat each number by itself.

use super::functions;
use mmf_data::network::Activation;

wide! {
    /// Adds `from` to `to`.
    pub(crate) fn add(to: &mut [f32], from: &[f32]) {
        for (a, b) in to.iter_mut().zip(from) {
            *a += *b;
        }
    }
}

wide! {
    /// Adds `from` to `to`, then multiplies by `factor`.
    pub(crate) fn add_and_scale(to: &mut [f32], from: &[f32], factor: f32) {
        for (a, b) in to.iter_mut().zip(from) {
            *a = (*a + *b) * factor;
        }
    }
}

wide! {
    /// Moves `to` the share of the way to `goal`.
    pub(crate) fn follow(to: &mut [f32], goal: &[f32], share: f32) {
        for (a, b) in to.iter_mut().zip(goal) {
            *a = *a * (1.0 - share) + *b * share;
        }
    }
}

wide! {
    pub(crate) fn scale(to: &mut [f32], factor: f32) {
        for a in to.iter_mut() {
            *a *= factor;
        }
    }
}

wide! {
    /// Writes `x · factor + offset` to `out`.
    pub(crate) fn affine(x: &[f32], factor: f32, offset: f32, out: &mut [f32]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o = *x * factor + offset;
        }
    }
}

wide! {
    /// Applies an activation to `y`.
    pub(crate) fn activate(y: &mut [f32], activation: Activation) {
        match activation {
            Activation::None => {}
            Activation::Relu => for y in y.iter_mut() { *y = relu(*y) },
            Activation::Tanh => for y in y.iter_mut() { *y = functions::tanh(*y) },
            Activation::Sigmoid => for y in y.iter_mut() { *y = functions::sigmoid(*y) },
        }
    }
}

wide! {
    /// Writes an activation of `x` to `y`.
    pub(crate) fn activate_to(y: &mut [f32], x: &[f32], activation: Activation) {
        let pairs = y.iter_mut().zip(x);
        match activation {
            Activation::None => for (y, x) in pairs { *y = *x },
            Activation::Relu => for (y, x) in pairs { *y = relu(*x) },
            Activation::Tanh => for (y, x) in pairs { *y = functions::tanh(*x) },
            Activation::Sigmoid => for (y, x) in pairs { *y = functions::sigmoid(*x) },
        }
    }
}

wide! {
    /// Adds `bias` to each row of `y`, then applies an activation.
    pub(crate) fn bias_and_activate(y: &mut [f32], bias: &[f32], activation: Activation) {
        for row in y.chunks_exact_mut(bias.len()) {
            match activation {
                Activation::None => for (y, b) in row.iter_mut().zip(bias) { *y += *b },
                Activation::Relu => for (y, b) in row.iter_mut().zip(bias) { *y = relu(*y + *b) },
                Activation::Tanh => for (y, b) in row.iter_mut().zip(bias) { *y = functions::tanh(*y + *b) },
                Activation::Sigmoid => for (y, b) in row.iter_mut().zip(bias) { *y = functions::sigmoid(*y + *b) },
            }
        }
    }
}

wide! {
    /// Multiplies a gradient by the activation's slope, told from its results `y`.
    pub(crate) fn slope(gradient: &mut [f32], y: &[f32], activation: Activation) {
        match activation {
            Activation::None => {}
            Activation::Relu => for (g, y) in gradient.iter_mut().zip(y) { *g = if *y > 0.0 { *g } else { 0.0 } },
            Activation::Tanh => for (g, y) in gradient.iter_mut().zip(y) { *g *= 1.0 - *y * *y },
            Activation::Sigmoid => for (g, y) in gradient.iter_mut().zip(y) { *g *= *y * (1.0 - *y) },
        }
    }
}

wide! {
    /// Turns `x` into its sigmoid, and writes `ln(1 + e^x)` to `loss`.
    pub(crate) fn sigmoid_and_softplus(x: &mut [f32], loss: &mut [f32]) {
        for (x, loss) in x.iter_mut().zip(loss) {
            *loss = functions::softplus(*x);
            *x = functions::sigmoid(*x);
        }
    }
}

/// Returns `x` where it is positive, else 0; what is not a number stays so, as in PyTorch.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}
