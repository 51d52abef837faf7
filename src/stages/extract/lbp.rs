//! `lbp`: local binary patterns, the texture of a picture.

use mmf_data::error::Result;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Map, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use super::each;

pub(crate) struct Lbp;

const HOW: Arg<String> =
    Arg::words("how", &["default", "rotation_invariant", "uniform", "nri_uniform"]).default(Literal::Word("default")).doc(
        "`default`: each point is a bit, 2^points codes. `rotation_invariant`: of a pattern and its turns, the smallest \
         code (of 2^points). `uniform`: the count of ones where they stand together, points + 1 for all other patterns: \
         points + 2 codes. `nri_uniform`: as `uniform`, patterns of another turn apart: points * (points - 1) + 3 codes.",
    );
const POINTS: Arg<usize> = Arg::int("points")
    .default(Literal::Int(8))
    .range(1.0, 24.0)
    .doc("Count of points on the circle; the first lies to the right, the others follow against the clock.");
const RADIUS: Arg<f64> =
    Arg::float("radius").default(Literal::Float(1.0)).range(0.1, 100.0).doc("Radius of the circle, in pixels.");

// infer: col<d, codes[h, w, n]>, n by `how` and `points`
static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "lbp",
    &["col<d, image[h, w, 1]> -> col<d, codes[h, w, n]>"],
)
.version(1)
.args(&[HOW.spec(), POINTS.spec(), RADIUS.spec()])
.infer(codes)
.cost("h * w * points * 4")
.doc(
    "Tells for each pixel which points on a circle around it are at least as bright: a code a pixel, whose `histogram` is \
     the texture. A point between pixels is mixed of the four around it; beyond the border all is black.",
)
.reference("Ojala, Pietikäinen, Mäenpää 2002; scikit-image's local_binary_pattern, methods default, ror, uniform, nri_uniform")
.examples(&[
    Example::new(
        "Bits: right, above, left, below. The middle one is as dark as what is left of it and below it.",
        "image([[9, 4, 9], [9, 5, 3], [9, 6, 9]]) |> lbp(points = 4)",
        "map([[8, 13, 0], [10, 12, 14], [2, 5, 0]])",
    ),
    Example::new(
        "How many points are as bright, where they stand together; else 5.",
        "image([[9, 4, 9], [9, 5, 3], [9, 6, 9]]) |> lbp(points = 4, how = uniform)",
        "map([[1, 3, 0], [5, 2, 3], [1, 5, 0]])",
    ),
]);

/// As large as the picture; how many codes there are is known from the arguments.
fn codes(call: &mut Inference<'_, '_>) -> Option<Type> {
    let Elem::Image([height, width, _]) = call.column(0)?.elem else { return call.out(Elem::Unknown) };
    let count = count(&call.args.get(HOW), call.args.get(POINTS));
    call.out(Elem::Codes([height, width, Size::Known(count)]))
}

fn count(how: &str, points: usize) -> u64 {
    match how {
        "uniform" => points as u64 + 2,
        "nri_uniform" => (points * (points - 1)) as u64 + 3,
        _ => 1 << points,
    }
}

impl Stage for Lbp {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let circle = Circle::new(&args.get(HOW), args.get(POINTS), args.get(RADIUS));
    each::picture_to_map(batch, |picture| {
        context.check()?;
        lbp(picture, &circle)
    })
}

/// A line at some distance to the right: whole pixels, or a mixture of two neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shift {
    distance: f64,
}

/// A point of the circle.
struct Point {
    /// Downwards.
    down: f64,
    /// Which of the shifts to the right.
    shift: usize,
}

/// What all pictures have in common.
struct Circle {
    points: Vec<Point>,
    /// The distances to the right, each once.
    shifts: Vec<Shift>,
    /// How far the circle reaches, in whole pixels.
    reach: usize,
    how: How,
    /// Codes by pattern, where they are few.
    table: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Default,
    RotationInvariant,
    Uniform,
    Directed,
}

