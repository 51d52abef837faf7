//! Cross-entropy by class index: `−ln softmax(z)[class]`, slope `softmax(z) − [class]`.

use super::{Loss, counted, total, weight_of};
use crate::ops::{misfit, softmax};
use crate::session::{Origin, Session};
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

/// Probabilities below this count as this, so that a loss stays finite where it cannot go back before the softmax.
const LEAST: f32 = 1e-12;

impl Session<'_> {
    /// Returns the cross-entropy of probabilities (rows × classes) against class numbers.
    ///
    /// Where the probabilities came straight from a softmax, it is computed from what was before it, which is exact however sure
    /// the network is.
    pub fn cross_entropy(&mut self, probabilities: &Var, classes: &[u32], weights: Option<&[f32]>) -> Result<Loss> {
        if let Origin::Softmax(id) = self.node(probabilities)?.origin {
            let logits = Var { id, ..probabilities.clone() };
            return self.cross_entropy_of_logits(&logits, classes, weights);
        }
        let weight = check(probabilities, classes, weights)?;
        let p = read(&self.node(probabilities)?.value);
        let width = probabilities.width();
        let mut slope = vec![0.0; p.len()];
        let mut sum = 0.0;
        for (row, &class) in classes.iter().enumerate() {
            let (at, w) = (row * width + class as usize, weight_of(weights, row));
            let p = if p[at] < LEAST { LEAST } else { p[at] };
            sum += f64::from(w) * -f64::from(p).ln();
            slope[at] = -w / p;
        }
        self.put_loss(probabilities, sum, weight, slope)
    }

    /// Returns the softmax cross-entropy of numbers before the softmax (rows × classes) against class numbers.
    pub fn cross_entropy_of_logits(&mut self, logits: &Var, classes: &[u32], weights: Option<&[f32]>) -> Result<Loss> {
        let weight = check(logits, classes, weights)?;
        let width = logits.width();
        let z = read(&self.node(logits)?.value);
        let mut slope = z.to_vec();
        softmax::forward(&mut slope, width);
        let mut sum = 0.0;
        for (row, &class) in classes.iter().enumerate() {
            let (z, p) = (&z[row * width..][..width], &mut slope[row * width..][..width]);
            let (class, w) = (class as usize, weight_of(weights, row));
            // ln Σ e^z, told from the greatest's probability: it is e^0 / Σ e^(z − greatest), at least 1 / width.
            let (greatest, share) = z
                .iter()
                .zip(p.iter())
                .fold((f32::NEG_INFINITY, f32::NAN), |best, (&z, &p)| if z > best.0 { (z, p) } else { best });
            sum += f64::from(w) * (f64::from(greatest) - f64::from(z[class]) - f64::from(share).ln());
            p[class] -= 1.0;
            if w != 1.0 {
                p.iter_mut().for_each(|p| *p *= w);
            }
        }
        self.put_loss(logits, sum, weight, slope)
    }
}

fn check(x: &Var, classes: &[u32], weights: Option<&[f32]>) -> Result<f64> {
    counted("cross_entropy", ("classes", "类别"), classes.len(), x.rows)?;
    let width = x.width();
    if let Some(class) = classes.iter().find(|&&class| class as usize >= width) {
        return Err(misfit(
            "cross_entropy",
            &format!("a row is of class {class}, but there are outputs for {width} classes"),
            &format!("某行属于类别 {class}，但输出只有 {width} 个类别"),
        ));
    }
    total("cross_entropy", weights, x.rows)
}
