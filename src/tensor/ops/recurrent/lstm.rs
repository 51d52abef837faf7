//! `lstm` (Hochreiter, Schmidhuber 1997; with a forget gate, Gers et al. 2000): with `z = x·W + h·U + b` in four parts,
//! `c' = σ(z₂)·c + σ(z₁)·tanh(z₃)`, `h' = σ(z₄)·tanh(c')`; PyTorch's order of gates.
//!
//! Back, from the last step to the first: `do = dh·tanh(c')`, `dc = dh·o·(1 − tanh²(c')) + dc'`, `di = dc·g`, `df = dc·c`, `dg = dc·i`,
//! each through its function; `dh = dz·Uᵀ`. The weights' gradients are one product over all steps of a group.

use super::{Layout, groups};
use crate::kernels::functions::{sigmoid, tanh};
use crate::kernels::panels::{self, Panels, Start, Windows};
use crate::kernels::product::{Matrix, product};
use crate::kernels::{parts, reduce};
use crate::ops::{misfit, sized, steps_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Parameter, Recurrent, Var};

/// What a group keeps for the way back, all laid out.
struct Kept {
    layout: Layout,
    x: Vec<f32>,
    /// The four gates, after their functions.
    gates: Vec<f32>,
    cells: Vec<f32>,
    /// `tanh` of the cells.
    bent: Vec<f32>,
    states: Vec<f32>,
}

pub(crate) fn lstm(session: &mut Session, how: Recurrent, x: &Var, [w, u, b]: [Parameter; 3]) -> Result<Var> {
    let (steps, k) = steps_of("lstm", x)?;
    let four = session.parameters().dims(u)?.last().copied().unwrap_or(0);
    let n = four / 4;
    if n == 0 || four != 4 * n {
        return Err(misfit("lstm", "its weights are not four gates wide", "权重宽度不是四个门"));
    }
    let (w, u) = (sized(session, "lstm", w, k, four)?, sized(session, "lstm", u, n, four)?);
    let b = sized(session, "lstm", b, 1, four)?;
    let lengths = session.lengths_of(x, steps)?;
    let node = session.node(x)?;
    let (grad, value) = (node.grad, read(&node.value));

    let panels = Panels::pack(Matrix::of(read(&u.value), four), n, four);
    let groups = groups(x.rows);
    let wide = if how.all { steps * n } else { n };
    let mut y = vec![0.0; x.rows * wide];
    let work = groups.iter().cloned().zip(parts::split(&mut y, &groups, wide)).collect();
    let all_lengths = &lengths[..];
    let (w_values, b_values) = (read(&w.value), read(&b.value));
    let kept = parts::each(work, |(rows, y)| {
        let first = rows.start;
        let layout = Layout::new(rows, all_lengths, steps, how.backwards);
        let kept = forward(layout, value, (w_values, &panels, b_values), (k, n));
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
        let panels = Panels::pack(Matrix::transposed(read(&u.value), four), four, n);
        let found = parts::each(kept, |kept| backward(kept, &gradient, &panels, how.all, (k, n)));
        let [mut dw, mut du, mut db] = [const { Vec::new() }; 3];
        let mut inputs = Vec::new();
        for (layout, gates, [own_w, own_u, own_b]) in found {
            dw.push(own_w);
            du.push(own_u);
            db.push(own_b);
            inputs.push((layout, gates));
        }
        for (weight, own) in [(&w, dw), (&u, du), (&b, db)] {
            back.weight(weight, |to, accumulate| parts::sum(&own, to, accumulate))?;
        }
        if grad {
            back.fill(id, rows * steps * k, |dx, accumulate| {
                let work = inputs.into_iter().zip(parts::split(dx, &groups, steps * k)).zip(&groups).collect();
                parts::each(work, |(((layout, gates), dx), rows)| {
                    super::inputs(&layout, &gates, (read(&w.value), four, k), rows.start, dx, accumulate);
                });
            });
        }
        back.spare(gradient);
        Ok(())
    });
    Ok(out)
}

fn forward(layout: Layout, x: &[f32], (w, u, b): (&[f32], &Panels, &[f32]), (k, n): (usize, usize)) -> Kept {
    let total = layout.total();
    let x = layout.lay(x, k);
    let mut gates = product(Matrix::of(&x, k), Matrix::of(w, 4 * n), (total, k, 4 * n));
    let [mut cells, mut bent, mut states] = [const { Vec::new() }; 3].map(|mut all: Vec<f32>| {
        all.resize(total * n, 0.0);
        all
    });
    let zeros = vec![0.0; layout.order.len() * n];
    for step in 0..layout.active.len() {
        let (at, count) = (layout.at(step), layout.active[step]);
        let z = &mut gates[at.start * 4 * n..at.end * 4 * n];
        let (before, now) = cells.split_at_mut(at.start * n);
        let before = if step == 0 {
            &zeros[..count * n]
        } else {
            let from = layout.starts[step - 1] * n;
            panels::multiply(Windows::rows(&states[from..], count, n, n), u, z, 4 * n, Start::There);
            &before[from..from + count * n]
        };
        let range = at.start * n..at.end * n;
        cell(z, b, before, &mut now[..count * n], &mut bent[range.clone()], &mut states[range], n);
    }
    Kept { layout, x, gates, cells, bent, states }
}

