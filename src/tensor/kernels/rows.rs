//! Rows picked from a matrix, and added back to it.

/// Numbers that come from memory together.
const LINE: usize = 16;
/// Numbers in a page of memory.
const PAGE: usize = 1024;

/// Returns the rows of `from` in the order of `index`; every index is within it.
pub(crate) fn gather(from: &[f32], width: usize, index: &[u32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(index.len() * width);
    for &i in index {
        out.extend_from_slice(&from[i as usize * width..][..width]);
    }
    out
}

/// Returns row `second` less row `first` of `from`, for each two; all are within it.
pub fn differences(from: &[f32], width: usize, firsts: &[usize], seconds: &[usize]) -> Vec<f32> {
    let row = |at: usize| &from[at * width..][..width];
    let mut out = Vec::with_capacity(seconds.len() * width);
    for (place, (&first, &second)) in firsts.iter().zip(seconds).enumerate() {
        // Rows lie far apart in memory, and the machine itself looks ahead within a page alone.
        for next in [firsts, seconds].into_iter().filter_map(|rows| rows.get(place + 1)) {
            row(*next).chunks(PAGE).for_each(|page| fetch(&page[..page.len().min(2 * LINE)]));
        }
        subtract(row(second), row(first), &mut out);
    }
    out
}

wide! {
    fn subtract(a: &[f32], b: &[f32], out: &mut Vec<f32>) {
        out.extend(a.iter().zip(b).map(|(a, b)| a - b));
    }
}

/// Returns rows of `from` as sequences of `steps` steps: `index` holds those of all sequences end to end, as many as `lengths` says.
/// Steps beyond are zero.
pub(crate) fn spread(from: &[f32], width: usize, index: &[u32], (lengths, steps): (&[u32], usize)) -> Vec<f32> {
    let mut out = vec![0.0; lengths.len() * steps * width];
    let mut rest = index;
    for (row, &length) in lengths.iter().enumerate() {
        let (own, after) = rest.split_at(length as usize);
        rest = after;
        for (step, &i) in own.iter().enumerate() {
            out[(row * steps + step) * width..][..width].copy_from_slice(&from[i as usize * width..][..width]);
        }
    }
    out
}

/// Joins the steps that sequences have, end to end.
pub(crate) fn join(from: &[f32], width: usize, (lengths, steps): (&[u32], usize), out: &mut [f32]) {
    let mut at = 0;
    for (row, &length) in lengths.iter().enumerate() {
        let own = length as usize * width;
        out[at..at + own].copy_from_slice(&from[row * steps * width..][..own]);
        at += own;
    }
}

wide! {
    /// Adds row `j` of `rows` to row `index[j]` of `to`, in order.
    pub(crate) fn scatter_add(to: &mut [f32], width: usize, index: &[u32], rows: &[f32]) {
        if width == 0 {
            return;
        }
        for (i, row) in index.iter().zip(rows.chunks_exact(width)) {
            for (a, b) in to[*i as usize * width..][..width].iter_mut().zip(row) {
                *a += *b;
            }
        }
    }
}

/// Copies `from` (rows of `width`) into the columns of `to` (rows of `to_width`) that begin at `at`.
pub(crate) fn put_columns(from: &[f32], width: usize, to: &mut [f32], to_width: usize, at: usize) {
    if width == 0 {
        return;
    }
    for (row, out) in from.chunks_exact(width).zip(to.chunks_exact_mut(to_width)) {
        out[at..at + width].copy_from_slice(row);
    }
}

/// Copies the columns `at..at + width` of `from` (rows of `from_width`) to `to`.
pub(crate) fn take_columns(from: &[f32], from_width: usize, at: usize, to: &mut [f32], width: usize) {
    if width == 0 {
        return;
    }
    for (row, out) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(width)) {
        out.copy_from_slice(&row[at..at + width]);
    }
}

/// Asks for a row that will be used soon. Changes nothing but when it arrives from memory.
#[inline(always)]
pub(crate) fn fetch(row: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address is within the row; a prefetch reads nothing that a program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_from_each_other() {
        let width = 2 * PAGE + 3;
        let from: Vec<f32> = (0..3 * width).map(|i| (i / width * 10 + i % 7) as f32).collect();
        let found = differences(&from, width, &[0, 2, 1], &[1, 0, 1]);
        assert_eq!(found.len(), 3 * width);
        for (row, wanted) in [10.0, -20.0, 0.0].into_iter().enumerate() {
            assert!(found[row * width..][..width].iter().all(|&x| x == wanted));
        }
        assert!(differences(&[], 0, &[1], &[2]).is_empty());
    }
}
