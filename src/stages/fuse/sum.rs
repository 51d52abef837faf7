//! `sum`: vectors added place by place.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Batch, Body, Context, JointCall, Stage};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Sum;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "sum",
    &["col<d, vector[n]>... -> col<d, vector[n]>", "col<d, vector[n]>... -> col<d, vector[n]>"],
)
.version(1)
.doc(
    "Adds vectors of the same rows and of the same width, place by place, in the order they are written. Numbers and bools \
     are vectors of one. Where an input is a network's value, so is the result.",
)
.reference("numpy.sum(inputs, axis = 0)")
.examples(&[Example::new("Two vectors a row.", "sum([[1, 2], [3, 4]], [[10, 20], [30, 40]])", "[[11, 22], [33, 44]]")]);

impl Stage for Sum {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Rows(rows) } else { Body::Joint(joint) }
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    let mut inputs = batch.inputs.iter().map(|input| input.values.as_vectors());
    let (width, first) = inputs.next().ok_or_else(|| Error::bug("`sum` was given nothing"))??;
    let mut out = first.to_vec();
    for input in inputs {
        let (other, numbers) = input?;
        if other != width || numbers.len() != out.len() {
            return Err(misfit(width, other));
        }
        out.iter_mut().zip(numbers.iter()).for_each(|(sum, x)| *sum += x);
    }
    Ok(Values::vector(width, out))
}

/// Widths that only the data told.
fn misfit(one: usize, other: usize) -> Error {
    Error::new(
        "E1031",
        say!("the inputs of `sum` are {one} and {other} wide", "`sum` 的输入宽度分别为 {one} 和 {other}"),
    )
}

fn joint(_: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let (first, rest) = inputs.split_first().ok_or_else(|| Error::bug("`sum` was given nothing"))?;
    let mut sum = first.clone();
    for input in rest {
        // The network would stretch a width of one.
        if input.width() != sum.width() {
            let (one, other) = (sum.width(), input.width());
            return Err(misfit(one, other));
        }
        sum = network.apply(Op::Add, &[&sum, input], &[])?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::{Input, Quiet};

    use super::*;

    fn sum_of(values: Vec<Values>) -> Result<Values> {
        let inputs = values.into_iter().map(|values| Input { values, missing: None }).collect();
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        rows(&context, &Args::default(), &Batch { rows: 2, inputs })
    }

    #[test]
    fn places_are_added() {
        let a = Values::vector(1, vec![1.0, 2.0]);
        let found = sum_of(vec![a.clone(), Values::Int(Arc::new(vec![5, 6])), a.clone()]).unwrap();
        assert_eq!(found, Values::vector(1, vec![7.0, 10.0]));
        assert!(sum_of(vec![a, Values::vector(2, vec![0.0; 4])]).is_err());
    }
}
