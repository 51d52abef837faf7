//! `relu`, `tanh`, `sigmoid`. Back: the gradient times the slope, which all three tell from their results.

use crate::kernels::{elementwise, parts};
use crate::session::{Origin, Session};
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Activation, Var};

/// Returns `f(x)`, number by number.
pub(crate) fn activation(session: &mut Session, act: Activation, x: &Var) -> Result<Var> {
    let node = session.node(x)?;
    let grad = node.grad;
    let mut y = vec![0.0; x.rows * x.width()];
    parts::pairs(&mut y, read(&node.value), |y, x| elementwise::activate_to(y, x, act));
    let out = session.put(y, x.rows, x.dims.clone(), grad)?;
    if act == Activation::Sigmoid {
        session.set_origin(&out, Origin::Sigmoid(x.id));
    }
    if session.records(grad) {
        let (x, y) = (x.id, session.node(&out)?.value.clone());
        session.record(&out, move |back, mut gradient| {
            parts::pairs(&mut gradient, read(&y), |gradient, y| elementwise::slope(gradient, y, act));
            back.give(x, gradient);
            Ok(())
        });
    }
    Ok(out)
}
