//! `softmax`: `e^x / Σ e^x` over the width, the greatest taken away first. Back: `dx = y·(g − Σ g·y)`.

use crate::kernels::functions::exp;
use crate::kernels::reduce::{dot_lanes, sum_lanes};
use crate::ops::misfit;
use crate::session::{Origin, Session};
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

pub(crate) fn softmax(session: &mut Session, x: &Var) -> Result<Var> {
    let width = x.width();
    if width == 0 {
        return Err(misfit("softmax", "its input has no width", "输入没有宽度"));
    }
    let node = session.node(x)?;
    let grad = node.grad;
    let mut y = read(&node.value).to_vec();
    forward(&mut y, width);
    let out = session.put(y, x.rows, x.dims.clone(), grad)?;
    session.set_origin(&out, Origin::Softmax(x.id));
    if session.records(grad) {
        let (x, y) = (x.id, session.node(&out)?.value.clone());
        session.record(&out, move |back, mut gradient| {
            backward(&mut gradient, read(&y), width);
            back.give(x, gradient);
            Ok(())
        });
    }
    Ok(out)
}

wide! {
    /// Turns each row into its softmax.
    pub(crate) fn forward(y: &mut [f32], width: usize) {
        for row in y.chunks_exact_mut(width) {
            let greatest = row.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
            for y in row.iter_mut() {
                *y = exp(*y - greatest);
            }
            let factor = 1.0 / sum_lanes(row);
            for y in row.iter_mut() {
                *y *= factor;
            }
        }
    }
}

wide! {
    fn backward(gradient: &mut [f32], y: &[f32], width: usize) {
        for (g, y) in gradient.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
            let along = dot_lanes(g, y);
            for (g, y) in g.iter_mut().zip(y) {
                *g = *y * (*g - along);
            }
        }
    }
}
