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

/// What the work on one picture is done with; all lines have a place more on either side.
struct Work {
    width: usize,
    /// Width and two.
    stride: usize,
    /// The size of each place's step, a line and a place of zeros around: no look at a neighbour needs a question.
    sizes: Vec<i16>,
    /// Steps of the line under way, across and down.
    across: Vec<i16>,
    down: Vec<i16>,
    sums: Vec<i16>,
    differences: Vec<i16>,
    marks: Vec<u8>,
    /// Places that are edges, whose neighbours are still to be asked.
    edges: Vec<usize>,
}

fn canny(picture: &Picture, low: f64, high: f64) -> Result<Map> {
    let samples = each::with_channels(picture, 1)?;
    let (height, width) = (picture.height, picture.width);
    let bound = |x: f64| x.floor().min(f64::from(i16::MAX)) as i16;
    let (low, high) = (bound(low.min(high)), bound(low.max(high)));
    let mut numbers = vec![0f32; height * width];
    if samples.is_empty() {
        return Ok(Map { height, width, channels: 1, numbers });
    }
    let stride = width + 2;
    let mut work = Work {
        width,
        stride,
        sizes: vec![0; stride * (height + 2)],
        across: vec![0; 2 * width],
        down: vec![0; 2 * width],
        sums: vec![0; stride],
        differences: vec![0; stride],
        marks: vec![NONE; stride * (height + 2)],
        edges: Vec::with_capacity(width),
    };
    work.steps(samples, height, 0);
    for y in 0..height {
        if y + 1 < height {
            work.steps(samples, height, y + 1);
        }
        work.thin(y, low, high);
    }
    work.follow();
    let lines = numbers.chunks_exact_mut(width).zip(work.marks.chunks_exact(stride).skip(1));
    each::wide(
        #[inline(always)]
        || {
            for (out, marks) in lines {
                out.iter_mut().zip(&marks[1..]).for_each(|(out, &mark)| *out = f32::from(mark >> 1));
            }
        },
    );
    Ok(Map { height, width, channels: 1, numbers })
}

impl Work {
    /// Finds the steps of line `y` by Sobel's 3 x 3; the picture goes on beyond its border as it is there.
    fn steps(&mut self, samples: &[u8], height: usize, y: usize) {
        let (width, stride) = (self.width, self.stride);
        let row = |y: usize| &samples[y * width..(y + 1) * width];
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        let (sums, differences) = (&mut self.sums[1..=width], &mut self.differences[1..=width]);
        each::wide(
            #[inline(always)]
            || down_lines(sums, differences, [above, here, below]),
        );
        for line in [&mut self.sums, &mut self.differences] {
            line[0] = line[1];
            line[width + 1] = line[width];
        }
        let turn = (y & 1) * width;
        let across = &mut self.across[turn..turn + width];
        let down = &mut self.down[turn..turn + width];
        let size = &mut self.sizes[(y + 1) * stride + 1..][..width];
        let (sums, differences) = (&self.sums[..], &self.differences[..]);
        each::wide(
            #[inline(always)]
            || along_line(across, down, size, sums, differences),
        );
    }

    /// Marks the places of line `y` whose step is the largest across its edge, and notes the edges among them.
    fn thin(&mut self, y: usize, low: i16, high: i16) {
        let (width, stride) = (self.width, self.stride);
        let start = (y + 1) * stride + 1;
        let turn = (y & 1) * width;
        let line = |at: usize| &self.sizes[at - 1..at + 1 + width];
        let sizes = [line(start - stride), line(start), line(start + stride)];
        let (across, down) = (&self.across[turn..turn + width], &self.down[turn..turn + width]);
        let marks = &mut self.marks[start..start + width];
        each::wide(
            #[inline(always)]
            || mark(marks, sizes, across, down, low, high),
        );
        for (part, marks) in marks.chunks(16).enumerate() {
            if marks.iter().fold(0, |any, mark| any | mark) & EDGE != 0 {
                let at = start + part * 16;
                self.edges.extend((at..).zip(marks).filter(|(_, mark)| **mark == EDGE).map(|(at, _)| at));
            }
        }
    }

