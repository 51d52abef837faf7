//! `edge_histogram`: where in a picture edges of which direction are.

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct EdgeHistogram;

const THRESHOLD: Arg<f64> = Arg::float("threshold")
    .default(Literal::Float(11.0))
    .range(0.0, 1_020.0)
    .doc("A block whose strongest edge is weaker, in steps of grey, has none.");
const BLOCKS: Arg<usize> = Arg::int("blocks")
    .default(Literal::Int(1100))
    .range(16.0, 1_000_000.0)
    .doc("About how many square blocks the picture is cut into; a block's side is even, and 2 at least.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "edge_histogram",
    &["col<d, image[h, w, 1]> -> col<d, vector[80]>"],
)
.version(1)
.args(&[THRESHOLD.spec(), BLOCKS.spec()])
.cost("h * w * 2")
.doc(
    "Cuts a picture into 4 x 4 regions, row after row, and each of them into small blocks. Of each block the strongest edge \
     counts: vertical, horizontal, of 45°, of 135°, or of no direction. Gives for each region the share of its blocks with \
     each of the five: 80 numbers. What is left over at the right and at the bottom is passed over.",
)
.reference("MPEG-7 (ISO/IEC 15938-3), edge histogram descriptor, before its numbers are quantized")
.examples(&[Example::new(
    "Two blocks, one above the other: the left half is bright, then all is dark.",
    "image([[255, 0], [255, 0], [0, 0], [0, 0]]) |> edge_histogram",
    "[[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]",
)]);

impl Stage for EdgeHistogram {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let (threshold, blocks) = (args.get(THRESHOLD), args.get(BLOCKS));
    each::picture_to_vector(batch, 80, |picture, out| {
        context.check()?;
        edges(picture, threshold, blocks, out)
    })
}

fn edges(picture: &Picture, threshold: f64, blocks: usize, out: &mut [f32]) -> Result<()> {
    let samples = each::with_channels(picture, 1)?;
    let (height, width) = (picture.height, picture.width);
    let side = ((height * width) as f64 / blocks as f64).sqrt() as usize;
    let half = (side / 2).max(1);
    let side = 2 * half;
    let mut counts = [[0u32; 5]; 16];
    let mut totals = [0u32; 16];
    // Sums of the quarters of a line of blocks: above, below.
    let mut sums = vec![[0u32; 2]; width / half];
    for top in (0..(height + 1).saturating_sub(side)).step_by(side) {
        sums.fill([0; 2]);
        for y in 0..side {
            let line = &samples[(top + y) * width..(top + y + 1) * width];
            for (sum, quarter) in sums.iter_mut().zip(line.chunks_exact(half)) {
                sum[y / half] += quarter.iter().map(|&x| u32::from(x)).sum::<u32>();
            }
        }
        for (block, quarters) in sums.as_chunks::<2>().0.iter().enumerate() {
            let left = block * side;
            let region = (4 * left / width) + 4 * (4 * top / height);
            totals[region] += 1;
            let mean = |sum: u32| f64::from(sum) / (half * half) as f64;
            let [[above_left, below_left], [above_right, below_right]] = quarters.map(|q| q.map(mean));
            let root = std::f64::consts::SQRT_2;
            let strengths = [
                above_left - above_right + below_left - below_right,
                above_left + above_right - below_left - below_right,
                root * above_left - root * below_right,
                root * above_right - root * below_left,
                2.0 * above_left - 2.0 * above_right - 2.0 * below_left + 2.0 * below_right,
            ];
            let (mut kind, mut most) = (0, 0.0);
            for (i, strength) in strengths.iter().map(|s| s.abs()).enumerate() {
                if strength > most {
                    (kind, most) = (i, strength);
                }
            }
            if most > 0.0 && most >= threshold {
                counts[region][kind] += 1;
            }
        }
    }
    for ((out, counts), total) in out.as_chunks_mut::<5>().0.iter_mut().zip(counts).zip(totals) {
        *out = counts.map(|count| (f64::from(count) / f64::from(total.max(1))) as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::{fixture, stored_picture};

    #[test]
    fn regions_agree_with_scipys_kernels() {
        for entry in fixture("texture/texture.json")["pictures"].as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            let gray = stored_picture(&format!("tests/fixtures/opencv/{name}.gray.png"));
            for (key, blocks, threshold) in [("edge_histogram", 1100, 11.0), ("edge_histogram_64_blocks", 64, 30.0)] {
                let mut found = [0.0; 80];
                edges(&gray, threshold, blocks, &mut found).unwrap();
                for (place, (found, expected)) in found.iter().zip(entry[key].as_array().unwrap()).enumerate() {
                    let expected = expected.as_f64().unwrap();
                    assert!((f64::from(*found) - expected).abs() < 1e-6, "{name} {key} {place}: {found}, {expected}");
                }
                assert!(found.iter().sum::<f32>() > 1.0, "{name} has edges to find");
            }
        }
    }

    #[test]
    fn each_direction_has_its_place() {
        let mut out = [0.0; 80];
        for (samples, place) in [
            ([255, 0, 255, 0], Some(0)),
            ([255, 255, 0, 0], Some(1)),
            ([255, 128, 128, 0], Some(2)),
            ([128, 255, 0, 128], Some(3)),
            ([255, 0, 0, 255], Some(4)),
            ([7, 8, 7, 8], None),
        ] {
            let picture = Picture { height: 2, width: 2, channels: 1, samples: samples.to_vec() };
            edges(&picture, 11.0, 1100, &mut out).unwrap();
            assert_eq!(out.iter().position(|&x| x == 1.0), place, "{samples:?}");
        }
        edges(&Picture { height: 1, width: 1, channels: 1, samples: vec![3] }, 11.0, 1100, &mut out).unwrap();
        assert_eq!(out, [0.0; 80]);
    }
}
