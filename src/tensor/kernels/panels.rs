//! Products with a small right side that is used many times: packed once into panels of sixteen columns, then read from there.
//!
//! `gemm` packs both sides at each call, which costs more than the product itself where a window moves over a map, a recurrent layer
//! takes a step, or attention has short rows. Here the left side is read as it lies, and its rows may overlap, as windows do.
//! Each result is one sum, from the first product to the last.

use super::lanes::{LANES, Lanes, Plain};
use super::product::Matrix;

/// Columns of a panel: two registers.
const COLUMNS: usize = 2 * LANES;

/// Rows of a tile: with two registers a row, twelve sums, and the sixteen registers of AVX2 have room for what they are made from.
const ROWS: usize = 6;

/// A matrix in panels.
pub(crate) struct Panels {
    depth: usize,
    width: usize,
    /// For each panel its rows of sixteen numbers, zero beyond the width.
    data: Vec<f32>,
}

impl Panels {
    /// Packs a matrix of `depth × width`, as read.
    pub(crate) fn pack(matrix: Matrix, depth: usize, width: usize) -> Self {
        let mut panels = Panels { depth, width, data: Vec::new() };
        panels.fill(matrix, depth, width);
        panels
    }

    /// Packs another matrix into the same memory.
    pub(crate) fn fill(&mut self, matrix: Matrix, depth: usize, width: usize) {
        matrix.check(depth, width);
        (self.depth, self.width) = (depth, width);
        self.data.clear();
        self.data.resize(width.div_ceil(COLUMNS) * depth * COLUMNS, 0.0);
        let (column_step, row_step) = matrix.steps();
        for (number, panel) in self.data.chunks_exact_mut((depth * COLUMNS).max(1)).enumerate() {
            let first = number * COLUMNS;
            let count = COLUMNS.min(width - first);
            for (row, to) in panel.chunks_exact_mut(COLUMNS).enumerate() {
                let at = row * row_step + first * column_step;
                if column_step == 1 {
                    to[..count].copy_from_slice(&matrix.data[at..at + count]);
                } else {
                    for (column, to) in to[..count].iter_mut().enumerate() {
                        *to = matrix.data[at + column * column_step];
                    }
                }
            }
        }
    }
}

/// Rows of a left side as they lie in memory: each is `segments` runs of `length` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Windows<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) count: usize,
    /// From a row to the next.
    pub(crate) step: usize,
    pub(crate) segments: usize,
    /// From a segment to the next.
    pub(crate) segment_step: usize,
    pub(crate) length: usize,
}

impl<'a> Windows<'a> {
    /// The rows of a matrix, `length` numbers every `step`.
    pub(crate) fn rows(data: &'a [f32], count: usize, step: usize, length: usize) -> Self {
        Windows { data, count, step, segments: 1, segment_step: 0, length }
    }

    fn end(self) -> usize {
        if self.count == 0 || self.segments == 0 {
            return 0;
        }
        (self.count - 1) * self.step + (self.segments - 1) * self.segment_step + self.length
    }
}

/// What sums begin with.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    Zero,
    /// What stands there: the product is added.
    There,
    /// A number a column.
    Bias(&'a [f32]),
}

/// Writes `a·b` into rows of `out` that begin every `out_step` numbers.
pub(crate) fn multiply(a: Windows, b: &Panels, out: &mut [f32], out_step: usize, start: Start) {
    assert!(a.segments * a.length == b.depth && a.end() <= a.data.len(), "the left side fits");
    if a.count == 0 || b.width == 0 {
        return;
    }
    assert!(b.width <= out_step && (a.count - 1) * out_step + b.width <= out.len(), "the result fits");
    if let Start::Bias(bias) = start {
        assert!(bias.len() >= b.width, "the bias fits");
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn wide(a: Windows, b: &Panels, out: &mut [f32], out_step: usize, start: Start) {
            // SAFETY: asserted by the caller.
            unsafe { body::<super::lanes::Fused>(a, b, out, out_step, start) }
        }
        if super::lanes::found() {
            // SAFETY: the machine has AVX2 and FMA.
            return unsafe { wide(a, b, out, out_step, start) };
        }
    }
    // SAFETY: asserted above.
    unsafe { body::<Plain>(a, b, out, out_step, start) }
}

