//! `conv`: `y[i, j, o] = b[o] + Σ x[i·s + u − p, j·s + v − p, c]·W[u, v, c, o]` over a window, channels last.
//!
//! No window is copied out: the rows of an image that a window covers are runs in memory, and the product reads them there
//! ([`panels`]). Only images with padding are copied, into a frame of zeros.
//!
//! Back: `db = Σ g`, `dW = Σ xᵀ·g` window by window, and `dx` is the same kind of product: `g`, with zeros between its places for a
//! stride, through the window turned round. Parts of a batch gather their own `dW`, added in their order.

use crate::kernels::outer::{self, Side};
use crate::kernels::panels::{self, Panels, Start, Windows};
use crate::kernels::{parts, product, reduce};
use crate::ops::{map_of, misfit, sized};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Parameter, Var, Window};

/// Images that are worth a part.
const IMAGES: usize = 8;

/// The sizes of a convolution.
#[derive(Clone, Copy)]
struct Sizes {
    window: Window,
    height: usize,
    width: usize,
    channels: usize,
    /// Places of the window.
    down: usize,
    across: usize,
    outputs: usize,
}

/// Returns the window moved over `[h, w, c]`; `W` is kh × kw × c × o, `b`, which may be absent, 1 × o.
pub(crate) fn conv(session: &mut Session, window: Window, x: &Var, parameters: &[Parameter]) -> Result<Var> {
    let (w, b) = match *parameters {
        [w] => (w, None),
        [w, b] => (w, Some(b)),
        _ => return Err(Error::bug(format!("`conv` takes one or two weights, not {}", parameters.len()))),
    };
    let [height, width, channels] = map_of("conv", x)?;
    let [down, across] = places("conv", window, [height, width])?;
    let Some(&outputs) = session.parameters().dims(w)?.last() else {
        return Err(misfit("conv", "its weight has no width", "其权重没有宽度"));
    };
    let sizes = Sizes { window, height, width, channels, down, across, outputs };
    let w = sized(session, "conv", w, sizes.depth(), outputs)?;
    let b = b.map(|b| sized(session, "conv", b, 1, outputs)).transpose()?;
    let node = session.node(x)?;
    let (value, grad) = (node.value.clone(), node.grad);

    let mut y = vec![0.0; x.rows * down * across * outputs];
    let bias = b.as_ref().map_or(Start::Zero, |b| Start::Bias(read(&b.value)));
    sizes.forward(read(&value), read(&w.value), bias, &mut y, x.rows);
    let out = session.put(y, x.rows, vec![down, across, outputs], true)?;
    let (id, rows) = (x.id, x.rows);
    session.record(&out, move |back, gradient| {
        if let Some(b) = &b {
            back.weight(b, |db, accumulate| reduce::long_column_sums(&gradient, db, accumulate))?;
        }
        back.weight(&w, |dw, accumulate| sizes.weights(read(&value), &gradient, dw, accumulate, rows))?;
        if grad {
            let start = |accumulate| if accumulate { Start::There } else { Start::Zero };
            back.fill(id, rows * height * width * channels, |dx, accumulate| {
                sizes.inputs(&gradient, read(&w.value), dx, start(accumulate), rows);
            });
        }
        back.spare(gradient);
        Ok(())
    });
    Ok(out)
}

/// Returns the places of a window, or says that it does not fit.
pub(crate) fn places(op: &str, window: Window, [height, width]: [usize; 2]) -> Result<[usize; 2]> {
    window.places([height, width]).ok_or_else(|| {
        let Window { kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw] } = window;
        misfit(
            op,
            &format!("a window of {kh}×{kw}, moved by {sh}×{sw}, padded by {ph}×{pw}, does not fit {height}×{width}"),
            &format!("窗口 {kh}×{kw}（步长 {sh}×{sw}，填充 {ph}×{pw}）不适合 {height}×{width}"),
        )
    })
}

impl Sizes {
    /// Returns how many products a sum has.
    fn depth(self) -> usize {
        self.window.kernel[0] * self.window.kernel[1] * self.channels
    }

    /// Returns the frame that an image stands in, and where its first place is.
    fn frame(self) -> Frame {
        let [ph, pw] = self.window.padding;
        Frame {
            size: [self.height + 2 * ph, self.width + 2 * pw],
            at: [ph, pw],
            step: [1, 1],
            places: [self.height, self.width],
            channels: self.channels,
        }
    }

    fn forward(self, x: &[f32], w: &[f32], bias: Start, y: &mut [f32], rows: usize) {
        let [kh, kw] = self.window.kernel;
        let [sh, sw] = self.window.stride;
        let weights = Panels::pack(product::Matrix::of(w, self.outputs), self.depth(), self.outputs);
        let parts = parts::parts(rows, IMAGES);
        let (own, other) = (self.height * self.width * self.channels, self.down * self.across * self.outputs);
        let work = parts.iter().cloned().zip(parts::split(y, &parts, other)).collect();
        parts::each(work, |(part, y)| {
            let mut framed = Framed::new(self.frame());
            for (image, y) in part.zip(y.chunks_exact_mut(other.max(1))) {
                let (x, line) = framed.put(&x[image * own..][..own]);
                for (place, y) in y.chunks_exact_mut((self.across * self.outputs).max(1)).enumerate() {
                    let rows = Windows {
                        data: &x[place * sh * line..],
                        count: self.across,
                        step: sw * self.channels,
                        segments: kh,
                        segment_step: line,
                        length: kw * self.channels,
                    };
                    panels::multiply(rows, &weights, y, self.outputs, bias);
                }
            }
        });
    }

