//! `Positions`: adds to each step of a sequence what stands for its place: a row of a weight, or waves (Vaswani et al. 2017),
//! `sin(t / 10000^(2i/n))` and `cos` of the same at the numbers 2i and 2i + 1. Padding stays as it is.
//!
//! Back: the gradient as it is; of the weight, its sum over the rows.

use crate::kernels::elementwise;
use crate::ops::{misfit, sized, steps_of};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Parameter, Var};

pub(crate) fn positions(session: &mut Session, x: &Var, parameters: &[Parameter]) -> Result<Var> {
    let (steps, n) = steps_of("positions", x)?;
    let weight = match *parameters {
        [] => None,
        [p] => {
            let room = session.parameters().dims(p)?.first().copied().unwrap_or(0);
            if room < steps {
                return Err(misfit(
                    "positions",
                    &format!("it knows {room} positions, but there are {steps} steps"),
                    &format!("只有 {room} 个位置，而共有 {steps} 步"),
                ));
            }
            Some(sized(session, "positions", p, room, n)?)
        }
        _ => return Err(Error::bug(format!("`positions` takes one weight, not {}", parameters.len()))),
    };
    let made = if weight.is_none() { waves(steps, n) } else { Vec::new() };
    let table = weight.as_ref().map_or(&made[..], |weight| read(&weight.value));
    let lengths = session.lengths_of(x, steps)?;
    let node = session.node(x)?;
    let x_grad = node.grad;
    let mut y = read(&node.value).to_vec();
    for (row, y) in y.chunks_exact_mut((steps * n).max(1)).enumerate() {
        let own = lengths[row] as usize * n;
        elementwise::add(&mut y[..own], &table[..own]);
    }
    let grad = x_grad || weight.is_some();
    let out = session.put(y, x.rows, x.dims.clone(), grad)?;
    if session.records(grad) {
        let id = x.id;
        session.record(&out, move |back, gradient| {
            if let Some(weight) = &weight {
                back.weight(weight, |to, accumulate| {
                    if !accumulate {
                        to.fill(0.0);
                    }
                    for (row, g) in gradient.chunks_exact((steps * n).max(1)).enumerate() {
                        let own = lengths[row] as usize * n;
                        elementwise::add(&mut to[..own], &g[..own]);
                    }
                })?;
            }
            if x_grad {
                back.give(id, gradient);
            }
            Ok(())
        });
    }
    Ok(out)
}

fn waves(steps: usize, n: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(steps * n);
    for step in 0..steps {
        for i in 0..n {
            let angle = step as f64 / 10_000f64.powf((i / 2 * 2) as f64 / n as f64);
            out.push(if i % 2 == 0 { angle.sin() } else { angle.cos() } as f32);
        }
    }
    out
}
