//! Products of matrices, by the crate `gemm` in one thread: threads work on slices of a batch, not within a product.

use gemm::{Parallelism, gemm};

/// A matrix in row-major order, read as it is or as its transpose.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    /// Numbers in a stored row.
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
    fn steps(self) -> (isize, isize) {
        let width = self.width as isize;
        if self.transposed { (width, 1) } else { (1, width) }
    }
}

/// Computes `out = a·b`, or `out += a·b`: `a` is `m × k` as read, `b` is `k × n`, `out` is `m × n`.
///
/// The inner size is passed since a transposed matrix alone does not tell it.
pub(crate) fn multiply(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize), out: &mut [f32], accumulate: bool) {
    assert!(a.data.len() >= m * k && b.data.len() >= k * n && out.len() >= m * n, "matrices fit their sizes");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            out[..m * n].fill(0.0);
        }
        return;
    }
    // SAFETY: the assertion above bounds every read and write; `out` is borrowed exclusively.
    unsafe { multiply_into(a, b, (m, k, n), out.as_mut_ptr(), accumulate) }
}

/// Returns `a·b`, sizes as in [`multiply`].
pub(crate) fn product(a: Matrix, b: Matrix, (m, k, n): (usize, usize, usize)) -> Vec<f32> {
    assert!(a.data.len() >= m * k && b.data.len() >= k * n, "matrices fit their sizes");
    if m == 0 || n == 0 || k == 0 {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    // SAFETY: the capacity holds `m × n` numbers, and without `accumulate` all of them are written before any is read.
    unsafe {
        multiply_into(a, b, (m, k, n), out.as_mut_ptr(), false);
        out.set_len(m * n);
    }
    out
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
            a_column,
            a_row,
            b.data.as_ptr(),
            b_column,
            b_row,
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
    fn an_empty_inner_size_gives_zeros() {
        assert_eq!(product(Matrix::of(&[], 0), Matrix::of(&[], 2), (2, 0, 2)), vec![0.0; 4]);
    }
}
