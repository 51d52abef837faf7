//! `colour_moments`: mean, deviation and skewness of each channel.

use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Map, Values};
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::channels::channels;
use super::each;

pub(crate) struct ColourMoments;

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "colour_moments",
    &["col<d, map[h, w, c]> -> col<d, vector[3 * c]>"],
)
.version(1)
.cost("h * w * c * 3")
.doc(
    "Takes three numbers of each channel, channel after channel: the mean, the deviation (over all pixels) and the skewness, \
     which is the cube root of the mean of (x - mean)^3, so that all three are in the unit of the samples. A picture's \
     samples are numbers from 0 to 1.",
)
.reference("Stricker and Orengo 1995: E, σ and s; numpy.mean, numpy.std, numpy.cbrt(((x - x.mean()) ** 3).mean())")
.examples(&[Example::new(
    "Four grey pixels, one of them white.",
    "image([[0, 0], [0, 255]]) |> colour_moments",
    "[[0.25, 0.43301, 0.45428]]",
)]);

impl Stage for ColourMoments {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    each::map_to_vector(batch, 3 * channels(batch)?, |map, out| {
        context.check()?;
        moments(map, out);
        Ok(())
    })
}

/// Writes the moments, summed in the order of the pixels.
fn moments(map: &Map, out: &mut [f32]) {
    let channels = map.channels.max(1);
    let pixels = (map.numbers.len() / channels).max(1) as f64;
    let mut means = vec![0f64; channels];
    for pixel in map.numbers.chunks_exact(channels) {
        means.iter_mut().zip(pixel).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    means.iter_mut().for_each(|sum| *sum /= pixels);
    let mut powers = vec![(0f64, 0f64); channels];
    for pixel in map.numbers.chunks_exact(channels) {
        for (((squares, cubes), mean), &x) in powers.iter_mut().zip(&means).zip(pixel) {
            let difference = f64::from(x) - mean;
            let square = difference * difference;
            *squares += square;
            *cubes += square * difference;
        }
    }
    for ((out, mean), (squares, cubes)) in out.chunks_exact_mut(3).zip(means).zip(powers) {
        out.copy_from_slice(&[mean as f32, (squares / pixels).sqrt() as f32, (cubes / pixels).cbrt() as f32]);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::extract::each::tests::{batch, fixture, stored_picture};
    use crate::extract::terms::tests::context;

    #[test]
    fn moments_are_numpys() {
        for entry in fixture("texture/texture.json")["pictures"].as_array().unwrap() {
            let picture = stored_picture(&format!("tests/fixtures/opencv/{}.png", entry["name"].as_str().unwrap()));
            let values = Values::Pictures(Arc::new(vec![Arc::new(picture)]));
            let (width, found) = rows(&context(), &Args::default(), &batch(values)).unwrap().as_vectors().unwrap();
            assert_eq!(width, 9);
            for (found, expected) in found.iter().zip(entry["moments"].as_array().unwrap()) {
                assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < 1e-6, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn one_colour_has_neither_deviation_nor_skewness() {
        let mut out = [9.0; 3];
        moments(&Map { height: 1, width: 2, channels: 1, numbers: vec![0.25, 0.25] }, &mut out);
        assert_eq!(out, [0.25, 0.0, 0.0]);
        moments(&Map { height: 0, width: 0, channels: 1, numbers: vec![] }, &mut out);
        assert_eq!(out, [0.0; 3]);
    }
}
