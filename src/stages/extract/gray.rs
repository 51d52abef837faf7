//! `gray`: a picture without its colours.

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct Gray;

static SIGNATURE: Signature =
    Signature::new(Group::Extract, "gray", &["col<d, image[h, w, 3]> -> col<d, image[h, w, 1]>"])
        .version(1)
        .cost("h * w * 3")
        .doc("Makes a picture grey: 0.299 of its red, 0.587 of its green and 0.114 of its blue.")
        .reference("OpenCV's cvtColor(RGB2GRAY) of 8-bit pictures, to the bit")
        .examples(&[Example::new(
            "Red and white.",
            "image([[[255, 0, 0], [255, 255, 255]]]) |> gray",
            "image([[76, 255]])",
        )]);

impl Stage for Gray {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    each::picture_to_picture(batch, |picture| {
        context.check()?;
        gray(picture)
    })
}

/// Returns the grey picture; the weights are in 32,768ths, as in OpenCV, and halves are rounded up.
fn gray(picture: &Picture) -> Result<Picture> {
    let samples = each::with_channels(picture, 3)?;
    let mix = |&[red, green, blue]: &[u8; 3]| {
        ((9_798 * u32::from(red) + 19_235 * u32::from(green) + 3_735 * u32::from(blue) + 16_384) >> 15) as u8
    };
    let samples = each::wide(
        #[inline(always)]
        || samples.as_chunks::<3>().0.iter().map(mix).collect(),
    );
    Ok(Picture { height: picture.height, width: picture.width, channels: 1, samples })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::{opencv, stored_picture};

    #[test]
    fn agrees_with_opencv() {
        opencv(|name, picture, stored| {
            let expected = stored_picture(&format!("tests/fixtures/opencv/{}", stored["gray"].as_str().unwrap()));
            assert_eq!(gray(&picture).unwrap(), expected, "{name}");
        });
    }
}
