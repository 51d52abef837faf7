//! Sums of outer products, `out += Σ aᵀ·g` over rows: how weights of a moving window and keys of attention gather their gradients.
//!
//! As in [`panels`](super::panels), both sides are read as they lie, and the rows of the left one may overlap.

use super::lanes::{LANES, Lanes, Plain};

const COLUMNS: usize = 2 * LANES;
const ROWS: usize = 6;

/// Rows in memory: `width` numbers every `step`.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) step: usize,
    pub(crate) width: usize,
}

/// Adds `Σ a[row]ᵀ·g[row]` over `count` rows to `out`, `a.width` rows of `g.width` numbers every `out_step`.
pub(crate) fn add(a: Side, g: Side, count: usize, out: &mut [f32], out_step: usize) {
    if count == 0 || a.width == 0 || g.width == 0 {
        return;
    }
    for side in [a, g] {
        assert!((count - 1) * side.step + side.width <= side.data.len(), "the sides fit");
    }
    assert!(g.width <= out_step && (a.width - 1) * out_step + g.width <= out.len(), "the result fits");
    let whole = g.width / COLUMNS * COLUMNS;
    if whole > 0 {
        run(a, Side { width: whole, ..g }, count, out, out_step);
    }
    let rest = g.width - whole;
    if rest > 0 {
        // The columns beyond the last sixteen, with zeros beside them.
        let mut own = vec![0.0; count * COLUMNS];
        for (row, to) in own.chunks_exact_mut(COLUMNS).enumerate() {
            to[..rest].copy_from_slice(&g.data[row * g.step + whole..][..rest]);
        }
        let mut sums = vec![0.0; a.width * COLUMNS];
        for (row, to) in sums.chunks_exact_mut(COLUMNS).enumerate() {
            to[..rest].copy_from_slice(&out[row * out_step + whole..][..rest]);
        }
        run(a, Side { data: &own, step: COLUMNS, width: COLUMNS }, count, &mut sums, COLUMNS);
        for (row, from) in sums.chunks_exact(COLUMNS).enumerate() {
            out[row * out_step + whole..][..rest].copy_from_slice(&from[..rest]);
        }
    }
}

fn run(a: Side, g: Side, count: usize, out: &mut [f32], out_step: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn wide(a: Side, g: Side, count: usize, out: &mut [f32], out_step: usize) {
            // SAFETY: asserted by `add`.
            unsafe { body::<super::lanes::Fused>(a, g, count, out, out_step) }
        }
        if super::lanes::found() {
            // SAFETY: the machine has AVX2 and FMA.
            return unsafe { wide(a, g, count, out, out_step) };
        }
    }
    // SAFETY: asserted by `add`.
    unsafe { body::<Plain>(a, g, count, out, out_step) }
}

/// # Safety
/// The sides and `out` fit as [`add`] asserts, and `g.width` is a multiple of sixteen.
#[inline(always)]
unsafe fn body<L: Lanes>(a: Side, g: Side, count: usize, out: &mut [f32], out_step: usize) {
    let out = out.as_mut_ptr();
    for column in (0..g.width).step_by(COLUMNS) {
        let mut row = 0;
        while row < a.width {
            let rows = ROWS.min(a.width - row);
            // SAFETY: within the sides and `out`.
            unsafe {
                let (from, along) = (a.data.as_ptr().add(row), g.data.as_ptr().add(column));
                let (left, right, to) = ((from, a.step), (along, g.step), out.add(row * out_step + column));
                // Each is named where it is called: through a pointer it would be compiled for the plain registers.
                match rows {
                    1 => tile::<L, 1>(left, right, count, to, out_step),
                    2 => tile::<L, 2>(left, right, count, to, out_step),
                    3 => tile::<L, 3>(left, right, count, to, out_step),
                    4 => tile::<L, 4>(left, right, count, to, out_step),
                    5 => tile::<L, 5>(left, right, count, to, out_step),
                    _ => tile::<L, ROWS>(left, right, count, to, out_step),
                }
            }
            row += rows;
        }
    }
}

#[inline(always)]
unsafe fn tile<L: Lanes, const P: usize>(
    (a, a_step): (*const f32, usize),
    (g, g_step): (*const f32, usize),
    count: usize,
    out: *mut f32,
    out_step: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; P];
        for (p, sum) in sums.iter_mut().enumerate() {
            *sum = [L::load(out.add(p * out_step)), L::load(out.add(p * out_step + LANES))];
        }
        for row in 0..count {
            let (a, g) = (a.add(row * a_step), g.add(row * g_step));
            let g = [L::load(g), L::load(g.add(LANES))];
            for (p, sum) in sums.iter_mut().enumerate() {
                let x = L::splat(*a.add(p));
                sum[0] = sum[0].multiply_add(x, g[0]);
                sum[1] = sum[1].multiply_add(x, g[1]);
            }
        }
        for (p, sum) in sums.iter().enumerate() {
            sum[0].store(out.add(p * out_step));
            sum[1].store(out.add(p * out_step + LANES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_the_definition() {
        let noise = |n: usize, f: f32| -> Vec<f32> { (0..n).map(|i| (i as f32 * f).sin()).collect() };
        for (count, i, j) in [(5, 7, 33), (1, 1, 1), (9, 6, 16), (3, 13, 5)] {
            let (a, g) = (noise(count * 4 + i, 0.3), noise(count * (j + 2), 0.7));
            let (left, right) = (Side { data: &a, step: 4, width: i }, Side { data: &g, step: j + 2, width: j });
            let mut out = vec![1.0; i * (j + 3)];
            add(left, right, count, &mut out, j + 3);
            if j % COLUMNS == 0 {
                let mut plain = vec![1.0; i * (j + 3)];
                // SAFETY: `add` has asserted that the sizes fit.
                unsafe { body::<Plain>(left, right, count, &mut plain, j + 3) };
                assert!(out.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-5));
            }
            for p in 0..i {
                for q in 0..j {
                    let sum: f32 = (0..count).map(|r| a[r * 4 + p] * g[r * (j + 2) + q]).sum();
                    assert!((out[p * (j + 3) + q] - 1.0 - sum).abs() < 1e-5);
                }
                assert_eq!(&out[p * (j + 3) + j..][..3], [1.0; 3]);
            }
        }
    }
}
