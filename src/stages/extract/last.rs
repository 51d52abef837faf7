//! `last`: the last step of a sequence.

use mmf_data::error::Result;
use mmf_data::network::{Op, Steps};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::each;
use crate::fuse::activation::one;

pub(crate) struct Last;

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "last",
    &["col<d, sequence[t, n]> -> col<d, vector[n]>", "col<d, sequence[t, n]> -> col<d, vector[n]>"],
)
.version(1)
.lets_missing_by()
.doc(
    "Takes the last step that each sequence has: behind a causal `self_attention`, the one that has seen all. An empty \
     sequence gives zeros.",
)
.examples(&[Example::new(
    "Sequences of two steps and of one.",
    "sequence([[[1, 2], [3, 6]], [[5, 7]]]) |> last",
    "[[3, 6], [5, 7]]",
)]);

impl Stage for Last {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Rows(rows);
        }
        Body::Joint(|_, network, inputs| network.apply(Op::Steps(Steps::Last), &[one(inputs)?], &[]))
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    each::sequence_to_vector(batch, ends)
}

fn ends(sequences: &Sequences) -> Vec<f32> {
    let width = sequences.width;
    let mut out = vec![0.0; sequences.ends.len() * width];
    if width > 0 {
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            if let Some(step) = sequences.row(row).chunks_exact(width).next_back() {
                out.copy_from_slice(step);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sequence_gives_zeros() {
        let sequences = Sequences { width: 2, ends: vec![2, 2, 3], numbers: vec![1.0, 2.0, 2.0, 4.0, -7.0, 0.5] };
        assert_eq!(ends(&sequences), [2.0, 4.0, 0.0, 0.0, -7.0, 0.5]);
    }
}
