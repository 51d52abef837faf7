//! `flatten`: a map as a vector.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;

pub(crate) struct Flatten;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "flatten",
    &["col<d, map[h, w, c]> -> col<d, vector[h * w * c]>", "col<d, map[h, w, c]> -> col<d, vector[h * w * c]>"],
)
.version(1)
.doc("The numbers of a map end to end: row after row of places, the channels of a place together. `dense` takes a vector.")
.reference("numpy.reshape(map, -1)")
.examples(&[
    Example::new("Two rows of two places.", "map([[1, 2], [3, 4]]) |> flatten", "[[1, 2, 3, 4]]"),
    Example::new("Within a network.", "neural { map([[1, -2]]) |> relu |> flatten }", "[[1, 0]]"),
]);

impl Stage for Flatten {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Rows(rows);
        }
        Body::Joint(|_, network, inputs| {
            let input = one(inputs)?;
            network.view(input, input.rows, &[input.width()])
        })
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    let mut width = None;
    let mut numbers = Vec::new();
    let mut take = |shape: [usize; 3], row: &mut dyn Iterator<Item = f32>| {
        if *width.get_or_insert(shape) != shape {
            return Err(Error::bug("maps of one column have unlike sizes"));
        }
        numbers.extend(row);
        Ok(())
    };
    match batch.values(0)? {
        Values::Maps(maps) => {
            maps.iter().try_for_each(|m| take([m.height, m.width, m.channels], &mut m.numbers.iter().copied()))?
        }
        Values::Pictures(all) => all.iter().try_for_each(|p| {
            take([p.height, p.width, p.channels], &mut p.samples.iter().map(|&s| f32::from(s) / 255.0))
        })?,
        other => return Err(Error::bug(format!("`flatten` was given {}", other.kind()))),
    }
    Ok(Values::vector(width.map_or(0, |shape| shape.iter().product()), numbers))
}