/// # Safety
/// `a`, `b`, `out` and the bias fit one another, as [`multiply`] asserts.
#[inline(always)]
unsafe fn body<L: Lanes>(a: Windows, b: &Panels, out: &mut [f32], out_step: usize, start: Start) {
    let out = out.as_mut_ptr();
    for first in (0..b.width).step_by(COLUMNS) {
        let panel = &b.data[first * b.depth..];
        let columns = COLUMNS.min(b.width - first);
        let mut row = 0;
        while row < a.count {
            let rows = ROWS.min(a.count - row);
            // SAFETY: `row + rows` rows are within both sides.
            unsafe {
                let a_at = a.data.as_ptr().add(row * a.step);
                let to = out.add(row * out_step + first);
                let bias = if let Start::Bias(bias) = start { bias.as_ptr().add(first) } else { std::ptr::null() };
                let there = matches!(start, Start::There);
                let at = (a_at, panel.as_ptr(), to);
                // Each is named where it is called: through a pointer it would be compiled for the plain registers.
                match rows {
                    1 => tile::<L, 1>(a, at, out_step, columns, bias, there),
                    2 => tile::<L, 2>(a, at, out_step, columns, bias, there),
                    3 => tile::<L, 3>(a, at, out_step, columns, bias, there),
                    4 => tile::<L, 4>(a, at, out_step, columns, bias, there),
                    5 => tile::<L, 5>(a, at, out_step, columns, bias, there),
                    _ => tile::<L, ROWS>(a, at, out_step, columns, bias, there),
                }
            }
            row += rows;
        }
    }
}

/// Computes `P` rows of one panel.
#[inline(always)]
unsafe fn tile<L: Lanes, const P: usize>(
    a: Windows,
    (from, panel, to): (*const f32, *const f32, *mut f32),
    to_step: usize,
    columns: usize,
    bias: *const f32,
    there: bool,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut edge = [0.0f32; ROWS * COLUMNS];
        let mut sums = [[L::splat(0.0); 2]; P];
        if !bias.is_null() {
            std::ptr::copy_nonoverlapping(bias, edge.as_mut_ptr(), columns);
            let bias = [L::load(edge.as_ptr()), L::load(edge.as_ptr().add(LANES))];
            sums = [bias; P];
        } else if there {
            for (p, sum) in sums.iter_mut().enumerate() {
                if columns == COLUMNS {
                    *sum = [L::load(to.add(p * to_step)), L::load(to.add(p * to_step + LANES))];
                } else {
                    std::ptr::copy_nonoverlapping(to.add(p * to_step), edge.as_mut_ptr(), columns);
                    *sum = [L::load(edge.as_ptr()), L::load(edge.as_ptr().add(LANES))];
                }
            }
        }
        let mut panel = panel;
        for segment in 0..a.segments {
            let from = from.add(segment * a.segment_step);
            for d in 0..a.length {
                let b = [L::load(panel), L::load(panel.add(LANES))];
                panel = panel.add(COLUMNS);
                for (p, sum) in sums.iter_mut().enumerate() {
                    let x = L::splat(*from.add(p * a.step + d));
                    sum[0] = sum[0].multiply_add(x, b[0]);
                    sum[1] = sum[1].multiply_add(x, b[1]);
                }
            }
        }
        for (p, sum) in sums.iter().enumerate() {
            let to = to.add(p * to_step);
            if columns == COLUMNS {
                sum[0].store(to);
                sum[1].store(to.add(LANES));
            } else {
                sum[0].store(edge.as_mut_ptr());
                sum[1].store(edge.as_mut_ptr().add(LANES));
                std::ptr::copy_nonoverlapping(edge.as_ptr(), to, columns);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_the_definition() {
        let noise = |n: usize, f: f32| -> Vec<f32> { (0..n).map(|i| (i as f32 * f).sin()).collect() };
        for (count, segments, length, width) in
            [(13, 1, 7, 40), (6, 3, 5, 16), (1, 2, 3, 3), (4, 1, 1, 17), (8, 1, 0, 2)]
        {
            let (step, segment_step, depth) = (length.max(1) - length / 2, 50, segments * length);
            let a = noise(count * step + segments * segment_step + length, 0.37);
            let b = noise(depth * width, 0.73);
            let flipped: Vec<f32> =
                (0..width).flat_map(|j| (0..depth).map(move |i| (i, j))).map(|(i, j)| b[i * width + j]).collect();
            let left = Windows { data: &a, count, step, segments, segment_step, length };
            for panels in [
                Panels::pack(Matrix::of(&b, width), depth, width),
                Panels::pack(Matrix::transposed(&flipped, depth), depth, width),
            ] {
                let bias = noise(width, 0.3);
                for (number, start) in [Start::Zero, Start::There, Start::Bias(&bias)].into_iter().enumerate() {
                    let mut out = vec![2.0; count * (width + 1)];
                    multiply(left, &panels, &mut out, width + 1, start);
                    let mut plain = vec![2.0; count * (width + 1)];
                    // SAFETY: `multiply` has asserted that the sizes fit.
                    unsafe { body::<Plain>(left, &panels, &mut plain, width + 1, start) };
                    assert!(out.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-5));
                    for i in 0..count {
                        for j in 0..width {
                            let base = [0.0, 2.0, bias[j]][number];
                            let sum: f32 = (0..depth)
                                .map(|k| a[i * step + k / length * segment_step + k % length] * b[k * width + j])
                                .sum();
                            assert!((out[i * (width + 1) + j] - base - sum).abs() < 1e-5);
                        }
                        assert_eq!(out[i * (width + 1) + width], 2.0);
                    }
                }
            }
        }
    }
}