/// With more points, a table of all patterns would cost more than it saves.
const POINTS_OF_TABLE: usize = 12;

impl Circle {
    fn new(how: &str, points: usize, radius: f64) -> Circle {
        let how = match how {
            "rotation_invariant" => How::RotationInvariant,
            "uniform" => How::Uniform,
            "nri_uniform" => How::Directed,
            _ => How::Default,
        };
        // As scikit-image: the radius in 32 bits, the points to five digits.
        let radius = f64::from(radius as f32);
        let rounded = |x: f64| (x * 1e5).round_ties_even() / 1e5;
        let mut shifts: Vec<Shift> = Vec::new();
        let places = (0..points).map(|i| {
            let angle = 2.0 * std::f64::consts::PI * i as f64 / points as f64;
            let shift = Shift { distance: rounded(radius * angle.cos()) };
            let known = shifts.iter().position(|s| *s == shift);
            let shift = known.unwrap_or_else(|| {
                shifts.push(shift);
                shifts.len() - 1
            });
            Point { down: rounded(-radius * angle.sin()), shift }
        });
        let points: Vec<Point> = places.collect();
        let furthest = shifts.iter().map(|s| s.distance.abs()).chain(points.iter().map(|p| p.down.abs()));
        let reach = furthest.fold(0.0, f64::max).ceil() as usize;
        let mut circle = Circle { points, shifts, reach, how, table: Vec::new() };
        if circle.points.len() <= POINTS_OF_TABLE {
            circle.table = (0..1u32 << circle.points.len()).map(|pattern| circle.code(pattern) as f32).collect();
        }
        circle
    }

    /// Returns the code of a pattern, whose bits are the points.
    fn code(&self, pattern: u32) -> u32 {
        let points = self.points.len() as u32;
        let mask = (1u32 << points) - 1;
        let ones = pattern.count_ones();
        // Between neighbours of the row of points, not around its end: as scikit-image counts.
        let changes = ((pattern ^ (pattern >> 1)) & (mask >> 1)).count_ones();
        match self.how {
            How::Default => pattern,
            How::RotationInvariant => {
                let turn = |by: u32| ((pattern >> by) | (pattern << (points - by))) & mask;
                (0..points).map(|by| if by == 0 { pattern } else { turn(by) }).min().unwrap_or(pattern)
            }
            How::Uniform if changes <= 2 => ones,
            How::Uniform => points + 1,
            How::Directed if changes > 2 => points * (points - 1) + 2,
            How::Directed if ones == 0 => 0,
            How::Directed if ones == points => points * (points - 1) + 1,
            How::Directed => {
                let (first_one, first_zero) = (pattern.trailing_zeros(), pattern.trailing_ones());
                let turn = if first_one == 0 { ones - first_zero } else { points - first_one };
                1 + (ones - 1) * points + turn
            }
        }
    }
}

/// Returns the code of each pixel.
///
/// Numbers are mixed in 64 bits and in scikit-image's order: where a point is as bright as its middle but for the last bit,
/// the code hangs on it.
fn lbp(picture: &Picture, circle: &Circle) -> Result<Map> {
    let samples = each::with_channels(picture, 1)?;
    let (height, width) = (picture.height, picture.width);
    let mut numbers = Vec::with_capacity(height * width);
    let mut lines = Lines::new(width, circle);
    let mut patterns = vec![0u64; width];
    for y in 0..(height + circle.reach) as isize {
        // Lines are taken up as far ahead as the circle reaches.
        let line = samples.get(y as usize * width..(y as usize + 1) * width);
        lines.push(line);
        let row = y - circle.reach as isize;
        if row < 0 {
            continue;
        }
        patterns.fill(0);
        let middle = lines.base(row, 0);
        for (bit, point) in circle.points.iter().enumerate() {
            // Which line is below hangs on the row's number in the last bit only.
            let at = row as f64 + point.down;
            let (above, share) = (at.floor() as isize, at - at.floor());
            let first = lines.shifted(above, point.shift);
            if share == 0.0 {
                set(&mut patterns, middle, first, 1 << bit);
            } else {
                set_mixed(&mut patterns, middle, [first, lines.shifted(above + 1, point.shift)], share, 1 << bit);
            }
        }
        if circle.table.is_empty() {
            numbers.extend(patterns.iter().map(|&pattern| circle.code(pattern as u32) as f32));
        } else {
            numbers.extend(patterns.iter().map(|&pattern| circle.table[pattern as usize]));
        }
    }
    Ok(Map { height, width, channels: 1, numbers })
}

