//! `slice`: some places of a vector.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

pub(crate) struct Slice;

const FROM: Arg<usize> = Arg::int("from").range(0.0, 1e9).doc("The first place, from 0.");
const TO: Arg<usize> = Arg::int("to").range(1.0, 1e9).doc("The place behind the last.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "slice", &["col<d, vector[n]> -> col<d, vector[m]>"])
    .args(&[FROM.spec(), TO.spec()])
    .infer(places)
    .doc(
        "The places from `from` to below `to` of a vector, counted from 0. `shared.look`, a part of a `gan`, is the slice in which it \
         stands.",
    )
    .reference("numpy: x[:, from:to]")
    .examples(&[Example::new("The second and the third number.", "[[1, 2, 3, 4]] |> slice(1, 3)", "[[2, 3]]")]);

fn places(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (from, to, there) = (call.args.get(FROM), call.args.get(TO), call.arg_span(TO.name()));
    let width = call.column(0)?.elem.as_vector()?.known();
    if from >= to || width.is_some_and(|width| to as u64 > width) {
        let of = width.map_or("_".into(), |n| n.to_string());
        return call.refuse(
            "E0109",
            there,
            say!(
                "places {from} to {to} are no part of a vector of {of} numbers",
                "位置 {from} 到 {to} 不在宽度为 {of} 的向量之内"
            ),
            Some(say!("places are counted from 0, and `to` is behind the last", "位置从 0 数起，`to` 为末位之后")),
        );
    }
    call.out(Elem::Vector(Size::Known((to - from) as u64)))
}

impl Stage for Slice {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(slice)
    }
}

fn slice(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    let (width, numbers) = batch.values(0)?.as_vectors()?;
    let (from, to) = (args.get(FROM), args.get(TO));
    if to > width {
        return Err(Error::new(
            "E1031",
            say!("places to {to} are asked for, the vectors have {width}", "要取到第 {to} 位，而向量只有 {width} 个数"),
        ));
    }
    let taken = numbers.chunks_exact(width.max(1)).flat_map(|row| row[from..to].iter().copied());
    Ok(Values::vector(to - from, taken.collect()))
}
