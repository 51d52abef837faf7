//! The sum of a value as a loss: what expressions of losses end in.

use super::{Loss, total, weight_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

impl Session<'_> {
    /// Returns the sum over the width of each row as a loss.
    pub fn total(&mut self, x: &Var, weights: Option<&[f32]>) -> Result<Loss> {
        let weight = total("sum", weights, x.rows)?;
        let width = x.width();
        let mut slope = read(&self.node(x)?.value).to_vec();
        let mut sum = 0.0;
        for (row, xs) in slope.chunks_exact_mut(width.max(1)).enumerate() {
            let w = weight_of(weights, row);
            for x in xs {
                sum += f64::from(w) * f64::from(*x);
                *x = w;
            }
        }
        self.put_loss(x, sum, weight, slope)
    }
}