/// Sets a bit of each pattern where the texture is at least as bright as the middle. Patterns are as wide as the numbers that
/// they are compared by, so that the compiler makes vector code of it.
#[inline(never)]
fn set(patterns: &mut [u64], middle: &[f64], texture: &[f64], bit: u64) {
    let width = patterns.len();
    let (middle, texture) = (&middle[..width], &texture[..width]);
    for x in 0..width {
        patterns[x] |= if texture[x] >= middle[x] { bit } else { 0 };
    }
}

/// Sets a bit as [`set`] does, where the texture lies between two lines.
#[inline(never)]
fn set_mixed(patterns: &mut [u64], middle: &[f64], [above, below]: [&[f64]; 2], share: f64, bit: u64) {
    let width = patterns.len();
    let (middle, above, below) = (&middle[..width], &above[..width], &below[..width]);
    let rest = 1.0 - share;
    for x in 0..width {
        let texture = rest * above[x] + share * below[x];
        patterns[x] |= if texture >= middle[x] { bit } else { 0 };
    }
}

/// The lines around the one under way: as they are, with black on either side, and by shift.
struct Lines<'c> {
    circle: &'c Circle,
    width: usize,
    /// How many lines are kept: the one under way, and as many as the circle reaches on either side.
    kept: usize,
    /// Count of lines taken up.
    pushed: usize,
    base: Vec<Vec<f64>>,
    /// By shift, then by line; empty where whole pixels are meant.
    shifted: Vec<Vec<Vec<f64>>>,
    /// By shift and column, the share of the right neighbour.
    shares: Vec<Vec<f64>>,
}

impl<'c> Lines<'c> {
    fn new(width: usize, circle: &'c Circle) -> Self {
        let kept = 2 * circle.reach + 1;
        let share = |shift: &Shift| -> Vec<f64> {
            let share = |column: usize| {
                let at = column as f64 + shift.distance;
                at - at.floor()
            };
            if shift.distance.fract() == 0.0 { Vec::new() } else { (0..width).map(share).collect() }
        };
        let shares: Vec<Vec<f64>> = circle.shifts.iter().map(share).collect();
        let blank = |shares: &Vec<f64>| if shares.is_empty() { Vec::new() } else { vec![vec![0.0; width]; kept] };
        Lines {
            circle,
            width,
            kept,
            pushed: 0,
            base: vec![vec![0.0; width + 2 * circle.reach]; kept],
            shifted: shares.iter().map(blank).collect(),
            shares,
        }
    }

    fn slot(&self, line: isize) -> usize {
        line.rem_euclid(self.kept as isize) as usize
    }

    /// Takes up the next line; `None` is black.
    fn push(&mut self, samples: Option<&[u8]>) {
        let slot = self.slot(self.pushed as isize);
        self.pushed += 1;
        let reach = self.circle.reach;
        let base = &mut self.base[slot];
        match samples {
            Some(samples) => {
                base[reach..reach + self.width].iter_mut().zip(samples).for_each(|(out, &x)| *out = f64::from(x));
            }
            None => base.fill(0.0),
        }
        for ((shift, lines), shares) in self.circle.shifts.iter().zip(&mut self.shifted).zip(&self.shares) {
            if shares.is_empty() {
                continue;
            }
            let start = (reach as isize + shift.distance.floor() as isize) as usize;
            let (left, right) = (&base[start..], &base[start + 1..]);
            for (((out, left), right), share) in lines[slot].iter_mut().zip(left).zip(right).zip(shares) {
                *out = (1.0 - share) * left + share * right;
            }
        }
    }

