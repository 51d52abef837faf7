//! The same numbers seen otherwise: `view` in another shape, `sequence` with lengths. Back: the gradient as it is.

use crate::ops::{misfit, steps_of};
use crate::session::Session;
use mmf_data::error::Result;
use mmf_data::network::Var;
use std::rc::Rc;

/// Returns the numbers of `x` as `rows` rows of `dims`. A sequence stays one where its rows and steps do.
pub(crate) fn view(session: &mut Session, x: &Var, rows: usize, dims: &[usize]) -> Result<Var> {
    let has = x.rows * x.width();
    if dims.iter().try_fold(rows, |count, dim| count.checked_mul(*dim)) != Some(has) {
        return Err(misfit(
            "view",
            &format!("{has} numbers are no {rows} rows of {dims:?}"),
            &format!("{has} 个数不能组成 {rows} 行 {dims:?}"),
        ));
    }
    let stays = rows == x.rows && dims.first() == x.dims.first();
    let lengths = session.node(x)?.lengths.clone().filter(|_| stays);
    seen(session, x, rows, dims, lengths)
}

/// Returns `x`, `[t, …]`, as a sequence whose rows have these lengths.
pub(crate) fn sequence(session: &mut Session, x: &Var, lengths: &[u32]) -> Result<Var> {
    let steps = match x.dims[..] {
        [steps] => steps,
        _ => steps_of("sequence", x)?.0,
    };
    fits("sequence", lengths, steps)?;
    if lengths.len() != x.rows {
        let (rows, has) = (x.rows, lengths.len());
        return Err(misfit(
            "sequence",
            &format!("{has} lengths are given for {rows} rows"),
            &format!("给出了 {has} 个长度，而共有 {rows} 行"),
        ));
    }
    seen(session, x, x.rows, &x.dims, Some(lengths.into()))
}

/// Refuses a length of more than `steps`.
pub(crate) fn fits(op: &str, lengths: &[u32], steps: usize) -> Result<()> {
    match lengths.iter().find(|&&length| length as usize > steps) {
        None => Ok(()),
        Some(length) => Err(misfit(
            op,
            &format!("a row has {length} steps, but there is room for {steps}"),
            &format!("某行有 {length} 步，但只能容纳 {steps} 步"),
        )),
    }
}

fn seen(session: &mut Session, x: &Var, rows: usize, dims: &[usize], lengths: Option<Rc<[u32]>>) -> Result<Var> {
    let out = session.put_again(x, rows, dims)?;
    session.set_lengths(&out, lengths);
    let grad = session.node(x)?.grad;
    if session.records(grad) {
        let x = x.id;
        session.record(&out, move |back, gradient| {
            back.give(x, gradient);
            Ok(())
        });
    }
    Ok(out)
}
