//! Products of a sparse matrix with rows of numbers.

use super::parts;
use mmf_data::graph::Sparse;

/// Multiplications that are worth a part.
const PART: usize = 64 * 1024;

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

/// Columns whose sums are held in registers at a time.
const BLOCK: usize = 64;

wide! {
    /// Adds rows of a product. `columns` and `weights` are those of these rows alone.
    fn some_rows(starts: &[u32], columns: &[u32], weights: &[f32], x: &[f32], width: usize, out: &mut [f32]) {
        let row = |column: u32| &x[column as usize * width..][..width];
        let before = starts[0] as usize;
        for (ends, out) in starts.windows(2).zip(out.chunks_exact_mut(width.max(1))) {
            let own = ends[0] as usize - before..ends[1] as usize - before;
            let (columns, weights) = (&columns[own.clone()], &weights[own]);
            let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
            for (block, out) in blocks.iter_mut().enumerate() {
                let mut sums = *out;
                for (&column, &weight) in columns.iter().zip(weights) {
                    let x: &[f32; BLOCK] = row(column)[block * BLOCK..].first_chunk().expect("a whole block");
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum += weight * x;
                    }
                }
                *out = sums;
            }
            let whole = width / BLOCK * BLOCK;
            for (&column, &weight) in columns.iter().zip(weights).take(if rest.is_empty() { 0 } else { columns.len() }) {
                for (sum, x) in rest.iter_mut().zip(&row(column)[whole..]) {
                    *sum += weight * x;
                }
            }
        }
    }
}
