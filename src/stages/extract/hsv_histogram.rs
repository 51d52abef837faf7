//! `hsv_histogram`: shares of the colours of a picture.

use std::sync::OnceLock;

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct HsvHistogram;

const BINS: Arg<Vec<usize>> = Arg::sizes("bins", 3)
    .default(Literal::Sizes(&[8, 4, 4]))
    .range(1.0, 180.0)
    .doc("Into how many equal parts hue, saturation and value are cut.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "hsv_histogram",
    &["col<d, image[h, w, 3]> -> col<d, vector[bins.0 * bins.1 * bins.2]>"],
)
.version(1)
.args(&[BINS.spec()])
.cost("h * w * 10")
.doc(
    "Counts the colours of a picture by hue, saturation and value, and divides by the count of pixels, so that all sum to \
     1. Hue has 180 steps, saturation and value 256. The place of a colour is `(h * bins.1 + s) * bins.2 + v`.",
)
.reference("OpenCV's cvtColor(RGB2HSV) of 8-bit pictures and calcHist over [0, 180) x [0, 256) x [0, 256)")
.examples(&[Example::new(
    "Grey has no hue and no saturation; white is bright, black is dark.",
    "image([[[0, 0, 0], [255, 255, 255]]]) |> hsv_histogram(bins = 1x1x2)",
    "[[0.5, 0.5]]",
)]);

impl Stage for HsvHistogram {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let bins = args.get(BINS);
    let places = Places::new(&bins);
    each::picture_to_vector(batch, bins.iter().product(), |picture, out| {
        context.check()?;
        histogram(picture, &places, out)
    })
}

/// Division by tables in fixed point of 12 bits, as OpenCV does it: what is nearer than half a step is not lost.
const SHIFT: i32 = 12;

struct Divisors {
    /// `255 / value`.
    saturation: [i32; 256],
    /// `30 / spread`: a sixth of the 180 steps of hue.
    hue: [i32; 256],
}

fn divisors() -> &'static Divisors {
    static DIVISORS: OnceLock<Divisors> = OnceLock::new();
    DIVISORS.get_or_init(|| {
        let table = |top: f64, scale: f64| {
            let mut table = [0; 256];
            for (i, entry) in table.iter_mut().enumerate().skip(1) {
                *entry = (top * f64::from(1 << SHIFT) / (scale * i as f64)).round_ties_even() as i32;
            }
            table
        };
        Divisors { saturation: table(255.0, 1.0), hue: table(180.0, 6.0) }
    })
}

/// The part of each step, multiplied out to its share of the place.
struct Places {
    hue: [u32; 256],
    saturation: [u32; 256],
    value: [u32; 256],
    total: usize,
}

impl Places {
    fn new(bins: &[usize]) -> Self {
        let table = |bins: usize, steps: usize, factor: usize| {
            let width = bins as f64 / steps as f64;
            let mut table = [0; 256];
            for (step, entry) in table.iter_mut().enumerate() {
                *entry = (((step as f64 * width) as usize).min(bins - 1) * factor) as u32;
            }
            table
        };
        Places {
            hue: table(bins[0], 180, bins[1] * bins[2]),
            saturation: table(bins[1], 256, bins[2]),
            value: table(bins[2], 256, 1),
            total: bins.iter().product(),
        }
    }
}

fn histogram(picture: &Picture, places: &Places, out: &mut [f32]) -> Result<()> {
    let samples = each::with_channels(picture, 3)?;
    let tables = divisors();
    // Neighbours are mostly alike: taking turns between four counts, none waits for the one before.
    let mut counts = vec![[0u32; 4]; places.total];
    let mut count = |turn: usize, red: u8, green: u8, blue: u8| {
        let (red, green, blue) = (i32::from(red), i32::from(green), i32::from(blue));
        let value = red.max(green).max(blue);
        let spread = value - red.min(green).min(blue);
        let saturation = (spread * tables.saturation[value as usize & 255] + (1 << (SHIFT - 1))) >> SHIFT;
        let sixths = if value == red {
            green - blue
        } else if value == green {
            blue - red + 2 * spread
        } else {
            red - green + 4 * spread
        };
        let hue = (sixths * tables.hue[spread as usize & 255] + (1 << (SHIFT - 1))) >> SHIFT;
        let hue = hue + (180 & (hue >> 31));
        let place = places.hue[hue as usize & 255]
            + places.saturation[saturation as usize & 255]
            + places.value[value as usize & 255];
        counts[place as usize][turn] += 1;
    };
    let mut four = samples.chunks_exact(12);
    for p in &mut four {
        count(0, p[0], p[1], p[2]);
        count(1, p[3], p[4], p[5]);
        count(2, p[6], p[7], p[8]);
        count(3, p[9], p[10], p[11]);
    }
    four.remainder().chunks_exact(3).for_each(|p| count(0, p[0], p[1], p[2]));
    let pixels = (samples.len() / 3).max(1) as f64;
    for (share, count) in out.iter_mut().zip(&counts) {
        *share = (f64::from(count.iter().sum::<u32>()) / pixels) as f32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::opencv;

    #[test]
    fn agrees_with_opencv() {
        let places = Places::new(&[8, 4, 4]);
        opencv(|name, picture, stored| {
            let mut found = vec![0.0; 128];
            histogram(&picture, &places, &mut found).unwrap();
            for (place, (found, expected)) in found.iter().zip(stored["hsv_8x4x4"].as_array().unwrap()).enumerate() {
                let expected = expected.as_f64().unwrap() as f32;
                assert_eq!(*found, expected, "{name}, place {place}");
            }
        });
    }
}
