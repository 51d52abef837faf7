//! `Attend`: weighs the steps of a sequence by the softmax of their scores (as in Bahdanau et al. 2015): `y = Σ softmax(s)·v`.
//!
//! Back, with `p` the softmax: `dv = p·g`, `dp = Σ v·g`, `ds = p·(dp − Σ p·dp)`.

use crate::kernels::reduce::dot_lanes;
use crate::ops::{misfit, softmax, steps_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

/// Takes scores `[t]` or `[t, 1]` and values `[t, n]`, returns `[n]`.
pub(crate) fn attend(session: &mut Session, [scores, values]: [&Var; 2]) -> Result<Var> {
    let (steps, n) = steps_of("attention", values)?;
    if scores.dims != [steps] && scores.dims != [steps, 1] {
        let has = &scores.dims;
        return Err(misfit(
            "attention",
            &format!("its scores have the sizes {has:?}, and there are {steps} steps"),
            &format!("得分的大小为 {has:?}，而共有 {steps} 步"),
        ));
    }
    let told = if session.node(values)?.lengths.is_some() { values } else { scores };
    let lengths = session.lengths_of(told, steps)?;
    let (left, right) = (session.node(scores)?, session.node(values)?);
    let (s_grad, v_grad) = (left.grad, right.grad);
    let mut p = read(&left.value).to_vec();
    let v = right.value.clone();
    let rows = values.rows;
    let mut y = vec![0.0; rows * n];
    if steps * n > 0 {
        for (row, (p, y)) in p.chunks_exact_mut(steps).zip(y.chunks_exact_mut(n)).enumerate() {
            let (own, beyond) = p.split_at_mut(lengths[row] as usize);
            beyond.fill(0.0);
            if !own.is_empty() {
                let width = own.len();
                softmax::forward(own, width);
                weigh(own, &read(&v)[row * steps * n..], y);
            }
        }
    }
    let out = session.put(y, rows, vec![n], s_grad || v_grad)?;
    if session.records(s_grad || v_grad) && steps * n > 0 {
        let (scores, values) = (scores.id, values.id);
        session.record(&out, move |back, gradient| {
            let (mut ds, mut dv) = (back.buffer(rows * steps), back.buffer(rows * steps * n));
            let pairs = ds.chunks_exact_mut(steps).zip(dv.chunks_exact_mut(steps * n));
            for ((row, p), (ds, dv)) in p.chunks_exact(steps).enumerate().zip(pairs) {
                let v = &read(&v)[row * steps * n..][..steps * n];
                slopes(p, v, &gradient[row * n..][..n], ds, dv);
            }
            for (to, wanted, own) in [(scores, s_grad, ds), (values, v_grad, dv)] {
                if wanted { back.give(to, own) } else { back.spare(own) }
            }
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

wide! {
    fn weigh(p: &[f32], v: &[f32], y: &mut [f32]) {
        for (p, v) in p.iter().zip(v.chunks_exact(y.len())) {
            for (y, v) in y.iter_mut().zip(v) {
                *y += *p * *v;
            }
        }
    }
}

wide! {
    fn slopes(p: &[f32], v: &[f32], g: &[f32], ds: &mut [f32], dv: &mut [f32]) {
        for (((p, v), d), dv) in p.iter().zip(v.chunks_exact(g.len())).zip(ds.iter_mut()).zip(dv.chunks_exact_mut(g.len())) {
            *d = dot_lanes(v, g);
            for (dv, g) in dv.iter_mut().zip(g) {
                *dv = *p * *g;
            }
        }
        let along = dot_lanes(p, ds);
        for (d, p) in ds.iter_mut().zip(p) {
            *d = *p * (*d - along);
        }
    }
}
