//! `histogram`: how often each code or number comes in a picture.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Map, Values};
use mmf_lang::args::{Arg, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use super::channels::channels;
use super::each;

pub(crate) struct Histogram;

const BINS: Arg<usize> = Arg::int("bins")
    .default(Literal::Int(32))
    .range(1.0, 65_536.0)
    .doc("Into how many equal parts the numbers of a map are cut. Without meaning for codes.");
const LOW: Arg<f64> =
    Arg::float("low").default(Literal::Float(0.0)).range(-1e9, 1e9).doc("Where the first part begins.");
const HIGH: Arg<f64> =
    Arg::float("high").default(Literal::Float(1.0)).range(-1e9, 1e9).doc("Where the last part ends; it belongs to it.");

/// How many codes there are, for the body: the checker knows it from the type.
const CODES: &str = "codes";

// infer: of codes vector[n], of a map vector[bins * c]
static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "histogram",
    &["col<d, codes[h, w, n]> -> col<d, vector[n]>", "col<d, map[h, w, c]> -> col<d, vector[bins * c]>"],
)
.version(1)
.args(&[BINS.spec(), LOW.spec(), HIGH.spec()])
.infer(shares)
.cost("h * w")
.doc(
    "Counts how often each code comes, or how many numbers of a map lie in each of `bins` equal parts from `low` to `high`, \
     channel after channel; then divides by the count of pixels. Numbers outside, and those that are none, are in no part. \
     A picture's samples are numbers from 0 to 1.",
)
.reference("numpy.bincount(codes, minlength = n) / pixels; numpy.histogram(map, bins, (low, high)) / pixels")
.examples(&[
    Example::new(
        "Codes: 0, 1, 2 or 3 of two points.",
        "image([[1, 2], [2, 1]]) |> lbp(points = 2) |> histogram",
        "[[0.5, 0.25, 0.25, 0]]",
    ),
    Example::new("Numbers of a map.", "map([[0, 1], [1, 1]]) |> histogram(bins = 2)", "[[0.25, 0.75]]"),
]);

/// A place for each code, or `bins` a channel.
fn shares(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (low, high) = (call.args.get(LOW), call.args.get(HIGH));
    match call.column(0)?.elem {
        Elem::Codes([.., codes]) => {
            if let Size::Known(codes) = codes {
                call.args.0.push((CODES.into(), ArgValue::Int(codes as i64)));
            }
            call.out(Elem::Vector(codes))
        }
        Elem::Map([.., channels]) | Elem::Image([.., channels]) => {
            if low >= high {
                let span = call.arg_span(HIGH.name());
                return call.refuse(
                    "E0109",
                    span,
                    say!(
                        "`low` is {low}, `high` is {high}: nothing lies between",
                        "`low` 为 {low}，`high` 为 {high}：其间没有数值"
                    ),
                    None,
                );
            }
            let bins = Size::Known(call.args.get(BINS) as u64);
            call.out(Elem::Vector(bins.map(channels, u64::checked_mul)))
        }
        _ => call.out(Elem::Unknown),
    }
}

impl Stage for Histogram {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        Body::Rows(if alternative == 0 { of_codes } else { of_maps })
    }
}

fn of_codes(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let count = match args.find(CODES) {
        Some(ArgValue::Int(count)) => usize::try_from(*count).unwrap_or(0),
        _ => 0,
    };
    if count == 0 {
        return Err(Error::bug("codes without a count reached their histogram"));
    }
    each::map_to_vector(batch, count, |map, out| {
        context.check()?;
        let mut counts = vec![0u32; count];
        for &code in &map.numbers {
            if let Some(count) = counts.get_mut(code as usize) {
                *count += 1;
            }
        }
        put(&counts, map.height * map.width, out);
        Ok(())
    })
}

fn of_maps(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let (bins, low, high) = (args.get(BINS), args.get(LOW), args.get(HIGH));
    let width = bins * channels(batch)?;
    each::map_to_vector(batch, width, |map, out| {
        context.check()?;
        put(&counts(map, bins, low, high, width), map.height * map.width, out);
        Ok(())
    })
}

fn counts(map: &Map, bins: usize, low: f64, high: f64, width: usize) -> Vec<u32> {
    let mut counts = vec![0u32; width];
    let step = bins as f64 / (high - low);
    for pixel in map.numbers.chunks_exact(map.channels.max(1)) {
        for (counts, &x) in counts.chunks_exact_mut(bins).zip(pixel) {
            let x = f64::from(x);
            if x >= low && x <= high {
                counts[(((x - low) * step) as usize).min(bins - 1)] += 1;
            }
        }
    }
    counts
}

fn put(counts: &[u32], pixels: usize, out: &mut [f32]) {
    let pixels = pixels.max(1) as f64;
    out.iter_mut().zip(counts).for_each(|(out, &count)| *out = (f64::from(count) / pixels) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::{batch, fixture, stored_picture};
    use crate::extract::terms::tests::context;
    use std::sync::Arc;

    #[test]
    fn shares_are_numpys() {
        let all = fixture("texture/texture.json");
        let args = Args(vec![
            ("bins".into(), ArgValue::Int(10)),
            ("low".into(), ArgValue::Float(0.1)),
            ("high".into(), ArgValue::Float(0.7)),
        ]);
        for entry in all["pictures"].as_array().unwrap() {
            let picture = stored_picture(&format!("tests/fixtures/opencv/{}.png", entry["name"].as_str().unwrap()));
            let values = Values::Pictures(Arc::new(vec![Arc::new(picture)]));
            let (width, found) = of_maps(&context(), &args, &batch(values)).unwrap().as_vectors().unwrap();
            let expected = entry["histogram_10_from_0.1_to_0.7"].as_array().unwrap();
            assert_eq!((width, found.len()), (30, expected.len()));
            for (found, expected) in found.iter().zip(expected) {
                assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < 1e-6, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn numbers_outside_are_in_no_part() {
        let numbers = vec![-1.0, 0.0, f32::NAN, 4.0, 4.5, 2.0];
        let map = Map { height: 2, width: 3, channels: 1, numbers };
        assert_eq!(counts(&map, 2, 0.0, 4.0, 2), [1, 2]);
    }
}
