//! Binary cross-entropy: `−y·ln σ(z) − (1 − y)·ln(1 − σ(z))`, slope `σ(z) − y`; the mean over the width of each row.

use super::{Loss, counted, total, weight_of};
use crate::kernels::elementwise;
use crate::session::{Origin, Session};
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

const LEAST: f32 = 1e-12;

impl Session<'_> {
    /// Returns the binary cross-entropy of probabilities against targets in 0 … 1, both rows × width.
    ///
    /// Where the probabilities came straight from a sigmoid, it is computed from what was before it, which is exact however sure
    /// the network is.
    pub fn binary_cross_entropy(
        &mut self,
        probabilities: &Var,
        targets: &[f32],
        weights: Option<&[f32]>,
    ) -> Result<Loss> {
        if let Origin::Sigmoid(id) = self.node(probabilities)?.origin {
            let logits = Var { id, ..probabilities.clone() };
            return self.binary_cross_entropy_of_logits(&logits, targets, weights);
        }
        self.binary(probabilities, targets, weights, |p, y| {
            let (yes, no) = (p.max(LEAST), (1.0 - p).max(LEAST));
            let loss = -f64::from(y) * f64::from(yes).ln() - f64::from(1.0 - y) * f64::from(no).ln();
            // `max` would hide what is not a number.
            (if p.is_nan() { f64::NAN } else { loss }, (1.0 - y) / no - y / yes)
        })
    }

    /// Returns the binary cross-entropy of numbers before the sigmoid against targets in 0 … 1, both rows × width.
    pub fn binary_cross_entropy_of_logits(
        &mut self,
        logits: &Var,
        targets: &[f32],
        weights: Option<&[f32]>,
    ) -> Result<Loss> {
        let width = logits.width();
        counted("binary_cross_entropy", ("targets", "目标"), targets.len(), logits.rows * width)?;
        let weight = total("binary_cross_entropy", weights, logits.rows)?;
        let z = read(&self.node(logits)?.value);
        let mut slope = z.to_vec();
        let mut losses = vec![0.0; z.len()];
        elementwise::sigmoid_and_softplus(&mut slope, &mut losses);
        let mut sum = 0.0;
        for (i, ((slope, loss), (z, y))) in slope.iter_mut().zip(losses).zip(z.iter().zip(targets)).enumerate() {
            let w = weight_of(weights, i / width) / width as f32;
            sum += f64::from(w) * (f64::from(loss) - f64::from(y * z));
            *slope = (*slope - y) * w;
        }
        self.put_loss(logits, sum, weight, slope)
    }

    fn binary(
        &mut self,
        x: &Var,
        targets: &[f32],
        weights: Option<&[f32]>,
        each: impl Fn(f32, f32) -> (f64, f32),
    ) -> Result<Loss> {
        let width = x.width();
        counted("binary_cross_entropy", ("targets", "目标"), targets.len(), x.rows * width)?;
        let weight = total("binary_cross_entropy", weights, x.rows)?;
        let mut slope = read(&self.node(x)?.value).to_vec();
        let mut sum = 0.0;
        for (row, (xs, ys)) in slope.chunks_exact_mut(width.max(1)).zip(targets.chunks_exact(width.max(1))).enumerate()
        {
            let w = weight_of(weights, row) / width as f32;
            for (x, &y) in xs.iter_mut().zip(ys) {
                let (loss, d) = each(*x, y);
                sum += f64::from(w) * loss;
                *x = d * w;
            }
        }
        self.put_loss(x, sum, weight, slope)
    }
}
