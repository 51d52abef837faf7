//! `concat`: vectors end to end.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Type};

pub(crate) struct Concat;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "concat",
    &["col<d, vector[n]>... -> col<d, vector[m]>", "col<d, vector[n]>... -> col<d, vector[m]>"],
)
.version(1)
.infer(widths)
.doc(
    "Joins vectors of the same rows end to end. Numbers and bools are vectors of one. Where an input is a network's value, \
     so is the result.",
)
.reference("numpy.concatenate(axis = 1)")
.examples(&[Example::new(
    "A number and a vector.",
    "concat([1, 2], [[3, 4], [5, 6]])",
    "[[1, 3, 4], [2, 5, 6]]",
),
        Example::new(
            "Within a network.",
            "neural { concat([[1, 2]] |> relu, [[-3]] |> relu) }",
            "[[1, 2, 0]]",
        ),
    ]);

/// As wide as the inputs together.
pub(crate) fn widths(call: &mut Inference<'_, '_>) -> Option<Type> {
    let width = (0..call.inputs.len())
        .filter_map(|i| call.column(i)?.elem.as_vector())
        .reduce(|a, b| a.map(b, u64::checked_add))?;
    call.out(Elem::Vector(width))
}

impl Stage for Concat {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Rows(rows) } else { Body::Joint(|_, network, inputs| join(network, inputs)) }
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    let parts = batch.inputs.iter().map(|input| input.values.as_vectors()).collect::<Result<Vec<_>>>()?;
    let total: usize = parts.iter().map(|(width, _)| width).sum();
    let mut out = vec![0f32; batch.rows * total];
    let mut start = 0;
    for (width, numbers) in &parts {
        if numbers.len() != batch.rows * width {
            return Err(Error::bug("an input of `concat` has not as many values as rows"));
        }
        if *width > 0 {
            let rows = out.chunks_exact_mut(total).zip(numbers.chunks_exact(*width));
            rows.for_each(|(out, row)| out[start..start + width].copy_from_slice(row));
        }
        start += width;
    }
    Ok(Values::vector(total, out))
}

/// Joins values of a network end to end.
pub(crate) fn join(network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    match inputs {
        [] => Err(Error::bug("`concat` was given nothing")),
        [one] => Ok(one.clone()),
        _ => network.apply(Op::Concat, &inputs.iter().collect::<Vec<_>>(), &[]),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::{Input, Quiet};

    use super::*;

    #[test]
    fn numbers_bools_and_vectors_are_joined_in_order() {
        let values = [
            Values::vector(2, vec![1.0, 2.0, 3.0, 4.0]),
            Values::Int(Arc::new(vec![5, 6])),
            Values::Bool(Arc::new(vec![true, false])),
            Values::Float(Arc::new(vec![0.5, -0.5])),
        ];
        let inputs = values.map(|values| Input { values, missing: None }).to_vec();
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let found = rows(&context, &Args::default(), &Batch { rows: 2, inputs }).unwrap();
        assert_eq!(found, Values::vector(5, vec![1.0, 2.0, 5.0, 1.0, 0.5, 3.0, 4.0, 6.0, 0.0, -0.5]));
    }

    #[test]
    fn a_text_is_refused() {
        let inputs = vec![Input { values: Values::Text(Arc::default()), missing: None }];
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        assert!(rows(&context, &Args::default(), &Batch { rows: 0, inputs }).is_err());
    }
}
