//! `gate`: the gated multimodal unit (Arevalo et al. 2017), `z·tanh(a·W₁ + b₁) + (1 − z)·tanh(b·W₂ + b₂)`, `z = σ([a, b]·W₃ + b₃)`.
//!
//! Back, with `p`, `q` the two tangents: `dz = g·(p − q)·z·(1 − z)`, `dp = g·z·(1 − p²)`, `dq = g·(1 − z)·(1 − q²)`; each then goes
//! through its product as in `dense`.

use crate::flow::{Back, Weight};
use crate::kernels::product::{Matrix, multiply, product};
use crate::kernels::{elementwise, reduce};
use crate::ops::{misfit, sized};
use crate::session::Session;
use crate::value::{self, read};
use dfdx::prelude::CpuError;
use mmf_data::error::Result;
use mmf_data::network::{Activation, Parameter, Var};

/// Returns the gated sum of two inputs of one width `n`; `W₁`, `W₂` are `n × n`, `W₃` is `2n × n`, the biases `1 × n`.
pub(crate) fn gate(session: &mut Session, [a, b]: [&Var; 2], parameters: [Parameter; 6]) -> Result<Var> {
    let (rows, n) = (a.rows, a.width());
    if n != b.width() || n == 0 {
        let other = b.width();
        return Err(misfit(
            "gate",
            &format!("its inputs are {n} and {other} wide"),
            &format!("输入的宽度分别为 {n} 和 {other}"),
        ));
    }
    let [w1, b1, w2, b2, w3, b3] = parameters;
    let square = |w| sized(session, "gate", w, n, n);
    let bias = |b| sized(session, "gate", b, 1, n);
    let (w1, w2, w3) = (square(w1)?, square(w2)?, sized(session, "gate", w3, 2 * n, n)?);
    let (b1, b2, b3) = (bias(b1)?, bias(b2)?, bias(b3)?);
    let (left, right) = (session.node(a)?, session.node(b)?);
    let (a_grad, b_grad) = (left.grad, right.grad);
    let (a_value, b_value) = (left.value.clone(), right.value.clone());

    let sizes = (rows, n, n);
    let (x, y) = (Matrix::of(read(&a_value), n), Matrix::of(read(&b_value), n));
    let mut p = product(x, Matrix::of(read(&w1.value), n), sizes);
    elementwise::bias_and_activate(&mut p, read(&b1.value), Activation::Tanh);
    let mut q = product(y, Matrix::of(read(&w2.value), n), sizes);
    elementwise::bias_and_activate(&mut q, read(&b2.value), Activation::Tanh);
    let (upper, lower) = read(&w3.value).split_at(n * n);
    let mut z = product(x, Matrix::of(upper, n), sizes);
    multiply(y, Matrix::of(lower, n), sizes, &mut z, true);
    elementwise::bias_and_activate(&mut z, read(&b3.value), Activation::Sigmoid);
    let mut out = vec![0.0; rows * n];
    mix(&z, &p, &q, &mut out);

    let out = session.put(out, rows, vec![n], true)?;
    let (a, b) = (a.id, b.id);
    session.record(&out, move |back, gradient| {
        split(&gradient, &mut z, &mut p, &mut q);
        let (dz, dp, dq) = (&z[..], &p[..], &q[..]);
        weights(back, (&w1, &b1), &a_value, dp, (rows, n))?;
        weights(back, (&w2, &b2), &b_value, dq, (rows, n))?;
        back.weight(&b3, |to, accumulate| reduce::column_sums(dz, to, accumulate))?;
        back.weight(&w3, |to, accumulate| {
            let (upper, lower) = to.split_at_mut(n * n);
            for (x, to) in [(&a_value, upper), (&b_value, lower)] {
                multiply(Matrix::transposed(read(x), n), Matrix::of(dz, n), (n, rows, n), to, accumulate);
            }
        })?;
        let (upper, lower) = read(&w3.value).split_at(n * n);
        for (to, wanted, own, w, third) in [(a, a_grad, dp, &w1, upper), (b, b_grad, dq, &w2, lower)] {
            if wanted {
                back.fill(to, rows * n, |dx, accumulate| {
                    multiply(Matrix::of(own, n), Matrix::transposed(read(&w.value), n), sizes, dx, accumulate);
                    multiply(Matrix::of(dz, n), Matrix::transposed(third, n), sizes, dx, true);
                });
            }
        }
        back.spare(gradient);
        Ok(())
    });
    Ok(out)
}

/// Adds the gradients of a product's weight and bias.
fn weights(
    back: &mut Back,
    (w, b): (&Weight, &Weight),
    x: &value::Matrix,
    gradient: &[f32],
    (rows, n): (usize, usize),
) -> std::result::Result<(), CpuError> {
    back.weight(b, |to, accumulate| reduce::column_sums(gradient, to, accumulate))?;
    back.weight(w, |to, accumulate| {
        multiply(Matrix::transposed(read(x), n), Matrix::of(gradient, n), (n, rows, n), to, accumulate);
    })
}

wide! {
    fn mix(z: &[f32], p: &[f32], q: &[f32], out: &mut [f32]) {
        for (((o, z), p), q) in out.iter_mut().zip(z).zip(p).zip(q) {
            *o = *z * *p + (1.0 - *z) * *q;
        }
    }
}

wide! {
    /// Turns `z`, `p`, `q` into the gradients before their functions.
    fn split(gradient: &[f32], z: &mut [f32], p: &mut [f32], q: &mut [f32]) {
        for (((g, z), p), q) in gradient.iter().zip(z.iter_mut()).zip(p.iter_mut()).zip(q.iter_mut()) {
            let (dz, dp, dq) = (
                *g * (*p - *q) * *z * (1.0 - *z),
                *g * *z * (1.0 - *p * *p),
                *g * (1.0 - *z) * (1.0 - *q * *q),
            );
            (*z, *p, *q) = (dz, dp, dq);
        }
    }
}
