//! Sums, in a fixed order that fills wide registers.

use super::parts;

const LANES: usize = 8;

/// Returns the sum of products of two rows, in eight interleaved sums.
#[inline(always)]
pub(crate) fn dot_lanes(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0.0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    fold(sums) + rest
}

/// Returns the sum of a row, likewise.
#[inline(always)]
pub(crate) fn sum_lanes(a: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (blocks, rest) = a.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            sums[lane] += block[lane];
        }
    }
    fold(sums) + rest.iter().sum::<f32>()
}

#[inline(always)]
fn fold(s: [f32; LANES]) -> f32 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

wide! {
    /// Writes the sum of `rows` (each as wide as `out`) to `out`, or adds it.
    pub(crate) fn column_sums(rows: &[f32], out: &mut [f32], accumulate: bool) {
        if !accumulate {
            out.fill(0.0);
        }
        if out.len() == 1 {
            out[0] += sum_lanes(rows);
        } else if !out.is_empty() {
            for row in rows.chunks_exact(out.len()) {
                for (o, r) in out.iter_mut().zip(row) {
                    *o += *r;
                }
            }
        }
    }
}

/// Does the same for many rows, in parts that threads share.
pub(crate) fn long_column_sums(rows: &[f32], out: &mut [f32], accumulate: bool) {
    const PART: usize = 1 << 20;
    let width = out.len().max(1);
    let count = rows.len() / width;
    let parts = parts::parts(count, (PART / width).max(1));
    if parts.len() == 1 {
        return column_sums(rows, out, accumulate);
    }
    let found = parts::each(parts, |part| {
        let mut sums = vec![0.0; out.len()];
        column_sums(&rows[part.start * width..part.end * width], &mut sums, false);
        sums
    });
    parts::sum(&found, out, accumulate);
}

wide! {
    /// Writes the dot product of each pair of rows to `out`.
    pub(crate) fn row_dots(a: &[f32], b: &[f32], width: usize, out: &mut [f32]) {
        for ((a, b), o) in a.chunks_exact(width).zip(b.chunks_exact(width)).zip(out.iter_mut()) {
            *o = dot_lanes(a, b);
        }
    }
}

wide! {
    /// Writes each row of `x`, times the number of that row, to `out`.
    pub(crate) fn scale_rows(x: &[f32], factors: &[f32], width: usize, out: &mut [f32]) {
        for ((x, o), f) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(factors) {
            for (o, x) in o.iter_mut().zip(x) {
                *o = *x * *f;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_cover_every_number() {
        for length in 0..40 {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            assert_eq!(sum_lanes(&a), a.iter().sum::<f32>());
            assert_eq!(dot_lanes(&a, &a), a.iter().map(|x| x * x).sum::<f32>());
        }
    }
}
