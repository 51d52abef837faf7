//! `resize`: a picture in another size.

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::resize::resize;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct Resize;

const SIZE: Arg<Vec<usize>> =
    Arg::sizes("size", 2).range(1.0, 20_000.0).doc("Height and width of the result, in pixels: `240x320`.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "resize",
    &["col<d, image[h, w, c]> -> col<d, image[size.0, size.1, c]>"],
)
.version(1)
.args(&[SIZE.spec()])
.cost("h * w * c")
.doc(
    "Resizes a picture; its sides need not keep their ratio. Where no side grows, each pixel becomes the mean of the \
             area that it covers; where one grows, pixels are mixed with their neighbours.",
)
.reference("OpenCV's resize with INTER_AREA, within one step of 255")
.examples(&[Example::new(
    "Four pixels, one mean.",
    "image([[0, 255], [9, 8]]) |> resize(size = 1x1)",
    "image([[68]])",
)]);

impl Stage for Resize {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let size = args.get(SIZE);
    each::picture_to_picture(batch, |picture| {
        context.check()?;
        Ok::<Picture, _>(resize(picture, size[0], size[1]))
    })
}
