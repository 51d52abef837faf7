//! Resizing by areas, as OpenCV's INTER_AREA.
//!
//! Written by hand: `fast_image_resize`, as Pillow, gives a pixel to an area wholly or not at all (its box filter asks
//! where the pixel's middle lies), and so strays from exact areas wherever a side is not a multiple of the new one: on
//! the stored pictures by up to 58 of 255.

use crate::picture::Picture;

/// Returns the picture with the new sides, in pixels.
///
/// Where no side grows, each pixel is the mean of the area that it covers, parts of pixels by their share. Where a side
/// grows, each axis mixes two neighbours with OpenCV's weights for that case, which are not those of INTER_LINEAR.
pub fn resize(picture: &Picture, height: usize, width: usize) -> Picture {
    let channels = picture.channels;
    let mut made = Picture { height, width, channels, samples: vec![0; height * width * channels] };
    if picture.samples.is_empty() || made.samples.is_empty() {
        return made;
    }
    if (picture.height, picture.width) == (height, width) {
        made.samples.copy_from_slice(&picture.samples);
    } else if height <= picture.height && width <= picture.width {
        // OpenCV rounds halves up in its shortcut for halves of both sides, to even elsewhere.
        let halves = picture.height == 2 * height && picture.width == 2 * width;
        let nudge = if halves { 1.0 / 256.0 } else { 0.0 };
        shrink(picture, &mut made, nudge);
    } else {
        mix(picture, &mut made);
    }
    made
}

/// What a new pixel covers along one axis: `first` of the pixel at `start`, all of those up to `end`, `last` of that one.
struct Span {
    start: usize,
    end: usize,
    first: f32,
    last: f32,
    /// One over the length that is covered.
    inverse: f32,
}

/// Returns the spans along an axis. Shares below a thousandth of a pixel are left out, as OpenCV does.
fn spans(from: usize, to: usize) -> Vec<Span> {
    const TINY: f64 = 1e-3;
    let scale = from as f64 / to as f64;
    let span = |at: usize| {
        let (left, right) = (at as f64 * scale, ((at + 1) as f64 * scale).min(from as f64));
        let inverse = (1.0 / (right - left)) as f32;
        let whole = (left.ceil() as usize).min(from - 1);
        let end = (right.floor() as usize).min(from - 1).max(whole);
        let before = whole as f64 - left;
        let after = right - end as f64;
        let (start, first) = if before > TINY { (whole - 1, before as f32) } else { (whole, 1.0) };
        let last = if after > TINY { after.min(1.0) as f32 } else { 0.0 };
        if start == end {
            Span { start, end, first: last, last: 0.0, inverse }
        } else {
            Span { start, end, first, last, inverse }
        }
    };
    (0..to).map(span).collect()
}

/// Sums rows into a line of numbers, then spans of that line into pixels.
fn shrink(from: &Picture, to: &mut Picture, nudge: f32) {
    let (stride, channels) = (from.width * from.channels, from.channels);
    let columns = spans(from.width, to.width);
    let mut line = vec![0f32; stride];
    for (span, out) in spans(from.height, to.height).iter().zip(to.samples.chunks_exact_mut(to.width * channels)) {
        let row = |y: usize| &from.samples[y * stride..(y + 1) * stride];
        line.iter_mut().zip(row(span.start)).for_each(|(sum, &x)| *sum = span.first * f32::from(x));
        for y in span.start + 1..span.end {
            line.iter_mut().zip(row(y)).for_each(|(sum, &x)| *sum += f32::from(x));
        }
        if span.last > 0.0 {
            line.iter_mut().zip(row(span.end)).for_each(|(sum, &x)| *sum += span.last * f32::from(x));
        }
        match channels {
            1 => shrink_line::<1>(&line, &columns, span.inverse, nudge, out),
            3 => shrink_line::<3>(&line, &columns, span.inverse, nudge, out),
            _ => {
                for channel in 0..channels {
                    let one: Vec<f32> = line[channel..].iter().step_by(channels).copied().collect();
                    let mut column = vec![0; columns.len()];
                    shrink_line::<1>(&one, &columns, span.inverse, nudge, &mut column);
                    out[channel..].iter_mut().step_by(channels).zip(column).for_each(|(o, x)| *o = x);
                }
            }
        }
    }
}

fn shrink_line<const CHANNELS: usize>(line: &[f32], columns: &[Span], inverse: f32, nudge: f32, out: &mut [u8]) {
    let (pixels, _) = line.as_chunks::<CHANNELS>();
    for (span, out) in columns.iter().zip(out.chunks_exact_mut(CHANNELS)) {
        let mut sum = pixels[span.start].map(|x| x * span.first);
        if span.end > span.start {
            for pixel in &pixels[span.start + 1..span.end] {
                sum.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
            }
            sum.iter_mut().zip(pixels[span.end]).for_each(|(sum, x)| *sum += x * span.last);
        }
        let scale = span.inverse * inverse;
        out.iter_mut().zip(sum).for_each(|(out, sum)| *out = round(sum * scale + nudge));
    }
}

