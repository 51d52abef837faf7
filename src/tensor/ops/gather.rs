//! `gather`: the rows of a value along references, so that a network computes once for each distinct row of its own domain.
//! Back: each row's gradient is added to the row that it came from, in order.

use crate::kernels::rows;
use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

/// Returns the rows of `x` in the order of `index`.
pub(crate) fn gather(session: &mut Session, x: &Var, index: &[u32]) -> Result<Var> {
    let node = session.node(x)?;
    let grad = node.grad;
    within("gather", index, x.rows)?;
    let width = x.width();
    let y = rows::gather(read(&node.value), width, index);
    let lengths = node.lengths.as_ref().map(|lengths| index.iter().map(|&i| lengths[i as usize]).collect());
    let out = session.put(y, index.len(), x.dims.clone(), grad)?;
    session.set_lengths(&out, lengths);
    if session.records(grad) {
        let (x, length, index) = (x.id, x.rows * width, index.to_vec());
        session.record(&out, move |back, gradient| {
            back.fill(x, length, |dx, accumulate| {
                if !accumulate {
                    dx.fill(0.0);
                }
                rows::scatter_add(dx, width, &index, &gradient);
            });
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

/// Refuses an index that points beyond `count` rows.
pub(crate) fn within(op: &str, index: &[u32], count: usize) -> Result<()> {
    match index.iter().find(|&&i| i as usize >= count) {
        None => Ok(()),
        Some(i) => Err(misfit(
            op,
            &format!("row {i} is asked for, but there are {count} rows"),
            &format!("请求第 {i} 行，但只有 {count} 行"),
        )),
    }
}
