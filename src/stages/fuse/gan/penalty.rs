//! The gradient penalty (Gulrajani et al. 2017): `factor · (|∇D| − 1)²` at some points.
//!
//! Its gradient is `2 · factor · (|∇D| − 1) · ∂|∇D|`, and with the slope's direction v held, `∂|∇D|` is that of `v·∇D`: the central
//! difference `(D(x + hv) − D(x − hv)) / 2h`, found by two passes of first order. dfdx's tape goes back once.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_tensor::{Loss, Session};

/// Half the distance of the two points. Inputs are standardised, so it is small beside them, and large beside what `f32` loses.
const H: f32 = 0.02;

/// Returns the penalty of `value` at these points, `width` numbers a row.
pub(super) fn penalty<'p>(
    session: &mut Session<'p>,
    points: &[f32],
    width: usize,
    weights: &[f32],
    factor: f32,
    value: impl Fn(&mut Session<'p>, &Var) -> Result<Var>,
) -> Result<Loss> {
    let rows = weights.len();
    // What is dropped is dropped alike in all three passes: the slope is that of one network.
    let begun = session.choices();
    let mut scout = session.beside()?;
    scout.rewind(begun);
    let watched = scout.watched(rows, &[width], points.to_vec())?;
    let judged = value(&mut scout, &watched)?;
    let sum = scout.total(&judged, None)?;
    let slope = scout.slope(&sum, &watched)?;
    let (mut up, mut down) = (points.to_vec(), points.to_vec());
    let mut counts = vec![0.0; rows];
    let mut exact = 0.0;
    for (row, slope) in slope.chunks_exact(width.max(1)).enumerate() {
        let length = slope.iter().map(|x| x * x).sum::<f32>().sqrt();
        exact += f64::from(weights[row] * factor * (length - 1.0).powi(2));
        if length == 0.0 {
            continue;
        }
        let at = row * width..(row + 1) * width;
        for ((up, down), x) in up[at.clone()].iter_mut().zip(&mut down[at]).zip(slope) {
            *up += H * x / length;
            *down -= H * x / length;
        }
        counts[row] = weights[row] * factor * 2.0 * (length - 1.0) / (2.0 * H);
    }
    let up = session.constant(rows, &[width], up)?;
    let above = value(session, &up)?;
    session.rewind(begun);
    let down = session.constant(rows, &[width], down)?;
    let below = value(session, &down)?;
    let difference = session.apply(Op::Subtract, &[&above, &below], &[])?;
    let difference = session.total(&difference, Some(&counts))?;
    // Its slope is the penalty's; its number is made so too.
    let found = session.values(&difference.sum)?.first().copied();
    let found = found.ok_or_else(|| Error::bug("a loss without a number"))?;
    let rest = session.constant(1, &[1], vec![(exact - f64::from(found)) as f32])?;
    let rest = Loss { sum: rest, weight: 1.0 };
    session.combine(&[(&difference, 1.0), (&rest, 1.0)])
}
