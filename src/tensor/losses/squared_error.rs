//! Mean squared error: `(x − y)²`, slope `2·(x − y)`; the mean over the width of each row.

use super::{Loss, counted, total, weight_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

impl Session<'_> {
    /// Returns the squared error of `x` against targets, both rows × width.
    pub fn squared_error(&mut self, x: &Var, targets: &[f32], weights: Option<&[f32]>) -> Result<Loss> {
        let width = x.width();
        counted("mse", ("targets", "目标"), targets.len(), x.rows * width)?;
        let weight = total("mse", weights, x.rows)?;
        let mut slope = read(&self.node(x)?.value).to_vec();
        let mut sum = 0.0;
        for (row, (xs, ys)) in slope.chunks_exact_mut(width.max(1)).zip(targets.chunks_exact(width.max(1))).enumerate()
        {
            let w = weight_of(weights, row) / width as f32;
            for (x, y) in xs.iter_mut().zip(ys) {
                let d = *x - *y;
                sum += f64::from(w) * f64::from(d) * f64::from(d);
                *x = 2.0 * d * w;
            }
        }
        self.put_loss(x, sum, weight, slope)
    }
}
