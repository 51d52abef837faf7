//! A column times a number, plus a number.

use mmf_data::error::Result;
use mmf_data::network::Op;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::apply;

pub(crate) struct Scale;

const FACTOR: Arg<f64> = Arg::float("factor").default(Literal::Float(1.0)).doc("What each number is multiplied by.");
const OFFSET: Arg<f64> = Arg::float("offset").default(Literal::Float(0.0)).doc("What is added to it then.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "scale",
    &["col<d, vector[n]> -> col<d, vector[n]>", "col<d, vector[n]> -> col<d, vector[n]>"],
)
.args(&[FACTOR.spec(), OFFSET.spec()])
.linear()
.doc("x · factor + offset, number by number: what `0.2 * x`, `x / 5`, `x + 1` and `1 - x` stand for.")
.examples(&[
    Example::new("As it is written between a number and a column.", "2 * [[1, 2]] - 1 |> scale(10)", "[[10, 30]]"),
    Example::new("Within a network.", "neural { 1 - ([[0.25, 1]] |> relu) / 2 |> scale(2) }", "[[1.75, 1]]"),
]);

impl Stage for Scale {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Rows(rows);
        }
        Body::Joint(|call, network, inputs| {
            let (factor, offset) = (call.args.get(FACTOR) as f32, call.args.get(OFFSET) as f32);
            apply(network, Op::Affine { factor, offset }, inputs)
        })
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    let (width, numbers) = batch.values(0)?.as_vectors()?;
    let (factor, offset) = (args.get(FACTOR), args.get(OFFSET));
    let scaled = numbers.iter().map(|&x| (f64::from(x) * factor + offset) as f32);
    Ok(Values::vector(width, scaled.collect()))
}