    /// Returns a line as it is, moved by whole pixels.
    fn base(&self, line: isize, right: isize) -> &[f64] {
        let start = (self.circle.reach as isize + right) as usize;
        &self.base[self.slot(line)][start..start + self.width]
    }

    fn shifted(&self, line: isize, shift: usize) -> &[f64] {
        match self.shifted[shift].get(self.slot(line)) {
            Some(line) => line,
            None => self.base(line, self.circle.shifts[shift].distance as isize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::{fixture, opencv, stored_picture};

    /// Calls `test` with each picture of the fixture of textures: its name, the grey picture, and what is stored of it.
    fn texture(mut test: impl FnMut(&str, Picture, &serde_json::Value)) {
        let all = fixture("texture/texture.json");
        for entry in all["pictures"].as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            test(name, stored_picture(&format!("tests/fixtures/opencv/{name}.gray.png")), entry);
        }
    }

    #[test]
    fn codes_are_scikit_images() {
        texture(|name, gray, stored| {
            let patterns = stored["patterns"].as_array().unwrap();
            assert_eq!(patterns.len(), 9);
            for call in patterns {
                let (how, points) = (call["how"].as_str().unwrap(), call["points"].as_u64().unwrap() as usize);
                let file = format!("tests/fixtures/texture/{}", call["file"].as_str().unwrap());
                let found = lbp(&gray, &Circle::new(how, points, call["radius"].as_f64().unwrap())).unwrap();
                let expected = stored_picture(&file);
                let wrong = found.numbers.iter().zip(&expected.samples).filter(|(a, b)| **a != f32::from(**b)).count();
                assert_eq!(wrong, 0, "{name} {file}: {wrong} of {} codes", expected.samples.len());
                assert!(found.numbers.iter().all(|&code| (code as u64) < count(how, points)), "{file}");
            }
        });
    }

    #[test]
    fn histograms_are_scikit_images() {
        opencv(|name, _, stored| {
            let gray = stored_picture(&format!("tests/fixtures/opencv/{}", stored["gray"].as_str().unwrap()));
            for (how, key) in [("default", "lbp_8_1_default"), ("uniform", "lbp_8_1_uniform")] {
                let map = lbp(&gray, &Circle::new(how, 8, 1.0)).unwrap();
                let mut counts = vec![0.0; count(how, 8) as usize];
                map.numbers.iter().for_each(|&code| counts[code as usize] += 1.0 / map.numbers.len() as f64);
                for (found, expected) in counts.iter().zip(stored[key].as_array().unwrap()) {
                    assert!((found - expected.as_f64().unwrap()).abs() < 1e-9, "{name} {how}");
                }
            }
        });
    }

    #[test]
    fn patterns_without_a_table_get_the_same_codes() {
        for how in ["default", "rotation_invariant", "uniform", "nri_uniform"] {
            let with = Circle::new(how, 12, 2.0);
            let codes: Vec<f32> = (0..1 << 12).map(|pattern| with.code(pattern) as f32).collect();
            assert_eq!(with.table, codes);
            assert!(codes.iter().all(|&code| (code as u64) < count(how, 12)), "{how}");
        }
    }

    #[test]
    fn the_smallest_pictures_have_codes() {
        for (height, width) in [(1, 1), (1, 4), (4, 1), (0, 0)] {
            let samples = (0..height * width).map(|x| x as u8).collect();
            let picture = Picture { height, width, channels: 1, samples };
            for (how, points, radius) in [("default", 8, 1.0), ("uniform", 24, 5.5), ("rotation_invariant", 1, 0.1)] {
                let map = lbp(&picture, &Circle::new(how, points, radius)).unwrap();
                assert_eq!(map.numbers.len(), height * width);
            }
        }
    }
}
