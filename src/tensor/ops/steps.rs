//! `Steps`: the steps of a sequence as one: their mean, sum, greatest or last, within each row's length; zero where there is none.
//!
//! Back: each step takes the gradient, or its share; the greatest (of equals the first) and the last take all of it.

use crate::kernels::elementwise;
use crate::ops::steps_of;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Steps, Var};

/// Returns `[n]` of `[t, n]`.
pub(crate) fn steps(session: &mut Session, kind: Steps, x: &Var) -> Result<Var> {
    let (steps, n) = steps_of("steps", x)?;
    let lengths = session.lengths_of(x, steps)?;
    let node = session.node(x)?;
    let (grad, value) = (node.grad, node.value.clone());
    let rows = x.rows;
    let mut y = vec![0.0; rows * n];
    if steps * n > 0 {
        for (row, (x, y)) in read(&value).chunks_exact(steps * n).zip(y.chunks_exact_mut(n)).enumerate() {
            let own = &x[..lengths[row] as usize * n];
            if !own.is_empty() {
                forward(own, y, kind);
            }
        }
    }
    let out = session.put(y, rows, vec![n], grad)?;
    if session.records(grad) && steps * n > 0 {
        let id = x.id;
        session.record(&out, move |back, gradient| {
            let mut dx = back.buffer(rows * steps * n);
            dx.fill(0.0);
            for (row, (dx, g)) in dx.chunks_exact_mut(steps * n).zip(gradient.chunks_exact(n)).enumerate() {
                let own = lengths[row] as usize * n;
                if own > 0 {
                    backward(&mut dx[..own], &read(&value)[row * steps * n..][..own], g, kind);
                }
            }
            back.give(id, dx);
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

fn forward(x: &[f32], y: &mut [f32], kind: Steps) {
    let n = y.len();
    match kind {
        Steps::Last => y.copy_from_slice(&x[x.len() - n..]),
        Steps::Greatest => {
            y.copy_from_slice(&x[..n]);
            for x in x.chunks_exact(n).skip(1) {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = if (*x > *y) | x.is_nan() { *x } else { *y };
                }
            }
        }
        Steps::Sum | Steps::Mean => {
            x.chunks_exact(n).for_each(|x| elementwise::add(y, x));
            if kind == Steps::Mean {
                elementwise::scale(y, n as f32 / x.len() as f32);
            }
        }
    }
}

fn backward(dx: &mut [f32], x: &[f32], g: &[f32], kind: Steps) {
    let n = g.len();
    match kind {
        Steps::Last => {
            let last = dx.len() - n;
            dx[last..].copy_from_slice(g);
        }
        Steps::Greatest => {
            for (j, g) in g.iter().enumerate() {
                let column = || x[j..].iter().step_by(n);
                let mut best = 0;
                let mut greatest = x[j];
                for (step, &x) in column().enumerate() {
                    if (x > greatest) | (x.is_nan() & !greatest.is_nan()) {
                        (best, greatest) = (step, x);
                    }
                }
                dx[best * n + j] = *g;
            }
        }
        Steps::Sum | Steps::Mean => {
            let share = if kind == Steps::Mean { n as f32 / x.len() as f32 } else { 1.0 };
            dx.chunks_exact_mut(n).for_each(|dx| elementwise::affine(g, share, 0.0, dx));
        }
    }
}
