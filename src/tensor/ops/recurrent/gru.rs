//! `gru` (Cho et al. 2014, as in cuDNN and PyTorch): with `z = x·W + b` and `y = h·U + c` in three parts, `r = σ(z₁ + y₁)`,
//! `u = σ(z₂ + y₂)`, `n = tanh(z₃ + r·y₃)`, `h' = (1 − u)·n + u·h`.
//!
//! Back, from the last step to the first: `dn = dh·(1 − u)·(1 − n²)`, `dr = dn·y₃·r·(1 − r)`, `du = dh·(h − n)·u·(1 − u)`; the gradient
//! of `z` is `[dr, du, dn]`, that of `y` `[dr, du, dn·r]`, and `dh = dh·u + dy·Uᵀ`.

use super::{Layout, groups};
use crate::kernels::functions::{sigmoid, tanh};
use crate::kernels::panels::{self, Panels, Start, Windows};
use crate::kernels::product::{Matrix, product};
use crate::kernels::{elementwise, parts, reduce};
use crate::ops::{misfit, sized, steps_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Parameter, Recurrent, Var};

/// What a group keeps for the way back, all laid out.
struct Kept {
    layout: Layout,
    x: Vec<f32>,
    /// The three gates, after their functions.
    gates: Vec<f32>,
    /// `h·U + c`, whose third part the way back wants.
    sums: Vec<f32>,
    states: Vec<f32>,
}

pub(crate) fn gru(session: &mut Session, how: Recurrent, x: &Var, [w, u, b, c]: [Parameter; 4]) -> Result<Var> {
    let (steps, k) = steps_of("gru", x)?;
    let three = session.parameters().dims(u)?.last().copied().unwrap_or(0);
    let n = three / 3;
    if n == 0 || three != 3 * n {
        return Err(misfit("gru", "its weights are not three gates wide", "权重宽度不是三个门"));
    }
    let (w, u) = (sized(session, "gru", w, k, three)?, sized(session, "gru", u, n, three)?);
    let (b, c) = (sized(session, "gru", b, 1, three)?, sized(session, "gru", c, 1, three)?);
    let lengths = session.lengths_of(x, steps)?;
    let node = session.node(x)?;
    let (grad, value) = (node.grad, read(&node.value));

    let panels = Panels::pack(Matrix::of(read(&u.value), three), n, three);
    let groups = groups(x.rows);
    let wide = if how.all { steps * n } else { n };
    let mut y = vec![0.0; x.rows * wide];
    let work = groups.iter().cloned().zip(parts::split(&mut y, &groups, wide)).collect();
    let all_lengths = &lengths[..];
    let weights = (read(&w.value), read(&b.value), read(&c.value));
    let kept = parts::each(work, |(rows, y)| {
        let first = rows.start;
        let layout = Layout::new(rows, all_lengths, steps, how.backwards);
        let kept = forward(layout, value, weights, &panels, (k, n));
        kept.layout.give(&kept.states, n, how.all, first, y);
        kept
    });
    let dims = if how.all { vec![steps, n] } else { vec![n] };
    let out = session.put(y, x.rows, dims, true)?;
    if how.all {
        session.set_lengths(&out, Some(lengths));
    }
    let (id, rows) = (x.id, x.rows);
    session.record(&out, move |back, gradient| {
        let panels = Panels::pack(Matrix::transposed(read(&u.value), three), three, n);
        let found = parts::each(kept, |kept| backward(kept, &gradient, &panels, how.all, (k, n)));
        let [mut dw, mut du, mut db, mut dc] = [const { Vec::new() }; 4];
        let mut inputs = Vec::new();
        for (layout, gates, [own_w, own_u, own_b, own_c]) in found {
            dw.push(own_w);
            du.push(own_u);
            db.push(own_b);
            dc.push(own_c);
            inputs.push((layout, gates));
        }
        for (weight, own) in [(&w, dw), (&u, du), (&b, db), (&c, dc)] {
            back.weight(weight, |to, accumulate| parts::sum(&own, to, accumulate))?;
        }
        if grad {
            back.fill(id, rows * steps * k, |dx, accumulate| {
                let work = inputs.into_iter().zip(parts::split(dx, &groups, steps * k)).zip(&groups).collect();
                parts::each(work, |(((layout, gates), dx), rows)| {
                    super::inputs(&layout, &gates, (read(&w.value), three, k), rows.start, dx, accumulate);
                });
            });
        }
        back.spare(gradient);
        Ok(())
    });
    Ok(out)
}

type Weights<'a> = (&'a [f32], &'a [f32], &'a [f32]);