    fn weights(self, x: &[f32], gradient: &[f32], dw: &mut [f32], accumulate: bool, rows: usize) {
        let [kh, kw] = self.window.kernel;
        let [sh, sw] = self.window.stride;
        let (own, other) = (self.height * self.width * self.channels, self.down * self.across * self.outputs);
        let length = kw * self.channels;
        let found = parts::each(parts::parts(rows, IMAGES), |part| {
            let mut sum = vec![0.0; dw.len()];
            let mut framed = Framed::new(self.frame());
            for image in part {
                let (x, line) = framed.put(&x[image * own..][..own]);
                let gradient = &gradient[image * other..][..other];
                for (place, g) in gradient.chunks_exact((self.across * self.outputs).max(1)).enumerate() {
                    for (u, sum) in (0..kh).zip(sum.chunks_exact_mut((length * self.outputs).max(1))) {
                        let left =
                            Side { data: &x[(place * sh + u) * line..], step: sw * self.channels, width: length };
                        let right = Side { data: g, step: self.outputs, width: self.outputs };
                        outer::add(left, right, self.across, sum, self.outputs);
                    }
                }
            }
            sum
        });
        parts::sum(&found, dw, accumulate);
    }

    fn inputs(self, gradient: &[f32], w: &[f32], dx: &mut [f32], start: Start, rows: usize) {
        let [kh, kw] = self.window.kernel;
        let [ph, pw] = self.window.padding;
        let (own, other) = (self.height * self.width * self.channels, self.down * self.across * self.outputs);
        // The window turned round, its outputs as inputs.
        let mut turned = Vec::with_capacity(w.len());
        for place in (0..kh * kw).rev() {
            for o in 0..self.outputs {
                turned.extend((0..self.channels).map(|c| w[(place * self.channels + c) * self.outputs + o]));
            }
        }
        let matrix = product::Matrix::of(&turned, self.channels);
        let weights = Panels::pack(matrix, kh * kw * self.outputs, self.channels);
        let frame = Frame {
            size: [self.height + kh - 1, self.width + kw - 1],
            at: [kh - 1 - ph, kw - 1 - pw],
            step: self.window.stride,
            places: [self.down, self.across],
            channels: self.outputs,
        };
        let parts = parts::parts(rows, IMAGES);
        let work = parts.iter().cloned().zip(parts::split(dx, &parts, own)).collect();
        parts::each(work, |(part, dx)| {
            let mut framed = Framed::new(frame);
            for (image, dx) in part.zip(dx.chunks_exact_mut(own.max(1))) {
                let (g, line) = framed.put(&gradient[image * other..][..other]);
                for (place, dx) in dx.chunks_exact_mut((self.width * self.channels).max(1)).enumerate() {
                    let rows = Windows {
                        data: &g[place * line..],
                        count: self.width,
                        step: self.outputs,
                        segments: kh,
                        segment_step: line,
                        length: kw * self.outputs,
                    };
                    panels::multiply(rows, &weights, dx, self.channels, start);
                }
            }
        });
    }
}

/// A frame of zeros in which the places of an image stand.
#[derive(Clone, Copy)]
struct Frame {
    size: [usize; 2],
    /// Where the first place stands.
    at: [usize; 2],
    /// From one place to the next.
    step: [usize; 2],
    places: [usize; 2],
    channels: usize,
}

/// The memory of a frame, used for one image after another.
struct Framed {
    frame: Frame,
    data: Vec<f32>,
}

impl Framed {
    fn new(frame: Frame) -> Self {
        Framed { frame, data: Vec::new() }
    }

    /// Returns an image in its frame, and from where in it to where the next line begins.
    fn put<'a>(&'a mut self, image: &'a [f32]) -> (&'a [f32], usize) {
        let Frame { size, at, step, places, channels } = self.frame;
        let line = size[1] * channels;
        if size == places && step == [1, 1] {
            return (image, line);
        }
        self.data.resize(size[0] * line, 0.0);
        for (i, from) in image.chunks_exact((places[1] * channels).max(1)).enumerate() {
            let to = &mut self.data[(at[0] + i * step[0]) * line + at[1] * channels..];
            if step[1] == 1 {
                to[..from.len()].copy_from_slice(from);
            } else {
                for (j, from) in from.chunks_exact(channels).enumerate() {
                    to[j * step[1] * channels..][..channels].copy_from_slice(from);
                }
            }
        }
        (&self.data, line)
    }
}
