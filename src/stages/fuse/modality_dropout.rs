//! Whole inputs left out by chance while learning.

use mmf_data::error::Result;
use mmf_data::network::{Network, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::concat::{join, widths};

pub(crate) struct ModalityDropout;

const P: Arg<f64> = Arg::share("p")
    .default(Literal::Float(0.3))
    .range(0.0, 0.99)
    .doc("Probability that an input is left out of a row.");

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "modality_dropout", &["col<d, vector[n]>... -> col<d, vector[m]>"])
        .args(&[P.spec()])
        .infer(widths)
        .doc(
            "The inputs end to end, as `concat`. While learning, each is set to 0 in a row with probability p, but never all of a row: the \
             network learns to do without one, as it must where `fill(zero)` stands for what is missing. What stays is not scaled.",
        )
        .reference("Neverova et al. 2016, ModDrop")
        .examples(&[Example::new(
            "It acts while a train learns, not when it is read.",
            "neural { modality_dropout([[1, 2]] |> relu, [[3]] |> relu, p = 50%) }",
            "[[1, 2, 3]]",
        )]);

impl Stage for ModalityDropout {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let mut inputs = inputs.to_vec();
            if network.training() {
                let kept = kept(network, one(&inputs)?.rows, inputs.len(), call.args.get(P) as f32)?;
                for (input, kept) in inputs.iter_mut().zip(kept) {
                    let kept = network.constant(input.rows, &[1], kept)?;
                    *input = network.apply(Op::Multiply, &[&kept, input], &[])?;
                }
            }
            join(network, &inputs)
        })
    }
}

/// Bits from which the input is drawn that stays where all would go.
const BITS: usize = 16;

/// Draws for each input and row whether it stays: 1 or 0. One of each row does.
fn kept(network: &mut dyn Network, rows: usize, inputs: usize, p: f32) -> Result<Vec<Vec<f32>>> {
    let draw = |network: &mut dyn Network, width: usize, p: f32| -> Result<Vec<bool>> {
        let ones = network.constant(rows, &[width], vec![1.0; rows * width])?;
        let drawn = network.apply(Op::Dropout { p }, &[&ones], &[])?;
        Ok(network.numbers(&drawn)?.iter().map(|&x| x > 0.0).collect())
    };
    let stays = draw(network, inputs, p)?;
    let bits = draw(network, BITS, 0.5)?;
    let mut kept = vec![vec![0.0; rows]; inputs];
    for (row, (stays, bits)) in stays.chunks_exact(inputs).zip(bits.chunks_exact(BITS)).enumerate() {
        let number = bits.iter().fold(0usize, |number, &bit| 2 * number + usize::from(bit));
        let last = (!stays.contains(&true)).then_some((number * inputs) >> BITS);
        for (at, kept) in kept.iter_mut().enumerate() {
            kept[row] = f32::from(u8::from(stays[at] || last == Some(at)));
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use mmf_tensor::{Moment, Parameters, Session};

    use super::*;

    /// With the probability that is asked for, none of all, and each as often.
    #[test]
    fn an_input_goes_as_often_as_was_said_and_never_all() {
        let parameters = Parameters::new(1);
        let mut session = Session::training(&parameters, Moment { seed: 3, step: 1, slice: 0 });
        let (rows, p) = (20_000, 0.6);
        let kept = kept(&mut session, rows, 2, p).unwrap();
        let count = |wanted: [f32; 2]| (0..rows).filter(|&r| [kept[0][r], kept[1][r]] == wanted).count() as f32;
        let share = |wanted| count(wanted) / rows as f32;
        assert_eq!(count([0.0, 0.0]), 0.0);
        let (both, one) = (0.4 * 0.4, 0.4 * 0.6 + 0.6 * 0.6 / 2.0);
        for (wanted, expected) in [([1.0, 1.0], both), ([1.0, 0.0], one), ([0.0, 1.0], one)] {
            // Four standard deviations.
            let near = 4.0 * (expected * (1.0f32 - expected) / rows as f32).sqrt();
            assert!((share(wanted) - expected).abs() < near, "{wanted:?}: {} not {expected}", share(wanted));
        }
    }
}