fn forward(layout: Layout, x: &[f32], (w, b, c): Weights, u: &Panels, (k, n): (usize, usize)) -> Kept {
    let (total, three) = (layout.total(), 3 * n);
    let x = layout.lay(x, k);
    let mut gates = product(Matrix::of(&x, k), Matrix::of(w, three), (total, k, three));
    let mut sums = vec![0.0; total * three];
    let mut states = vec![0.0; total * n];
    let zeros = vec![0.0; layout.order.len() * n];
    for step in 0..layout.active.len() {
        let (at, count) = (layout.at(step), layout.active[step]);
        let y = &mut sums[at.start * three..at.end * three];
        let (before, now) = states.split_at_mut(at.start * n);
        let before = if step == 0 { &zeros[..count * n] } else { &before[layout.starts[step - 1] * n..][..count * n] };
        panels::multiply(Windows::rows(before, count, n, n), u, y, three, Start::Bias(c));
        unit(&mut gates[at.start * three..at.end * three], y, b, before, &mut now[..count * n], n);
    }
    Kept { layout, x, gates, sums, states }
}

type Found = (Layout, Vec<f32>, [Vec<f32>; 4]);

/// Turns the gates and sums into their gradients, and returns those of the weights.
fn backward(kept: Kept, gradient: &[f32], u: &Panels, all: bool, (k, n): (usize, usize)) -> Found {
    let Kept { layout, x, mut gates, mut sums, states } = kept;
    let three = 3 * n;
    let mut arrived = layout.arrived(gradient, n, all);
    let zeros = vec![0.0; layout.order.len() * n];
    for step in (0..layout.active.len()).rev() {
        let (at, count) = (layout.at(step), layout.active[step]);
        let wide = at.start * three..at.end * three;
        let (earlier, now) = arrived.split_at_mut(at.start * n);
        let before = if step == 0 { &zeros[..count * n] } else { &states[layout.starts[step - 1] * n..][..count * n] };
        let y = &mut sums[wide.clone()];
        unit_back(&mut gates[wide], y, before, &mut now[..count * n], n);
        if step > 0 {
            let to = &mut earlier[layout.starts[step - 1] * n..][..count * n];
            elementwise::add(to, &now[..count * n]);
            panels::multiply(Windows::rows(y, count, three, three), u, to, n, Start::There);
        }
    }
    let total = layout.total();
    let dw = product(Matrix::transposed(&x, k), Matrix::of(&gates, three), (k, total, three));
    let first = layout.active.first().copied().unwrap_or(0);
    let before = layout.before(&states, n);
    let after = Matrix::of(&sums[first * three..], three);
    let du = product(Matrix::transposed(&before, n), after, (n, total - first, three));
    let (mut db, mut dc) = (vec![0.0; three], vec![0.0; three]);
    reduce::column_sums(&gates, &mut db, false);
    reduce::column_sums(&sums, &mut dc, false);
    (layout, gates, [dw, du, db, dc])
}

wide! {
    /// Turns sums into gates, and computes states.
    fn unit(z: &mut [f32], y: &[f32], b: &[f32], before: &[f32], states: &mut [f32], n: usize) {
        let rows = z.chunks_exact_mut(3 * n).zip(y.chunks_exact(3 * n));
        for ((z, y), (before, states)) in rows.zip(before.chunks_exact(n).zip(states.chunks_exact_mut(n))) {
            let (zr, z) = z.split_at_mut(n);
            let (zu, zn) = z.split_at_mut(n);
            let (br, b) = b.split_at(n);
            let (bu, bn) = b.split_at(n);
            let (yr, y) = y.split_at(n);
            let (yu, yn) = y.split_at(n);
            for j in 0..n {
                let r = sigmoid(zr[j] + br[j] + yr[j]);
                let u = sigmoid(zu[j] + bu[j] + yu[j]);
                let new = tanh(zn[j] + bn[j] + r * yn[j]);
                states[j] = (1.0 - u) * new + u * before[j];
                (zr[j], zu[j], zn[j]) = (r, u, new);
            }
        }
    }
}

wide! {
    /// Turns gates into the gradient of `z`, sums into that of `y`, and `dh` from that of the new states into its direct share of
    /// the old ones'.
    fn unit_back(z: &mut [f32], y: &mut [f32], before: &[f32], dh: &mut [f32], n: usize) {
        let rows = z.chunks_exact_mut(3 * n).zip(y.chunks_exact_mut(3 * n));
        for ((z, y), (before, dh)) in rows.zip(before.chunks_exact(n).zip(dh.chunks_exact_mut(n))) {
            let (zr, z) = z.split_at_mut(n);
            let (zu, zn) = z.split_at_mut(n);
            let (yr, y) = y.split_at_mut(n);
            let (yu, yn) = y.split_at_mut(n);
            for j in 0..n {
                let (r, u, new, d) = (zr[j], zu[j], zn[j], dh[j]);
                let dn = d * (1.0 - u) * (1.0 - new * new);
                let dr = dn * yn[j] * r * (1.0 - r);
                let du = d * (before[j] - new) * u * (1.0 - u);
                (zr[j], zu[j], zn[j]) = (dr, du, dn);
                (yr[j], yu[j], yn[j]) = (dr, du, dn * r);
                dh[j] = d * u;
            }
        }
    }
}
