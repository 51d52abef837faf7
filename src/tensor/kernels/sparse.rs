//! Products of a sparse matrix with rows of numbers.

use super::parts;
use super::rows::fetch;
use mmf_data::graph::Sparse;

/// Multiplications that are worth a part.
const PART: usize = 64 * 1024;
/// How many rows ahead are asked for.
const AHEAD: usize = 4;

/// Writes `matrix · x` to `out`, or adds it; rows of `width`. Each sum goes in the order of the matrix's columns.
pub(crate) fn multiply(matrix: &Sparse, x: &[f32], width: usize, out: &mut [f32], accumulate: bool) {
    let rows = matrix.starts.len().saturating_sub(1);
    let work = (matrix.columns.len() + rows) * width;
    let parts = parts::parts(rows, (PART * rows / work.max(1)).max(1));
    let buffers = parts::split(out, &parts, width);
    parts::each(parts.into_iter().zip(buffers).collect(), |(rows, out)| {
        if !accumulate {
            out.fill(0.0);
        }
        let (first, last) = (matrix.starts[rows.start] as usize, matrix.starts[rows.end] as usize);
        let starts = &matrix.starts[rows.start..=rows.end];
        some_rows(starts, &matrix.columns[first..last], &matrix.weights[first..last], x, width, out);
    });
}

wide! {
    /// Adds rows of a product. `columns` and `weights` are those of these rows alone.
    fn some_rows(starts: &[u32], columns: &[u32], weights: &[f32], x: &[f32], width: usize, out: &mut [f32]) {
        let row = |column: u32| &x[column as usize * width..][..width];
        let before = starts[0] as usize;
        for (ends, out) in starts.windows(2).zip(out.chunks_exact_mut(width.max(1))) {
            for at in ends[0] as usize - before..ends[1] as usize - before {
                if let Some(&column) = columns.get(at + AHEAD) {
                    fetch(row(column));
                }
                let weight = weights[at];
                for (sum, x) in out.iter_mut().zip(row(columns[at])) {
                    *sum += weight * x;
                }
            }
        }
    }
}
