//! `+ - * /` number by number; a width of 1 is stretched to the other's. The same value may stand on both sides.
//!
//! Back: `+`: `g, g` · `-`: `g, −g` · `*`: `g·b, g·a` · `/`: `g/b, −g·y/b`; summed over the width where it was stretched.

use crate::kernels::parts;
use crate::kernels::reduce::sum_lanes;
use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Arithmetic {
    fn sign(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
        }
    }
}

pub(crate) fn arithmetic(session: &mut Session, kind: Arithmetic, [a, b]: [&Var; 2]) -> Result<Var> {
    let (rows, a_width, b_width) = (a.rows, a.width(), b.width());
    if a_width != b_width && a_width != 1 && b_width != 1 {
        return Err(misfit(
            kind.sign(),
            &format!("its sides are {a_width} and {b_width} wide"),
            &format!("两侧的宽度分别为 {a_width} 和 {b_width}"),
        ));
    }
    let dims = if a_width == 1 { b.dims.clone() } else { a.dims.clone() };
    let width: usize = dims.iter().product();
    let (left, right) = (session.node(a)?, session.node(b)?);
    let (a_grad, b_grad) = (left.grad, right.grad);
    let (a_value, b_value) = (left.value.clone(), right.value.clone());
    let (stretch_a, stretch_b) = (a_width != width, b_width != width);

    let full_a = stretched(read(&a_value), width, stretch_a);
    let mut y = full_a.unwrap_or_else(|| read(&a_value).to_vec());
    match stretched(read(&b_value), width, stretch_b) {
        Some(full) => combine(&mut y, &full, kind),
        None => parts::pairs(&mut y, read(&b_value), |y, b| combine(y, b, kind)),
    }
    let grad = a_grad || b_grad;
    let out = session.put(y, rows, dims, grad)?;
    if session.records(grad) {
        let y = session.node(&out)?.value.clone();
        let (a, b) = (a.id, b.id);
        session.record(&out, move |back, gradient| {
            let other = |x: &'_ crate::value::Matrix, stretch| stretched(read(x), width, stretch);
            if b_grad {
                let mut own = gradient.clone();
                match kind {
                    Arithmetic::Add => {}
                    Arithmetic::Subtract => crate::kernels::elementwise::scale(&mut own, -1.0),
                    Arithmetic::Multiply => match other(&a_value, stretch_a) {
                        Some(full) => combine(&mut own, &full, Arithmetic::Multiply),
                        None => combine(&mut own, read(&a_value), Arithmetic::Multiply),
                    },
                    Arithmetic::Divide => {
                        match other(&b_value, stretch_b) {
                            Some(full) => combine(&mut own, &full, Arithmetic::Divide),
                            None => combine(&mut own, read(&b_value), Arithmetic::Divide),
                        }
                        combine(&mut own, read(&y), Arithmetic::Multiply);
                        crate::kernels::elementwise::scale(&mut own, -1.0);
                    }
                }
                back.give(b, shrunk(own, width, stretch_b));
            }
            if a_grad {
                let mut own = gradient;
                if let Arithmetic::Multiply | Arithmetic::Divide = kind {
                    match other(&b_value, stretch_b) {
                        Some(full) => combine(&mut own, &full, kind),
                        None => combine(&mut own, read(&b_value), kind),
                    }
                }
                back.give(a, shrunk(own, width, stretch_a));
            }
            Ok(())
        });
    }
    Ok(out)
}

/// Returns a column repeated over the width, where it must be.
fn stretched(column: &[f32], width: usize, stretch: bool) -> Option<Vec<f32>> {
    stretch.then(|| column.iter().flat_map(|&x| std::iter::repeat_n(x, width)).collect())
}

/// Returns the sums over the width, where a column had been stretched.
fn shrunk(gradient: Vec<f32>, width: usize, stretch: bool) -> Vec<f32> {
    match (stretch, width) {
        (false, _) => gradient,
        (true, 0) => Vec::new(),
        (true, _) => gradient.chunks_exact(width).map(sum_lanes).collect(),
    }
}

wide! {
    /// Computes `y = y ∘ x`.
    fn combine(y: &mut [f32], x: &[f32], kind: Arithmetic) {
        let pairs = y.iter_mut().zip(x);
        match kind {
            Arithmetic::Add => pairs.for_each(|(y, x)| *y += *x),
            Arithmetic::Subtract => pairs.for_each(|(y, x)| *y -= *x),
            Arithmetic::Multiply => pairs.for_each(|(y, x)| *y *= *x),
            Arithmetic::Divide => pairs.for_each(|(y, x)| *y /= *x),
        }
    }
}