/// Rounds a number from 0 to 255, halves to even: added to 2²³, the whole part is left in the lowest bits.
fn round(x: f32) -> u8 {
    (x.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

/// The two neighbours that a new pixel mixes along one axis, and the share of the second.
///
/// The order of the divisions and the narrowing to 32 bits before the whole part is taken off are OpenCV's: where a border
/// of new pixels meets one of old ones, they decide between a share of 0 and one of almost 1.
fn neighbours(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let growth = to as f64 / from as f64;
    let scale = 1.0 / growth;
    let one = |at: usize| {
        let near = ((at as f64 * scale).floor() as usize).min(from - 1);
        let share = ((at + 1) as f64 - (near + 1) as f64 * growth) as f32;
        let share = if share <= 0.0 { 0.0 } else { share - share.floor() };
        (near, (near + 1).min(from - 1), share)
    };
    (0..to).map(one).collect()
}

fn mix(from: &Picture, to: &mut Picture) {
    let (stride, channels) = (from.width * from.channels, from.channels);
    let columns = neighbours(from.width, to.width);
    let mut line = vec![0f32; stride];
    let rows = neighbours(from.height, to.height);
    for (&(upper, lower, share), out) in rows.iter().zip(to.samples.chunks_exact_mut(to.width * channels)) {
        let (above, below) = (&from.samples[upper * stride..][..stride], &from.samples[lower * stride..][..stride]);
        for ((mixed, &a), &b) in line.iter_mut().zip(above).zip(below) {
            *mixed = f32::from(a) * (1.0 - share) + f32::from(b) * share;
        }
        for (&(left, right, share), out) in columns.iter().zip(out.chunks_exact_mut(channels)) {
            let (a, b) = (&line[left * channels..][..channels], &line[right * channels..][..channels]);
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = round(a * (1.0 - share) + b * share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Limits, decode};

    fn stored(path: &str) -> Picture {
        let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap()
    }

    #[test]
    fn agrees_with_opencv_within_one_step() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/opencv/opencv.json");
        let all: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut compared = 0;
        for entry in all["pictures"].as_array().unwrap() {
            let picture = stored(entry["picture"].as_str().unwrap());
            for size in entry["resize"].as_array().unwrap() {
                let file = size["file"].as_str().unwrap();
                let expected = stored(&format!("tests/fixtures/opencv/{file}"));
                let found = resize(&picture, expected.height, expected.width);
                let apart = found.samples.iter().zip(&expected.samples).map(|(&a, &b)| a.abs_diff(b)).max();
                assert!(apart.unwrap() <= 1, "{file}: {apart:?} apart");
                compared += 1;
            }
        }
        assert_eq!(compared, 19);
    }

    #[test]
    fn means_are_exact_where_sides_are_multiples() {
        let picture = |width, samples: &[u8]| Picture {
            height: samples.len() / width,
            width,
            channels: 1,
            samples: samples.to_vec(),
        };
        assert_eq!(resize(&picture(2, &[0, 255, 9, 8]), 1, 1).samples, [68]);
        assert_eq!(resize(&picture(2, &[0, 1, 0, 1]), 1, 1).samples, [1], "halves of both sides round up");
        assert_eq!(resize(&picture(2, &[0, 1]), 1, 1).samples, [0], "others to even");
        assert_eq!(resize(&picture(3, &[10, 20, 60]), 1, 2).samples, [13, 47]);
        assert_eq!(resize(&picture(1, &[7]), 2, 3).samples, [7; 6]);
    }

    #[test]
    fn borders_that_meet_give_no_share_of_almost_one() {
        // cv2.resize(numpy.tile(numpy.uint8([5, 250]), 7)[None], (18, 1), interpolation=cv2.INTER_AREA), OpenCV 5.0.0
        let expected = [5, 180, 145, 40, 250, 40, 145, 180, 5, 5, 75, 110, 215, 5, 215, 110, 75, 250];
        let picture = Picture { height: 1, width: 14, channels: 1, samples: [5, 250].repeat(7) };
        for (found, expected) in resize(&picture, 1, 18).samples.into_iter().zip(expected) {
            assert!(found.abs_diff(expected) <= 1, "{found} for {expected}");
        }
    }

    #[test]
    fn other_counts_of_channels_are_each_their_own() {
        let picture = Picture { height: 2, width: 2, channels: 2, samples: vec![0, 100, 4, 104, 8, 108, 12, 112] };
        assert_eq!(resize(&picture, 1, 1).samples, [6, 106]);
    }
}
