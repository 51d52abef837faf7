//! Losses: sums over the rows of a slice, and the sum of the rows' weights, so that slices add up to an exact mean.

mod binary_cross_entropy;
mod bpr;
mod cosine_gap;
mod cross_entropy;
mod info_nce;
mod squared_error;
mod total;

use crate::ops::misfit;
use crate::session::Session;
use mmf_data::error::Result;
use mmf_data::network::{Network, Op, Var};

/// A loss over the rows of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// `Σ weight · loss` over the rows: one row of one number.
    pub sum: Var,
    /// `Σ weight` over the rows; the count of rows where they have no weights.
    pub weight: f64,
}

impl Session<'_> {
    /// Returns a loss's sum, as a number.
    pub fn sum_of(&self, loss: &Loss) -> Result<f32> {
        Ok(self.values(&loss.sum)?.first().copied().unwrap_or(0.0))
    }

    /// Returns the sum of losses, each times its factor. They must be over the same rows with the same weights: the weight of the
    /// first becomes that of the sum.
    pub fn combine(&mut self, losses: &[(&Loss, f32)]) -> Result<Loss> {
        let [(first, factor), rest @ ..] = losses else {
            return Err(mmf_data::error::Error::bug("no losses are given to be added"));
        };
        let mut sum = self.apply(Op::Affine { factor: *factor, offset: 0.0 }, &[&first.sum], &[])?;
        for (loss, factor) in rest {
            let scaled = self.apply(Op::Affine { factor: *factor, offset: 0.0 }, &[&loss.sum], &[])?;
            sum = self.apply(Op::Add, &[&sum, &scaled], &[])?;
        }
        Ok(Loss { sum, weight: first.weight })
    }

    /// Puts a loss in: the sum, the weights' sum, and the gradient of the sum with regard to `x`.
    fn put_loss(&mut self, x: &Var, sum: f64, weight: f64, slope: Vec<f32>) -> Result<Loss> {
        let grad = self.node(x)?.grad;
        let out = self.put(vec![sum as f32], 1, vec![1], grad)?;
        if self.records(grad) {
            let x = x.id;
            self.record(&out, move |back, gradient| {
                let mut slope = slope;
                if gradient[0] != 1.0 {
                    crate::kernels::elementwise::scale(&mut slope, gradient[0]);
                }
                back.give(x, slope);
                Ok(())
            });
        }
        Ok(Loss { sum: out, weight })
    }
}

/// Refuses two values of other sizes, and returns their width.
fn pairs(loss: &str, x: &Var, y: &Var) -> Result<usize> {
    if (x.rows, x.width()) == (y.rows, y.width()) {
        return Ok(x.width());
    }
    let (a, b, m, n) = (x.rows, y.rows, x.width(), y.width());
    Err(misfit(
        loss,
        &format!("it compares {a} rows of {m} numbers with {b} of {n}"),
        &format!("需要比较 {a} 行（每行 {m} 个数）与 {b} 行（每行 {n} 个数）"),
    ))
}

/// Refuses targets or weights of another count than the rows want.
fn counted(loss: &str, what: (&str, &str), has: usize, wanted: usize) -> Result<()> {
    if has == wanted {
        return Ok(());
    }
    let (en, zh) = what;
    Err(misfit(loss, &format!("it has {has} {en}, not {wanted}"), &format!("{zh}有 {has} 个，应为 {wanted} 个")))
}

/// Refuses weights of another count than the rows, and returns their sum.
fn total(loss: &str, weights: Option<&[f32]>, rows: usize) -> Result<f64> {
    let Some(weights) = weights else { return Ok(rows as f64) };
    counted(loss, ("weights", "权重"), weights.len(), rows)?;
    Ok(weights.iter().map(|&w| f64::from(w)).sum())
}

/// Returns the weight of a row.
fn weight_of(weights: Option<&[f32]>, row: usize) -> f32 {
    weights.map_or(1.0, |weights| weights[row])
}