type Found = (Layout, Vec<f32>, [Vec<f32>; 3]);

/// Turns the gates into their gradients, and returns those of the weights.
fn backward(kept: Kept, gradient: &[f32], u: &Panels, all: bool, (k, n): (usize, usize)) -> Found {
    let Kept { layout, x, mut gates, cells, bent, states } = kept;
    let mut arrived = layout.arrived(gradient, n, all);
    let rows = layout.order.len();
    let mut dc = vec![0.0; rows * n];
    let zeros = vec![0.0; rows * n];
    for step in (0..layout.active.len()).rev() {
        let (at, count) = (layout.at(step), layout.active[step]);
        let range = at.start * n..at.end * n;
        let z = &mut gates[at.start * 4 * n..at.end * 4 * n];
        let before = if step == 0 { &zeros[..count * n] } else { &cells[layout.starts[step - 1] * n..][..count * n] };
        cell_back(z, before, &bent[range.clone()], &arrived[range], &mut dc[..count * n], n);
        if step > 0 {
            let to = &mut arrived[layout.starts[step - 1] * n..][..count * n];
            panels::multiply(Windows::rows(z, count, 4 * n, 4 * n), u, to, n, Start::There);
        }
    }
    let (total, four) = (layout.total(), 4 * n);
    let dw = product(Matrix::transposed(&x, k), Matrix::of(&gates, four), (k, total, four));
    let first = layout.active.first().copied().unwrap_or(0);
    let before = layout.before(&states, n);
    let after = Matrix::of(&gates[first * four..], four);
    let du = product(Matrix::transposed(&before, n), after, (n, total - first, four));
    let mut db = vec![0.0; four];
    reduce::column_sums(&gates, &mut db, false);
    (layout, gates, [dw, du, db])
}

wide! {
    /// Turns sums into gates, and computes cells and states.
    fn cell(z: &mut [f32], b: &[f32], before: &[f32], cells: &mut [f32], bent: &mut [f32], states: &mut [f32], n: usize) {
        let rows = z.chunks_exact_mut(4 * n).zip(before.chunks_exact(n));
        let results = cells.chunks_exact_mut(n).zip(bent.chunks_exact_mut(n)).zip(states.chunks_exact_mut(n));
        for ((z, before), ((cells, bent), states)) in rows.zip(results) {
            for (place, (z, b)) in z.chunks_exact_mut(n).zip(b.chunks_exact(n)).enumerate() {
                if place == 2 {
                    for (z, b) in z.iter_mut().zip(b) { *z = tanh(*z + *b) }
                } else {
                    for (z, b) in z.iter_mut().zip(b) { *z = sigmoid(*z + *b) }
                }
            }
            let (i, z) = z.split_at(n);
            let (f, z) = z.split_at(n);
            let (g, o) = z.split_at(n);
            for j in 0..n {
                cells[j] = f[j] * before[j] + i[j] * g[j];
                bent[j] = tanh(cells[j]);
                states[j] = o[j] * bent[j];
            }
        }
    }
}

wide! {
    /// Turns gates into the gradients of their sums, and `dc` from that of the cells after the step into that before it.
    fn cell_back(z: &mut [f32], before: &[f32], bent: &[f32], dh: &[f32], dc: &mut [f32], n: usize) {
        let rows = z.chunks_exact_mut(4 * n).zip(before.chunks_exact(n)).zip(bent.chunks_exact(n));
        for (((z, before), bent), (dh, dc)) in rows.zip(dh.chunks_exact(n).zip(dc.chunks_exact_mut(n))) {
            let (zi, z) = z.split_at_mut(n);
            let (zf, z) = z.split_at_mut(n);
            let (zg, zo) = z.split_at_mut(n);
            for j in 0..n {
                let (i, f, g, o) = (zi[j], zf[j], zg[j], zo[j]);
                let d = dc[j] + dh[j] * o * (1.0 - bent[j] * bent[j]);
                zi[j] = d * g * i * (1.0 - i);
                zf[j] = d * before[j] * f * (1.0 - f);
                zg[j] = d * i * (1.0 - g * g);
                zo[j] = dh[j] * bent[j] * o * (1.0 - o);
                dc[j] = d * f;
            }
        }
    }
}
