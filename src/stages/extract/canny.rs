//! `canny`: the edges of a picture.

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Map, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct Canny;

const LOW: Arg<f64> = Arg::float("low")
    .default(Literal::Float(100.0))
    .range(0.0, 100_000.0)
    .doc("Steps above this belong to an edge where they touch one that is above `high`.");

const HIGH: Arg<f64> =
    Arg::float("high").default(Literal::Float(200.0)).range(0.0, 100_000.0).doc("Steps above this are edges.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "canny",
    &["col<d, image[h, w, 1]> -> col<d, map[h, w, 1]>"],
)
.version(1)
.args(&[LOW.spec(), HIGH.spec()])
.cost("h * w * 20")
.doc(
    "Finds edges: 1 where the grey level steps most across an edge, 0 elsewhere. The step is |dx| + |dy| by Sobel's \
             3 x 3, at most 2,040. Where `low` is above `high`, they change places.",
)
.reference("OpenCV's Canny(gray, low, high), aperture 3, L1 norm, to the bit")
.examples(&[Example::new("No step, no edge.", "image([[7, 7], [7, 7]]) |> canny", "map([[0, 0], [0, 0]])")]);

impl Stage for Canny {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let (low, high) = (args.get(LOW), args.get(HIGH));
    each::picture_to_map(batch, |picture| {
        context.check()?;
        canny(picture, low, high)
    })
}

/// What is known of a place: a step too small or not the largest across its edge, an edge if it touches one, an edge.
const NONE: u8 = 0;
const WEAK: u8 = 1;
const EDGE: u8 = 2;

/// A line of the picture: steps across and down, and their size. The size has a zero on either side.
#[derive(Default)]
struct Line {
    dx: Vec<i16>,
    dy: Vec<i16>,
    size: Vec<i16>,
}

fn canny(picture: &Picture, low: f64, high: f64) -> Result<Map> {
    let samples = each::with_channels(picture, 1)?;
    let (height, width) = (picture.height, picture.width);
    let (low, high) = (low.min(high).floor() as i32, low.max(high).floor() as i32);
    let mut numbers = vec![0f32; height * width];
    if samples.is_empty() {
        return Ok(Map { height, width, channels: 1, numbers });
    }

    // A border of one place around spares every look at a neighbour its question.
    let stride = width + 2;
    let mut marks = vec![NONE; stride * (height + 2)];
    let mut edges: Vec<usize> = Vec::with_capacity(width);
    let blank = || Line { dx: vec![0; width], dy: vec![0; width], size: vec![0; stride] };
    let (mut above, mut here, mut below) = (blank(), blank(), blank());
    let mut sums = vec![0i16; stride];
    let mut differences = vec![0i16; stride];
    steps(samples, width, height, 0, &mut here, &mut sums, &mut differences);
    for y in 0..height {
        if y + 1 < height {
            steps(samples, width, height, y + 1, &mut below, &mut sums, &mut differences);
        } else {
            below.size.fill(0);
        }
        let start = (y + 1) * stride + 1;
        thin(&above, &here, &below, low, high, start, &mut marks[start..start + width], &mut edges);
        (above, here, below) = (here, below, above);
    }

    let around = [stride + 1, stride, stride - 1, 1];
    while let Some(at) = edges.pop() {
        for offset in around {
            for neighbour in [at - offset, at + offset] {
                if marks[neighbour] == WEAK {
                    marks[neighbour] = EDGE;
                    edges.push(neighbour);
                }
            }
        }
    }
    for (out, marks) in numbers.chunks_exact_mut(width).zip(marks.chunks_exact(stride).skip(1)) {
        out.iter_mut().zip(&marks[1..]).for_each(|(out, &mark)| *out = f32::from(mark >> 1));
    }
    Ok(Map { height, width, channels: 1, numbers })
}

