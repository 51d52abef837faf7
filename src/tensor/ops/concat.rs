//! `concat`: values side by side. Back: each takes its own columns.

use crate::kernels::rows;
use crate::ops::equal_rows;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::Var;

/// Returns the inputs joined along the width, in their order.
pub(crate) fn concat(session: &mut Session, inputs: &[&Var]) -> Result<Var> {
    let [first, rest @ ..] = inputs else {
        return Err(Error::bug("`concat` takes at least one input"));
    };
    for other in rest {
        equal_rows("concat", first, other)?;
    }
    let rows = first.rows;
    let width: usize = inputs.iter().map(|x| x.width()).sum();
    let mut y = vec![0.0; rows * width];
    let mut parts = Vec::new();
    let mut at = 0;
    for x in inputs {
        let node = session.node(x)?;
        rows::put_columns(read(&node.value), x.width(), &mut y, width, at);
        if node.grad {
            parts.push((x.id, at, x.width()));
        }
        at += x.width();
    }
    let grad = !parts.is_empty();
    let out = session.put(y, rows, vec![width], grad)?;
    if session.records(grad) {
        session.record(&out, move |back, gradient| {
            for (x, at, part) in parts {
                let mut own = back.buffer(rows * part);
                rows::take_columns(&gradient, width, at, &mut own, part);
                back.give(x, own);
            }
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}