    /// Makes edges of the weak ones that touch one, and of those that touch these.
    fn follow(&mut self) {
        let around = [self.stride + 1, self.stride, self.stride - 1, 1];
        while let Some(at) = self.edges.pop() {
            for offset in around {
                for neighbour in [at - offset, at + offset] {
                    if self.marks[neighbour] == WEAK {
                        self.marks[neighbour] = EDGE;
                        self.edges.push(neighbour);
                    }
                }
            }
        }
    }
}

/// Mixes three lines: their sums 1, 2, 1, and what the lower is above the upper.
#[inline(always)]
fn down_lines(sums: &mut [i16], differences: &mut [i16], lines: [&[u8]; 3]) {
    let width = sums.len();
    let differences = &mut differences[..width];
    let [above, here, below] = lines.map(|line| &line[..width]);
    for x in 0..width {
        let (a, b, c) = (i16::from(above[x]), i16::from(here[x]), i16::from(below[x]));
        sums[x] = a + 2 * b + c;
        differences[x] = c - a;
    }
}

/// Writes the steps across and down of a line, and their sizes. `sums` and `differences` have a place more on either side.
#[inline(always)]
fn along_line(across: &mut [i16], down: &mut [i16], size: &mut [i16], sums: &[i16], differences: &[i16]) {
    let width = across.len();
    let (down, size) = (&mut down[..width], &mut size[..width]);
    let (before, after) = (&sums[..width], &sums[2..2 + width]);
    let [left, middle, right] = [0, 1, 2].map(|from| &differences[from..from + width]);
    for x in 0..width {
        across[x] = after[x] - before[x];
        down[x] = left[x] + 2 * middle[x] + right[x];
        size[x] = across[x].abs() + down[x].abs();
    }
}

/// Writes the marks of a line. `sizes` are the lines above, here and below, with a place more on either side.
///
/// The direction is told apart at 22.5 and 67.5 degrees, by tangents in 32,768ths; of equal neighbours along a row or a
/// column the first is taken, on a diagonal neither: as OpenCV does. Everything is computed for every place, in 16 bits,
/// without a branch, so that the compiler makes vector code of it: a branch costs more, as no place foretells the next.
#[inline(always)]
fn mark(marks: &mut [u8], sizes: [&[i16]; 3], across: &[i16], down: &[i16], low: i16, high: i16) {
    const TANGENT: i32 = 13_573;
    let width = marks.len();
    let cut = |line: usize, from: usize| &sizes[line][from..from + width];
    let [above_left, above, above_right] = [0, 1, 2].map(|from| cut(0, from));
    let [left, here, right] = [0, 1, 2].map(|from| cut(1, from));
    let [below_left, below, below_right] = [0, 1, 2].map(|from| cut(2, from));
    let (across, down) = (&across[..width], &down[..width]);
    for x in 0..width {
        let size = here[x];
        let (run, rise) = (across[x].abs(), down[x].abs());
        // rise < run · tan 22.5°, as run · TANGENT is no multiple of 32,768 but for 0, where no step is.
        let bound = ((i32::from(2 * run) * TANGENT) >> 16) as i16;
        let is_flat = rise <= bound;
        // rise > run · tan 67.5°, which is 2 + tan 22.5°.
        let is_tall = rise - 2 * run > bound;
        let falls = (across[x] ^ down[x]) < 0;
        let horizontal = (size > left[x]) & (size >= right[x]);
        let vertical = (size > above[x]) & (size >= below[x]);
        let rising = (size > above_right[x]) & (size > below_left[x]);
        let falling = (size > above_left[x]) & (size > below_right[x]);
        let diagonal = (falls & rising) | (!falls & falling);
        let is_largest = (is_flat & horizontal) | (!is_flat & ((is_tall & vertical) | (!is_tall & diagonal)));
        let is_largest = is_largest & (size > low);
        marks[x] = u8::from(is_largest) + u8::from(is_largest & (size > high));
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
