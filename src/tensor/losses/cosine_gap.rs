//! How far two vectors point apart: `1 − x·y / (|x| |y|)`, the gap of BM3 (Zhou et al. 2023); slope of x
//! `−(ŷ − cos·x̂) / |x|`, with `x̂ = x / |x|`.

use super::{Loss, pairs, total, weight_of};
use crate::kernels::elementwise;
use crate::kernels::reduce::dot_lanes;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

/// The least length that a vector is divided by, as PyTorch's.
pub(super) const LEAST: f32 = 1e-8;

impl Session<'_> {
    /// Returns the gap between `x` and `y`, both rows × width.
    pub fn cosine_gap(&mut self, x: &Var, y: &Var, weights: Option<&[f32]>) -> Result<Loss> {
        let width = pairs("cosine_gap", x, y)?;
        let weight = total("cosine_gap", weights, x.rows)?;
        let (a, b) = (self.node(x)?, self.node(y)?);
        let (x_grad, y_grad) = (a.grad, b.grad);
        let (xs, ys) = (read(&a.value), read(&b.value));
        let (mut x_slope, mut y_slope) = (vec![0.0; xs.len()], vec![0.0; ys.len()]);
        let mut sum = 0.0;
        for row in 0..x.rows {
            let own = row * width..(row + 1) * width;
            let (x, y) = (&xs[own.clone()], &ys[own.clone()]);
            let length = |v: &[f32]| dot_lanes(v, v).sqrt().max(LEAST);
            let (m, n) = (length(x), length(y));
            let cosine = dot_lanes(x, y) / (m * n);
            let w = weight_of(weights, row);
            sum += f64::from(w) * (1.0 - f64::from(cosine));
            for (((dx, dy), x), y) in x_slope[own.clone()].iter_mut().zip(&mut y_slope[own]).zip(x).zip(y) {
                *dx = -w * (y / n - cosine * x / m) / m;
                *dy = -w * (x / m - cosine * y / n) / n;
            }
        }
        let grad = x_grad || y_grad;
        let out = self.put(vec![sum as f32], 1, vec![1], grad)?;
        if self.records(grad) {
            let (x, y) = (x.id, y.id);
            self.record(&out, move |back, gradient| {
                for (to, wanted, mut slope) in [(x, x_grad, x_slope), (y, y_grad, y_slope)] {
                    if wanted {
                        elementwise::scale(&mut slope, gradient[0]);
                        back.give(to, slope);
                    }
                }
                Ok(())
            });
        }
        Ok(Loss { sum: out, weight })
    }
}
