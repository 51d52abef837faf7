//! `propagate`: each row becomes the weighted sum of its neighbours' along a sparse matrix. Back: along the matrix turned.

use std::sync::Arc;

use crate::kernels::sparse;
use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::graph::Spread;
use mmf_data::network::Var;

pub(crate) fn propagate(session: &mut Session, x: &Var, over: &Arc<Spread>) -> Result<Var> {
    let (rows, width) = (x.rows, x.width());
    if rows != over.rows {
        let wanted = over.rows;
        return Err(misfit(
            "propagate",
            &format!("the graph has {wanted} rows, the values {rows}"),
            &format!("图有 {wanted} 行，而值有 {rows} 行"),
        ));
    }
    let node = session.node(x)?;
    let grad = node.grad;
    let mut y = vec![0.0; rows * width];
    sparse::multiply(&over.forward, read(&node.value), width, &mut y, false);
    let out = session.put(y, rows, x.dims.clone(), grad)?;
    if session.records(grad) {
        let (x, over) = (x.id, over.clone());
        session.record(&out, move |back, gradient| {
            back.fill(x, rows * width, |dx, accumulate| {
                sparse::multiply(over.back(), &gradient, width, dx, accumulate);
            });
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

/// Returns the rows of values one after the other. Back: each takes its own.
pub(crate) fn join_rows(session: &mut Session, inputs: &[&Var]) -> Result<Var> {
    let Some(first) = inputs.first() else { return Err(mmf_data::error::Error::bug("no rows are given to be joined")) };
    let (dims, width) = (first.dims.clone(), first.width());
    let (mut y, mut parts, mut rows) = (Vec::new(), Vec::new(), 0);
    for x in inputs {
        if x.dims != dims {
            let (a, b) = (&dims, &x.dims);
            return Err(misfit(
                "propagate",
                &format!("rows of {a:?} numbers stand beside rows of {b:?}"),
                &format!("每行 {a:?} 个数与每行 {b:?} 个数并列"),
            ));
        }
        let node = session.node(x)?;
        y.extend_from_slice(read(&node.value));
        if node.grad {
            parts.push((x.id, rows * width..(rows + x.rows) * width));
        }
        rows += x.rows;
    }
    let grad = !parts.is_empty();
    let out = session.put(y, rows, dims, grad)?;
    if session.records(grad) {
        session.record(&out, move |back, gradient| {
            for (x, part) in parts {
                let mut own = back.buffer(part.len());
                own.copy_from_slice(&gradient[part]);
                back.give(x, own);
            }
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}
