//! `gather`: the rows of a value along references, so that a network computes once for each distinct row of its own domain.
//! Back: each row's gradient is added to the row that it came from, in order.

use crate::kernels::rows;
use crate::ops::misfit;
use crate::ops::view::fits;
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

/// Returns rows of `x` as sequences `[steps, width]`: `index` holds those of all rows end to end, `lengths` how many are each row's.
/// Steps beyond a row's length are zero.
pub(crate) fn gather_steps(
    session: &mut Session,
    x: &Var,
    index: &[u32],
    lengths: &[u32],
    steps: usize,
) -> Result<Var> {
    let [width] = x.dims[..] else {
        let dims = &x.dims;
        return Err(misfit(
            "gather",
            &format!("steps are vectors, not {dims:?}"),
            &format!("每步应为向量，而不是 {dims:?}"),
        ));
    };
    all_steps("gather", (index, x.rows), lengths, steps)?;
    let node = session.node(x)?;
    let grad = node.grad;
    let y = rows::spread(read(&node.value), width, index, (lengths, steps));
    let out = session.put(y, lengths.len(), vec![steps, width], grad)?;
    session.set_lengths(&out, Some(lengths.into()));
    if session.records(grad) {
        let (x, length, index, lengths) = (x.id, x.rows * width, index.to_vec(), lengths.to_vec());
        session.record(&out, move |back, gradient| {
            let mut own = back.buffer(index.len() * width);
            rows::join(&gradient, width, (&lengths, steps), &mut own);
            back.spare(gradient);
            back.fill(x, length, |dx, accumulate| {
                if !accumulate {
                    dx.fill(0.0);
                }
                rows::scatter_add(dx, width, &index, &own);
            });
            back.spare(own);
            Ok(())
        });
    }
    Ok(out)
}

/// Refuses sequences whose rows are not there, or that are longer than `steps`.
pub(crate) fn all_steps(op: &str, (index, count): (&[u32], usize), lengths: &[u32], steps: usize) -> Result<()> {
    within(op, index, count)?;
    fits(op, lengths, steps)?;
    let total: usize = lengths.iter().map(|&length| length as usize).sum();
    if total == index.len() {
        return Ok(());
    }
    let has = index.len();
    Err(misfit(
        op,
        &format!("its sequences have {total} steps in all, but {has} are given"),
        &format!("序列共有 {total} 步，但给出了 {has} 个"),
    ))
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
