//! `dot`: `Σ a·b` over the width. Back: `da = g·b`, `db = g·a`.

use crate::kernels::reduce;
use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

/// Returns the dot product of each pair of rows: a width of 1.
pub(crate) fn dot(session: &mut Session, [a, b]: [&Var; 2]) -> Result<Var> {
    let (rows, width) = (a.rows, a.width());
    if width != b.width() {
        let other = b.width();
        return Err(misfit(
            "dot",
            &format!("its inputs are {width} and {other} wide"),
            &format!("输入的宽度分别为 {width} 和 {other}"),
        ));
    }
    let (left, right) = (session.node(a)?, session.node(b)?);
    let (a_grad, b_grad) = (left.grad, right.grad);
    let (a_value, b_value) = (left.value.clone(), right.value.clone());
    let mut y = vec![0.0; rows];
    if width > 0 {
        reduce::row_dots(read(&a_value), read(&b_value), width, &mut y);
    }
    let out = session.put(y, rows, vec![1], a_grad || b_grad)?;
    if session.records(a_grad || b_grad) && width > 0 {
        let (a, b) = (a.id, b.id);
        session.record(&out, move |back, gradient| {
            for (to, wanted, other) in [(a, a_grad, &b_value), (b, b_grad, &a_value)] {
                if wanted {
                    let mut own = back.buffer(rows * width);
                    reduce::scale_rows(read(other), &gradient, width, &mut own);
                    back.give(to, own);
                }
            }
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}
