//! Work cut into parts by its size alone, never by the number of threads, so that sums over parts are the same anywhere.

use super::elementwise;
use rayon::prelude::*;
use std::ops::Range;

/// The most parts: each may need memory of its own.
pub(crate) const PARTS_AT_MOST: usize = 8;

/// Numbers that are worth a part where each is treated by itself.
const BLOCK: usize = 16 * 1024;

/// Returns `count / least` parts of `0..count`, at least one and at most eight, as equal as can be.
pub(crate) fn parts(count: usize, least: usize) -> Vec<Range<usize>> {
    let number = (count / least.max(1)).clamp(1, PARTS_AT_MOST);
    (0..number).map(|i| count * i / number..count * (i + 1) / number).collect()
}

/// Cuts a buffer of rows of `width` along parts that follow one another from 0.
pub(crate) fn split<'a>(mut data: &'a mut [f32], parts: &[Range<usize>], width: usize) -> Vec<&'a mut [f32]> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let (own, rest) = data.split_at_mut(part.len() * width);
        out.push(own);
        data = rest;
    }
    out
}

/// Runs work for each part, side by side where there are several, and returns the results in their order.
pub(crate) fn each<W: Send, R: Send>(work: Vec<W>, run: impl Fn(W) -> R + Sync) -> Vec<R> {
    if work.len() == 1 { work.into_iter().map(run).collect() } else { work.into_par_iter().map(&run).collect() }
}

/// Treats blocks of a long buffer, whole rows of `width`, side by side.
pub(crate) fn rows(to: &mut [f32], width: usize, run: impl Fn(&mut [f32]) + Sync) {
    if to.len() < 2 * BLOCK {
        run(to);
    } else {
        to.par_chunks_mut((BLOCK / width.max(1)).max(1) * width.max(1)).for_each(&run);
    }
}

/// Treats blocks of two buffers of equal length side by side.
pub(crate) fn pairs(to: &mut [f32], from: &[f32], run: impl Fn(&mut [f32], &[f32]) + Sync) {
    if to.len() < 2 * BLOCK {
        run(to, from);
    } else {
        to.par_chunks_mut(BLOCK).zip(from.par_chunks(BLOCK)).for_each(|(to, from)| run(to, from));
    }
}

/// Writes the sum of the buffers, or adds it, in their order.
pub(crate) fn sum(buffers: &[Vec<f32>], out: &mut [f32], accumulate: bool) {
    for (number, buffer) in buffers.iter().enumerate() {
        if number == 0 && !accumulate {
            out.copy_from_slice(buffer);
        } else {
            elementwise::add(out, buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_one_another_and_depend_on_sizes_alone() {
        for count in [0, 1, 7, 8, 63, 64, 1000] {
            let found = parts(count, 8);
            assert_eq!((found[0].start, found[found.len() - 1].end), (0, count));
            assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start) && found.len() <= PARTS_AT_MOST);
        }
        let mut data = vec![0.0; 21];
        assert_eq!(split(&mut data, &parts(7, 3), 3).iter().map(|part| part.len()).collect::<Vec<_>>(), [9, 12]);
    }
}
