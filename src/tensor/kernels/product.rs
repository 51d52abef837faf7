//! Products of matrices, by the crate `gemm`. A large one is cut into parts by its size alone, which threads share; `gemm` itself works
//! in one thread, since its own cuts would depend on how many there are.

use super::parts;
use gemm::{Parallelism, gemm};

/// Multiplications that are worth a part: a tenth of a millisecond.
const PART: usize = 2 << 20;

/// Rows that are worth one: each part packs the other matrix anew.
const ROWS: usize = 256;

/// A matrix in row-major order, read as it is or as its transpose.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    /// From a stored row to the next.
    pub(crate) width: usize,
    pub(crate) transposed: bool,
}

impl<'a> Matrix<'a> {
    pub(crate) fn of(data: &'a [f32], width: usize) -> Self {
        Matrix { data, width, transposed: false }
    }

    pub(crate) fn transposed(data: &'a [f32], width: usize) -> Self {
        Matrix { data, width, transposed: true }
    }

    /// Returns the steps between columns and between rows, as read.
    pub(crate) fn steps(self) -> (usize, usize) {
        if self.transposed { (self.width, 1) } else { (1, self.width) }
    }

    /// Asserts that `rows × columns` numbers, as read, are there.
    pub(crate) fn check(self, rows: usize, columns: usize) {
        let (column, row) = self.steps();
        let there = rows == 0 || columns == 0 || (rows - 1) * row + (columns - 1) * column < self.data.len();
        assert!(there, "matrices fit their sizes");
    }

    /// Returns the matrix without its first columns, as read.
    fn without_columns(self, count: usize) -> Self {
        Matrix { data: &self.data[count * self.steps().0..], ..self }
    }

    /// Returns the matrix without its first rows, as read.
    fn without_rows(self, count: usize) -> Self {
        Matrix { data: &self.data[count * self.steps().1..], ..self }
    }
}

/// Computes `out = a·b`, or `out += a·b`: `a` is `m × k` as read, `b` is `k × n`, `out` is `m × n`.
///
/// The inner size is passed since a transposed matrix alone does not tell it.
pub(crate) fn multiply(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize), out: &mut [f32], accumulate: bool) {
    a.check(m, k);
    b.check(k, n);
    assert!(out.len() >= m * n, "matrices fit their sizes");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            out[..m * n].fill(0.0);
        }
        return;
    }
    // SAFETY: the assertions above bound every read and write; `out` is borrowed exclusively.
    unsafe { multiply_in_parts(a, b, (m, k, n), Target(out.as_mut_ptr()), accumulate) }
}

/// Where parts of a product are written, each in rows of its own.
#[derive(Clone, Copy)]
struct Target(*mut f32);

// SAFETY: the parts are written by threads that share no row, and read by none before all are done.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// # Safety
    /// The target holds `offset` numbers.
    unsafe fn after(self, offset: usize) -> *mut f32 {
        // SAFETY: by this function's own contract.
        unsafe { self.0.add(offset) }
    }
}

/// # Safety
/// As of [`multiply_into`]; no size is 0.
unsafe fn multiply_in_parts(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize), out: Target, accumulate: bool) {
    let (rows, sums) = (cut((m, k, n)), cut_sums((m, k, n)));
    if rows.len() > 1 {
        parts::each(rows, |rows| {
            // SAFETY: by this function's own contract; the rows of parts do not overlap.
            unsafe {
                let sizes = (rows.len(), k, n);
                multiply_into(a.without_rows(rows.start), b, sizes, out.after(rows.start * n), accumulate);
            }
        });
    } else if sums.len() > 1 {
        let found = parts::each(sums, |part| {
            let mut own = vec![0.0; m * n];
            let sides = (a.without_columns(part.start), b.without_rows(part.start));
            // SAFETY: `own` has room for the product, and the sides hold these of the sums.
            unsafe { multiply_into(sides.0, sides.1, (m, part.len(), n), own.as_mut_ptr(), false) };
            own
        });
        // SAFETY: by this function's own contract; what is not to be added to is written whole before it is read.
        let out = unsafe {
            if !accumulate {
                std::ptr::write_bytes(out.after(0), 0, m * n);
            }
            std::slice::from_raw_parts_mut(out.after(0), m * n)
        };
        parts::sum(&found, out, accumulate);
    } else {
        // SAFETY: by this function's own contract.
        unsafe { multiply_into(a, b, (m, k, n), out.after(0), accumulate) }
    }
}

/// Returns the rows of the result that are computed together; an even number of times, for few threads share them.
fn cut((m, k, n): (usize, usize, usize)) -> Vec<std::ops::Range<usize>> {
    let most = (m.saturating_mul(k).saturating_mul(n) / PART).min(m / ROWS).clamp(1, parts::PARTS_AT_MOST);
    parts::parts(m, m.div_ceil(1 << most.ilog2()))
}

