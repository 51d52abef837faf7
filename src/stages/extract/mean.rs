//! `mean`: the mean step of a sequence.

use mmf_data::error::Result;
use mmf_data::network::{Op, Steps};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::each;
use crate::fuse::activation::one;

pub(crate) struct Mean;

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "mean",
    &["col<d, sequence[t, n]> -> col<d, vector[n]>", "col<d, sequence[t, n]> -> col<d, vector[n]>"],
)
.version(1)
.lets_missing_by()
.cost("t * n")
.doc("Takes the mean of the steps that each sequence has. An empty sequence gives zeros.")
.reference("numpy.mean(sequence, axis = 0)")
.examples(&[Example::new(
    "Sequences of two steps and of one.",
    "sequence([[[1, 2], [3, 6]], [[5, 7]]]) |> mean",
    "[[2, 4], [5, 7]]",
)]);

impl Stage for Mean {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Rows(rows);
        }
        Body::Joint(|_, network, inputs| network.apply(Op::Steps(Steps::Mean), &[one(inputs)?], &[]))
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    each::sequence_to_vector(batch, means)
}

/// Returns the means, end to end, summed in the order of the steps.
fn means(sequences: &Sequences) -> Vec<f32> {
    let width = sequences.width;
    let mut out = Vec::with_capacity(sequences.ends.len() * width);
    let mut sum = vec![0f64; width];
    for row in 0..sequences.ends.len() {
        sum.fill(0.0);
        let steps = sequences.row(row);
        for step in steps.chunks_exact(width.max(1)) {
            sum.iter_mut().zip(step).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let count = (steps.len() / width.max(1)).max(1) as f64;
        out.extend(sum.iter().map(|sum| (sum / count) as f32));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sequence_gives_zeros() {
        let sequences = Sequences { width: 2, ends: vec![2, 2, 3], numbers: vec![1.0, 2.0, 2.0, 4.0, -7.0, 0.5] };
        assert_eq!(means(&sequences), [1.5, 3.0, 0.0, 0.0, -7.0, 0.5]);
    }
}
