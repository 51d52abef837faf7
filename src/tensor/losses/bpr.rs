//! Bayesian personalised ranking (Rendle et al. 2009): `−ln σ(positive − negative)`, the mean over a row's negatives.

use super::{Loss, total, weight_of};
use crate::kernels::elementwise;
use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

impl Session<'_> {
    /// Returns the BPR loss of positive scores (rows × 1) and negative ones (rows·n × 1, the n of a row one after the other).
    pub fn bpr(&mut self, positive: &Var, negative: &Var, weights: Option<&[f32]>) -> Result<Loss> {
        let (rows, count) = (positive.rows, negative.rows);
        let n = count.checked_div(rows).unwrap_or(1);
        if positive.width() != 1 || negative.width() != 1 || n == 0 || n * rows != count {
            return Err(misfit(
                "bpr",
                &format!("it compares {rows} positive scores with {count} negative ones"),
                &format!("需要比较 {rows} 个正例得分与 {count} 个负例得分"),
            ));
        }
        let weight = total("bpr", weights, rows)?;
        let (up, down) = (self.node(positive)?, self.node(negative)?);
        let (p_grad, n_grad) = (up.grad, down.grad);
        let (p, q) = (read(&up.value), read(&down.value));
        let mut p_slope = vec![0.0; rows];
        let mut n_slope: Vec<f32> = q.iter().enumerate().map(|(i, q)| q - p[i / n]).collect();
        let mut losses = vec![0.0; count];
        elementwise::sigmoid_and_softplus(&mut n_slope, &mut losses);
        let mut sum = 0.0;
        for (row, (slopes, losses)) in n_slope.chunks_exact_mut(n).zip(losses.chunks_exact(n)).enumerate() {
            let w = weight_of(weights, row) / n as f32;
            for (slope, loss) in slopes.iter_mut().zip(losses) {
                sum += f64::from(w) * f64::from(*loss);
                *slope *= w;
                p_slope[row] -= *slope;
            }
        }
        let grad = p_grad || n_grad;
        let out = self.put(vec![sum as f32], 1, vec![1], grad)?;
        if self.records(grad) {
            let (positive, negative) = (positive.id, negative.id);
            self.record(&out, move |back, gradient| {
                for (x, wanted, mut slope) in [(positive, p_grad, p_slope), (negative, n_grad, n_slope)] {
                    if wanted {
                        elementwise::scale(&mut slope, gradient[0]);
                        back.give(x, slope);
                    }
                }
                Ok(())
            });
        }
        Ok(Loss { sum: out, weight })
    }
}