/// Returns the parts of long sums that make a small result: the gradient of a weight over many rows.
fn cut_sums((m, k, n): (usize, usize, usize)) -> Vec<std::ops::Range<usize>> {
    const SMALL: usize = 64 * 1024;
    let worth = if m * n <= SMALL { (m * n).saturating_mul(k) / PART } else { 1 };
    let most = worth.min(k / ROWS).clamp(1, parts::PARTS_AT_MOST);
    parts::parts(k, k.div_ceil(1 << most.ilog2()))
}

/// Returns `a·b`, sizes as in [`multiply`].
pub(crate) fn product(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize)) -> Vec<f32> {
    a.check(m, k);
    b.check(k, n);
    if m == 0 || n == 0 || k == 0 {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    // SAFETY: the capacity holds `m × n` numbers, and without `accumulate` all of them are written before any is read.
    unsafe {
        multiply_in_parts(a, b, (m, k, n), Target(out.as_mut_ptr()), false);
        out.set_len(m * n);
    }
    out
}

/// Returns the inner product of each row of `a` with each row of `b`, all of them `width` numbers long.
pub fn inner_products(a: &[f32], b: &[f32], width: usize) -> Vec<f32> {
    let (m, n) = (a.len() / width.max(1), b.len() / width.max(1));
    product(Matrix::of(a, width), Matrix::transposed(b, width), (m, width, n))
}

/// # Safety
/// `out` must be valid for `m × n` writes (and reads, with `accumulate`), `a` and `b` must hold `m × k` and `k × n` numbers.
unsafe fn multiply_into(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize), out: *mut f32, accumulate: bool) {
    let ((a_column, a_row), (b_column, b_row)) = (a.steps(), b.steps());
    let alpha = if accumulate { 1.0 } else { 0.0 };
    // SAFETY: by this function's own contract.
    unsafe {
        gemm(
            m,
            n,
            k,
            out,
            1,
            n as isize,
            accumulate,
            a.data.as_ptr(),
            a_column as isize,
            a_row as isize,
            b.data.as_ptr(),
            b_column as isize,
            b_row as isize,
            alpha,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_the_definition() {
        let (m, k, n) = (5, 7, 3);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.73).cos()).collect();
        let (a, b) = (&a, &b);
        let expected: Vec<f32> = (0..m)
            .flat_map(|i| (0..n).map(move |j| (0..k).map(|q| a[i * k + q] * b[q * n + j]).sum::<f32>()))
            .collect();
        let flip = |x: &[f32], rows: usize, width: usize| -> Vec<f32> {
            (0..width).flat_map(|j| (0..rows).map(move |i| x[i * width + j])).collect()
        };
        let (at, bt) = (flip(a, m, k), flip(b, k, n));
        for (x, y) in [
            (Matrix::of(a, k), Matrix::of(b, n)),
            (Matrix::transposed(&at, m), Matrix::of(b, n)),
            (Matrix::of(a, k), Matrix::transposed(&bt, k)),
        ] {
            let mut sum = vec![1.0; m * n];
            multiply(x, y, (m, k, n), &mut sum, true);
            let plain = product(x, y, (m, k, n));
            for i in 0..m * n {
                assert!((plain[i] - expected[i]).abs() < 1e-5 && (sum[i] - expected[i] - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn parts_of_a_large_product_are_the_whole() {
        let (m, k, n) = (600, 350, 200);
        assert_eq!(cut((m, k, n)).len(), 2);
        assert_eq!((cut((128, 512, 256)).len(), cut((3200, 64, 64)).len()), (1, 4));
        let a: Vec<f32> = (0..m * k).map(|i| (i % 7) as f32).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 5) as f32).collect();
        let found = product(Matrix::of(&a, k), Matrix::of(&b, n), (m, k, n));
        for (i, j) in [(0, 0), (299, 7), (300, 199), (599, 100)] {
            let sum: f32 = (0..k).map(|q| a[i * k + q] * b[q * n + j]).sum();
            assert_eq!(found[i * n + j], sum);
        }
    }

    #[test]
    fn parts_of_long_sums_are_the_whole() {
        let (m, k, n) = (20, 3000, 100);
        assert_eq!(cut_sums((m, k, n)).len(), 2);
        let a: Vec<f32> = (0..k * m).map(|i| (i % 7) as f32).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 5) as f32).collect();
        let mut out = vec![1.0; m * n];
        multiply(Matrix::transposed(&a, m), Matrix::of(&b, n), (m, k, n), &mut out, true);
        for (i, j) in [(0, 0), (7, 41), (19, 99)] {
            let sum: f32 = (0..k).map(|q| a[q * m + i] * b[q * n + j]).sum();
            assert_eq!(out[i * n + j], sum + 1.0);
        }
    }

    #[test]
    fn an_empty_inner_size_gives_zeros() {
        assert_eq!(product(Matrix::of(&[], 0), Matrix::of(&[], 2), (2, 0, 2)), vec![0.0; 4]);
    }
}
