//! `affine`: `x · factor + offset`. Back: the gradient times the factor.

use crate::kernels::elementwise;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

pub(crate) fn affine(session: &mut Session, factor: f32, offset: f32, x: &Var) -> Result<Var> {
    let node = session.node(x)?;
    let grad = node.grad;
    let mut y = vec![0.0; x.rows * x.width()];
    elementwise::affine(read(&node.value), factor, offset, &mut y);
    let out = session.put(y, x.rows, x.dims.clone(), grad)?;
    if session.records(grad) {
        let x = x.id;
        session.record(&out, move |back, mut gradient| {
            elementwise::scale(&mut gradient, factor);
            back.give(x, gradient);
            Ok(())
        });
    }
    Ok(out)
}