/// Finds the steps of line `y` by Sobel's 3 x 3; the picture goes on beyond its border as it is there.
fn steps(
    samples: &[u8],
    width: usize,
    height: usize,
    y: usize,
    line: &mut Line,
    sums: &mut [i16],
    differences: &mut [i16],
) {
    let row = |y: usize| &samples[y * width..(y + 1) * width];
    let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
    let inner = sums[1..=width].iter_mut().zip(differences[1..=width].iter_mut());
    for ((((sum, difference), &a), &b), &c) in inner.zip(above).zip(here).zip(below) {
        let (a, b, c) = (i16::from(a), i16::from(b), i16::from(c));
        *sum = a + 2 * b + c;
        *difference = c - a;
    }
    for line in [sums as &mut [i16], differences as &mut [i16]] {
        line[0] = line[1];
        line[width + 1] = line[width];
    }
    let (left, right) = (&sums[..width], &sums[2..]);
    line.dx.iter_mut().zip(left.iter().zip(right)).for_each(|(dx, (a, b))| *dx = b - a);
    let (left, middle, right) = (&differences[..width], &differences[1..=width], &differences[2..]);
    let down = line.dy.iter_mut().zip(left).zip(middle).zip(right);
    down.for_each(|(((dy, a), b), c)| *dy = a + 2 * b + c);
    let sizes = line.size[1..=width].iter_mut().zip(&line.dx).zip(&line.dy);
    sizes.for_each(|((size, dx), dy)| *size = dx.abs() + dy.abs());
}

/// Marks the places of a line whose step is the largest across its edge.
///
/// The direction is told apart at 22.5 and 67.5 degrees by tangents in 32,768ths; of equal neighbours along a row or a
/// column the first is taken, on a diagonal neither: as OpenCV does.
#[allow(clippy::too_many_arguments)]
fn thin(
    above: &Line,
    here: &Line,
    below: &Line,
    low: i32,
    high: i32,
    start: usize,
    marks: &mut [u8],
    edges: &mut Vec<usize>,
) {
    const TANGENT: i32 = 13_573;
    let width = marks.len();
    let (above, below) = (&above.size[..width + 2], &below.size[..width + 2]);
    let (size, dx, dy) = (&here.size[..width + 2], &here.dx[..width], &here.dy[..width]);
    let low = i16::try_from(low).unwrap_or(i16::MAX);
    for x in 0..width {
        let step = size[x + 1];
        if step <= low {
            continue;
        }
        let (across, down) = (i32::from(dx[x]), i32::from(dy[x]));
        let flat = across.abs() * TANGENT;
        let tall = down.abs() << 15;
        let largest = if tall < flat {
            step > size[x] && step >= size[x + 2]
        } else if tall > flat + (across.abs() << 16) {
            step > above[x + 1] && step >= below[x + 1]
        } else if (across ^ down) < 0 {
            step > above[x + 2] && step > below[x]
        } else {
            step > above[x] && step > below[x + 2]
        };
        if largest {
            if i32::from(step) > high {
                marks[x] = EDGE;
                edges.push(start + x);
            } else {
                marks[x] = WEAK;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::{opencv, stored_picture};

    #[test]
    fn agrees_with_opencv() {
        opencv(|name, _, stored| {
            let read =
                |file: &serde_json::Value| stored_picture(&format!("tests/fixtures/opencv/{}", file.as_str().unwrap()));
            let gray = read(&stored["gray"]);
            for call in stored["canny"].as_array().unwrap() {
                let found = canny(&gray, call["low"].as_f64().unwrap(), call["high"].as_f64().unwrap()).unwrap();
                let expected: Vec<f32> =
                    read(&call["file"]).samples.iter().map(|&x| f32::from(u8::from(x == 255))).collect();
                let wrong = found.numbers.iter().zip(&expected).filter(|(a, b)| a != b).count();
                assert_eq!(wrong, 0, "{name} {}: {wrong} of {} places", call["file"], expected.len());
                assert!(expected.contains(&1.0) || name.contains("gradients"), "{name} has edges to find");
            }
        });
    }

    #[test]
    fn the_smallest_pictures_have_no_edges() {
        for (height, width) in [(1, 1), (1, 4), (4, 1), (0, 0)] {
            let samples = (0..height * width).map(|x| x as u8).collect();
            let map = canny(&Picture { height, width, channels: 1, samples }, 200.0, 100.0).unwrap();
            assert_eq!(map.numbers, vec![0.0; height * width]);
        }
    }
}
