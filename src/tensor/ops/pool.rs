//! `max_pool`, `avg_pool`: the greatest or the mean of a window over a map, channel by channel.
//!
//! Back: the greatest (of equals the first) takes all of the gradient; of a mean each place takes its share.

use crate::kernels::parts;
use crate::ops::conv::places;
use crate::ops::{map_of, misfit};
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Var, Window};
use std::ops::Range;

/// Images that are worth a part.
const IMAGES: usize = 8;

#[derive(Clone, Copy)]
struct Sizes {
    window: Window,
    height: usize,
    width: usize,
    channels: usize,
    down: usize,
    across: usize,
}

/// Returns the greatest of each window; what is not a number is greater than all.
pub(crate) fn greatest(session: &mut Session, window: Window, x: &Var) -> Result<Var> {
    let sizes = Sizes::of("max_pool", window, x)?;
    if window.kernel[0] * window.kernel[1] > usize::from(u16::MAX) {
        let [kh, kw] = window.kernel;
        return Err(misfit(
            "max_pool",
            &format!("a window of {kh}×{kw} is too large"),
            &format!("窗口 {kh}×{kw} 过大"),
        ));
    }
    let node = session.node(x)?;
    let grad = node.grad;
    let (own, other) = (sizes.inputs(), sizes.outputs());
    let records = session.records(grad);
    let value = read(&session.node(x)?.value);
    let mut y = vec![0.0; x.rows * other];
    let parts = parts::parts(x.rows, IMAGES);
    let work = parts.iter().cloned().zip(parts::split(&mut y, &parts, other)).collect();
    let chosen: Vec<Vec<u16>> = parts::each(work, |(part, y)| {
        let mut chosen = vec![0; y.len()];
        let images = value[part.start * own..part.end * own].chunks_exact(own.max(1));
        let outputs = y.chunks_exact_mut(other.max(1)).zip(chosen.chunks_exact_mut(other.max(1)));
        for (x, (y, chosen)) in images.zip(outputs) {
            sizes.greatest(x, y, chosen);
        }
        if records { chosen } else { Vec::new() }
    });
    let out = session.put(y, x.rows, vec![sizes.down, sizes.across, sizes.channels], grad)?;
    if records {
        let (id, rows) = (x.id, x.rows);
        session.record(&out, move |back, gradient| {
            back.fill(id, rows * own, |dx, accumulate| {
                let work = parts.iter().cloned().zip(&chosen).zip(parts::split(dx, &parts, own)).collect();
                parts::each(work, |((part, chosen), dx)| {
                    let gradient = &gradient[part.start * other..part.end * other];
                    let outputs = gradient.chunks_exact(other.max(1)).zip(chosen.chunks_exact(other.max(1)));
                    for (dx, (g, chosen)) in dx.chunks_exact_mut(own.max(1)).zip(outputs) {
                        if !accumulate && !sizes.covers() {
                            dx.fill(0.0);
                        }
                        sizes.greatest_back(dx, g, chosen, accumulate || !sizes.covers());
                    }
                });
            });
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

/// Returns the mean of each window; padding counts as zeros.
pub(crate) fn average(session: &mut Session, window: Window, x: &Var) -> Result<Var> {
    let sizes = Sizes::of("avg_pool", window, x)?;
    let node = session.node(x)?;
    let (grad, value) = (node.grad, read(&node.value));
    let (own, other) = (sizes.inputs(), sizes.outputs());
    let mut y = vec![0.0; x.rows * other];
    let parts = parts::parts(x.rows, IMAGES);
    let work = parts.iter().cloned().zip(parts::split(&mut y, &parts, other)).collect();
    parts::each(work, |(part, y): (Range<usize>, &mut [f32])| {
        let images = value[part.start * own..part.end * own].chunks_exact(own.max(1));
        for (x, y) in images.zip(y.chunks_exact_mut(other.max(1))) {
            sizes.average(x, y);
        }
    });
    let out = session.put(y, x.rows, vec![sizes.down, sizes.across, sizes.channels], grad)?;
    if session.records(grad) {
        let (id, rows) = (x.id, x.rows);
        session.record(&out, move |back, gradient| {
            back.fill(id, rows * own, |dx, accumulate| {
                if !accumulate {
                    dx.fill(0.0);
                }
                let work = parts.iter().cloned().zip(parts::split(dx, &parts, own)).collect();
                parts::each(work, |(part, dx): (Range<usize>, &mut [f32])| {
                    let gradient = gradient[part.start * other..part.end * other].chunks_exact(other.max(1));
                    for (dx, g) in dx.chunks_exact_mut(own.max(1)).zip(gradient) {
                        sizes.average_back(dx, g);
                    }
                });
            });
            back.spare(gradient);
            Ok(())
        });
    }
    Ok(out)
}

impl Sizes {
    fn of(op: &str, window: Window, x: &Var) -> Result<Self> {
        let [height, width, channels] = map_of(op, x)?;
        let [down, across] = places(op, window, [height, width])?;
        Ok(Sizes { window, height, width, channels, down, across })
    }

    fn inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    fn outputs(self) -> usize {
        self.down * self.across * self.channels
    }

    /// Tells whether the windows lie side by side and cover all of the map.
    fn covers(self) -> bool {
        let Window { kernel, stride, padding } = self.window;
        let size = [self.height, self.width];
        kernel == stride && padding == [0, 0] && size[0].is_multiple_of(kernel[0]) && size[1].is_multiple_of(kernel[1])
    }

    /// Calls `run` for each place of each window that is no padding: where the window's result begins, where the place's numbers do,
    /// which place of the window it is, and whether it is the first of them.
    #[inline(always)]
    fn walk(self, mut run: impl FnMut(usize, usize, usize, bool)) {
        let Window { kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw] } = self.window;
        for i in 0..self.down {
            for j in 0..self.across {
                let to = (i * self.across + j) * self.channels;
                let mut first = true;
                for u in (ph.saturating_sub(i * sh))..kh.min((self.height + ph).saturating_sub(i * sh)) {
                    for v in (pw.saturating_sub(j * sw))..kw.min((self.width + pw).saturating_sub(j * sw)) {
                        let from = ((i * sh + u - ph) * self.width + j * sw + v - pw) * self.channels;
                        run(to, from, u * kw + v, first);
                        first = false;
                    }
                }
            }
        }
    }

    fn greatest(self, x: &[f32], y: &mut [f32], chosen: &mut [u16]) {
        greatest_of(self, x, y, chosen);
    }

    fn greatest_back(self, dx: &mut [f32], g: &[f32], chosen: &[u16], accumulate: bool) {
        greatest_back(self, dx, g, chosen, accumulate);
    }

    fn average(self, x: &[f32], y: &mut [f32]) {
        average_of(self, x, y);
    }

    fn average_back(self, dx: &mut [f32], g: &[f32]) {
        average_back(self, dx, g);
    }
}

wide! {
    fn greatest_of(sizes: Sizes, x: &[f32], y: &mut [f32], chosen: &mut [u16]) {
        let n = sizes.channels;
        sizes.walk(|to, from, place, first| {
            let (y, chosen, x) = (&mut y[to..to + n], &mut chosen[to..to + n], &x[from..from + n]);
            if first {
                y.copy_from_slice(x);
                chosen.fill(place as u16);
            } else {
                for ((y, chosen), x) in y.iter_mut().zip(chosen).zip(x) {
                    let greater = (*x > *y) | x.is_nan();
                    *y = if greater { *x } else { *y };
                    *chosen = if greater { place as u16 } else { *chosen };
                }
            }
        });
    }
}

wide! {
    fn greatest_back(sizes: Sizes, dx: &mut [f32], g: &[f32], chosen: &[u16], accumulate: bool) {
        let n = sizes.channels;
        sizes.walk(|to, from, place, _| {
            let (g, chosen, dx) = (&g[to..to + n], &chosen[to..to + n], &mut dx[from..from + n]);
            for ((dx, g), chosen) in dx.iter_mut().zip(g).zip(chosen) {
                let own = if *chosen == place as u16 { *g } else { 0.0 };
                *dx = if accumulate { *dx + own } else { own };
            }
        });
    }
}

wide! {
    fn average_of(sizes: Sizes, x: &[f32], y: &mut [f32]) {
        let n = sizes.channels;
        let share = 1.0 / (sizes.window.kernel[0] * sizes.window.kernel[1]) as f32;
        sizes.walk(|to, from, _, _| {
            for (y, x) in y[to..to + n].iter_mut().zip(&x[from..from + n]) {
                *y += *x;
            }
        });
        for y in y.iter_mut() {
            *y *= share;
        }
    }
}

wide! {
    fn average_back(sizes: Sizes, dx: &mut [f32], g: &[f32]) {
        let n = sizes.channels;
        let share = 1.0 / (sizes.window.kernel[0] * sizes.window.kernel[1]) as f32;
        sizes.walk(|to, from, _, _| {
            for (dx, g) in dx[from..from + n].iter_mut().zip(&g[to..to + n]) {
                *dx += *g * share;
            }
        });
    }
}
