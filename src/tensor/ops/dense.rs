//! `dense`: `f(x·W + b)`, its bias and activation done in one pass over the product.
//!
//! Back: `g' = g ∘ f'`, `dW = xᵀ·g'`, `db = Σ g'`, and `dx = g'·Wᵀ` only where a weight has a part in `x`.

use crate::kernels::product::{Matrix, multiply, product};
use crate::kernels::{elementwise, parts, reduce};
use crate::ops::{activation, misfit, sized};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Parameter, Var};

/// Returns `f(x·W + b)`: rows × k and k × n give rows × n. `b` may be absent.
///
/// A sigmoid is made a value of its own, so that a loss can go back to what was before it.
pub(crate) fn dense(session: &mut Session, act: Activation, x: &Var, parameters: &[Parameter]) -> Result<Var> {
    if act == Activation::Sigmoid {
        let before = dense(session, Activation::None, x, parameters)?;
        return activation::activation(session, act, &before);
    }
    let (w, b) = match *parameters {
        [w] => (w, None),
        [w, b] => (w, Some(b)),
        _ => return Err(Error::bug(format!("`dense` takes one or two weights, not {}", parameters.len()))),
    };
    let (rows, k) = (x.rows, x.width());
    let Some(&n) = session.parameters().dims(w)?.last() else {
        return Err(misfit("dense", "its weight has no width", "其权重没有宽度"));
    };
    let w = sized(session, "dense", w, k, n)?;
    let b = b.map(|b| sized(session, "dense", b, 1, n)).transpose()?;
    let node = session.node(x)?;
    let (x_value, x_grad) = (node.value.clone(), node.grad);

    let mut y = product(Matrix::of(read(&x_value), k), Matrix::of(read(&w.value), n), (rows, k, n));
    match &b {
        Some(b) if n > 0 => parts::rows(&mut y, n, |y| elementwise::bias_and_activate(y, read(&b.value), act)),
        _ => parts::rows(&mut y, n, |y| elementwise::activate(y, act)),
    }
    let out = session.put(y, rows, vec![n], true)?;
    let y_value = session.node(&out)?.value.clone();
    let x_id = x.id;
    session.record(&out, move |back, mut gradient| {
        parts::pairs(&mut gradient, read(&y_value), |gradient, y| elementwise::slope(gradient, y, act));
        if let Some(b) = &b {
            back.weight(b, |db, accumulate| reduce::long_column_sums(&gradient, db, accumulate))?;
        }
        back.weight(&w, |dw, accumulate| {
            multiply(Matrix::transposed(read(&x_value), k), Matrix::of(&gradient, n), (k, rows, n), dw, accumulate);
        })?;
        if x_grad {
            back.fill(x_id, rows * k, |dx, accumulate| {
                let w = Matrix::transposed(read(&w.value), n);
                multiply(Matrix::of(&gradient, n), w, (rows, n, k), dx, accumulate);
            });
        }
        back.spare(gradient);
        Ok(())
    });
    Ok(out)
}
