//! `layer_norm` (Ba, Kiros, Hinton 2016): `h = (x − mean) / √(variance + ε)`, `y = h·g + c`, over the width.
//!
//! Back: with `d = gradient·g`, `dx = (d − mean(d) − h·mean(d·h)) / √(variance + ε)`, `dg = Σ gradient·h`, `dc = Σ gradient`.

use crate::kernels::parts;
use crate::kernels::reduce::{self, dot_lanes, sum_lanes};
use crate::ops::sized;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Parameter, Var};

/// Numbers that are worth a part.
const PART: usize = 32 * 1024;

pub(crate) fn layer_norm(session: &mut Session, epsilon: f32, x: &Var, [g, c]: [Parameter; 2]) -> Result<Var> {
    let (rows, width) = (x.rows, x.width());
    let g = sized(session, "layer_norm", g, 1, width)?;
    let c = sized(session, "layer_norm", c, 1, width)?;
    let node = session.node(x)?;
    let x_grad = node.grad;
    let mut h = read(&node.value).to_vec();
    let mut scales = vec![0.0; rows];
    let mut y = vec![0.0; rows * width];
    if width > 0 {
        let parts = parts::parts(rows, PART / width.max(1));
        let scales = parts::split(&mut scales, &parts, 1).into_iter();
        let work = parts::split(&mut h, &parts, width).into_iter().zip(parts::split(&mut y, &parts, width)).zip(scales);
        parts::each(work.collect(), |((h, y), scales)| {
            forward(h, scales, y, epsilon, read(&g.value), read(&c.value));
        });
    }
    let out = session.put(y, rows, x.dims.clone(), true)?;
    if session.records(true) && width > 0 {
        let x = x.id;
        session.record(&out, move |back, mut gradient| {
            let parts = parts::parts(rows, PART / width.max(1));
            let work = parts.iter().cloned().zip(parts::split(&mut gradient, &parts, width)).collect();
            let found = parts::each(work, |(part, gradient)| {
                let h = &h[part.start * width..part.end * width];
                let (mut dc, mut dg) = (vec![0.0; width], vec![0.0; width]);
                reduce::column_sums(gradient, &mut dc, false);
                products(gradient, h, &mut dg);
                if x_grad {
                    backward(gradient, h, &scales[part], read(&g.value));
                }
                (dc, dg)
            });
            let (dc, dg): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            back.weight(&c, |to, accumulate| parts::sum(&dc, to, accumulate))?;
            back.weight(&g, |to, accumulate| parts::sum(&dg, to, accumulate))?;
            if x_grad {
                back.give(x, gradient);
            }
            Ok(())
        });
    }
    Ok(out)
}

wide! {
    /// Turns the rows of `h` into normal ones, keeps `1 / √(variance + ε)` of each, and writes `y`.
    fn forward(h: &mut [f32], scales: &mut [f32], y: &mut [f32], epsilon: f32, g: &[f32], c: &[f32]) {
        let n = g.len() as f32;
        let rows = h.chunks_exact_mut(g.len()).zip(y.chunks_exact_mut(g.len()));
        for ((h, y), scale) in rows.zip(scales.iter_mut()) {
            let mean = sum_lanes(h) / n;
            for h in h.iter_mut() {
                *h -= mean;
            }
            *scale = 1.0 / (dot_lanes(h, h) / n + epsilon).sqrt();
            for (((h, y), g), c) in h.iter_mut().zip(y.iter_mut()).zip(g).zip(c) {
                *h *= *scale;
                *y = *h * *g + *c;
            }
        }
    }
}

wide! {
    /// Adds `Σ gradient·h` over the rows.
    fn products(gradient: &[f32], h: &[f32], dg: &mut [f32]) {
        for (d, h) in gradient.chunks_exact(dg.len()).zip(h.chunks_exact(dg.len())) {
            for ((o, d), h) in dg.iter_mut().zip(d).zip(h) {
                *o += *d * *h;
            }
        }
    }
}

wide! {
    /// Turns the gradient of `y` into that of `x`.
    fn backward(gradient: &mut [f32], h: &[f32], scales: &[f32], g: &[f32]) {
        let n = g.len() as f32;
        for ((d, h), scale) in gradient.chunks_exact_mut(g.len()).zip(h.chunks_exact(g.len())).zip(scales) {
            for (d, g) in d.iter_mut().zip(g) {
                *d *= *g;
            }
            let (mean, along) = (sum_lanes(d) / n, dot_lanes(d, h) / n);
            for (d, h) in d.iter_mut().zip(h) {
                *d = (*d - mean - *h * along) * *scale;
            }
        }
    }
}
