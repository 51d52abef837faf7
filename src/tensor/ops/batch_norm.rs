//! `batch_norm` (Ioffe, Szegedy 2015): `h = (x − mean) / √(variance + ε)`, `y = h·g + c`, for each number of the last axis.
//!
//! Mean and variance are those of the whole batch: a network that has this operation is given its batches uncut, and the work within is
//! shared by threads in parts that the size alone decides. Outside training they are the running ones, which follow each step's: the
//! mean, and the variance with n − 1 below, as in PyTorch.
//!
//! Back, over the n places of a channel: `dx = g / √(variance + ε)·(d − Σd / n − h·Σ(d·h) / n)`, `dg = Σ d·h`, `dc = Σ d`.

use crate::gradients::Moved;
use crate::kernels::parts;
use crate::ops::{misfit, sized};
use crate::parameters::Kind;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Parameter, Var};
use std::ops::Range;

/// Numbers that are worth a part.
const PART: usize = 1 << 18;

/// Places whose sums are kept in 32 bits before they are added up in 64.
const BLOCK: usize = 64;

/// Which numbers count: all, or the first ones of each row.
struct Counted {
    rows: usize,
    /// Numbers of a row, and how many of them count.
    width: usize,
    own: Option<Vec<usize>>,
    channels: usize,
}

pub(crate) fn batch_norm(
    session: &mut Session,
    (epsilon, momentum): (f32, f32),
    x: &Var,
    [g, c, mean, variance]: [Parameter; 4],
) -> Result<Var> {
    let Some(&channels) = x.dims.last() else {
        return Err(misfit("batch_norm", "its input has no width", "输入没有宽度"));
    };
    let (g, c) = (sized(session, "batch_norm", g, 1, channels)?, sized(session, "batch_norm", c, 1, channels)?);
    let running = [stated(session, mean, channels)?, stated(session, variance, channels)?];
    let node = session.node(x)?;
    let (grad, value) = (node.grad, node.value.clone());
    let steps = x.dims.first().copied().unwrap_or(1).max(1);
    let own = node.lengths.as_ref().map(|lengths| lengths.iter().map(|&l| l as usize * (x.width() / steps)).collect());
    let counted = Counted { rows: x.rows, width: x.width(), own, channels };
    let count = counted.places();

    let [mut center, mut spread] = running;
    let training = session.training();
    if training && count > 0 {
        let numbers = read(&value);
        center = counted
            .sums(|range, sums| add_rows(&numbers[range], sums))
            .iter()
            .map(|s| (s / count as f64) as f32)
            .collect();
        let squares = counted.sums(|range, sums| add_squares(&numbers[range], &center, sums));
        spread = squares.iter().map(|s| (s / count as f64) as f32).collect();
        let less = (count.max(2) - 1) as f64;
        let seen = squares.iter().map(|s| (s / less) as f32).collect();
        session.observe(Moved { state: mean, seen: center.clone(), share: momentum });
        session.observe(Moved { state: variance, seen, share: momentum });
    }
    let scale: Vec<f32> = spread.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
    let factor: Vec<f32> = scale.iter().zip(read(&g.value)).map(|(s, g)| s * g).collect();
    let mut y = vec![0.0; x.rows * x.width()];
    counted.each(&mut y, |range, y| normal(&read(&value)[range], &center, &factor, read(&c.value), y));
    let out = session.put(y, x.rows, x.dims.clone(), true)?;
    if session.records(true) {
        let id = x.id;
        session.record(&out, move |back, mut gradient| {
            let numbers = read(&value);
            let sums = counted.sums(|range, sums| add_rows(&gradient[range], sums));
            let along =
                counted.sums(|range, sums| add_products(&gradient[range.clone()], &numbers[range], &center, sums));
            let along: Vec<f32> = along.iter().zip(&scale).map(|(sum, scale)| *sum as f32 * scale).collect();
            let sums: Vec<f32> = sums.iter().map(|&sum| sum as f32).collect();
            for (weight, own) in [(&g, &along), (&c, &sums)] {
                back.weight(weight, |to, accumulate| {
                    for (to, own) in to.iter_mut().zip(own) {
                        *to = if accumulate { *to + own } else { *own };
                    }
                })?;
            }
            if grad {
                let n = count.max(1) as f32;
                let mean: Vec<f32> = sums.iter().map(|sum| sum / n).collect();
                counted.clear(&mut gradient);
                let slope: Vec<f32> = along.iter().zip(&scale).map(|(sum, scale)| sum / n * scale).collect();
                counted.each(&mut gradient, |range, d| backward(d, &numbers[range], &center, &factor, (&mean, &slope)));
                back.give(id, gradient);
            }
            Ok(())
        });
    }
    Ok(out)
}

/// Returns the numbers of a state, one a channel.
fn stated(session: &Session, state: Parameter, channels: usize) -> Result<Vec<f32>> {
    let entry = session.parameters().entry(state)?;
    let numbers = read(&entry.value);
    if entry.kind != Kind::State {
        return Err(Error::bug("`batch_norm` is given a weight as a state"));
    }
    if numbers.len() != channels {
        let has = numbers.len();
        return Err(misfit(
            "batch_norm",
            &format!("its statistics are of {has} channels, not {channels}"),
            &format!("统计量有 {has} 个通道，应为 {channels} 个"),
        ));
    }
    Ok(numbers.to_vec())
}

impl Counted {
    /// Returns how many places each channel has.
    fn places(&self) -> usize {
        let channels = self.channels.max(1);
        self.own.as_ref().map_or(self.rows * self.width, |own| own.iter().sum()) / channels
    }

    /// Returns runs of numbers that count, in parts of the rows.
    fn runs(&self, part: &Range<usize>) -> Vec<Range<usize>> {
        match &self.own {
            None => std::iter::once(part.start * self.width..part.end * self.width).collect(),
            Some(own) => part.clone().map(|row| row * self.width..row * self.width + own[row]).collect(),
        }
    }

    fn parts(&self) -> Vec<Range<usize>> {
        parts::parts(self.rows, PART / self.width.max(1))
    }

    /// Returns sums over all places: `add` adds those of a run of at most [`BLOCK`] of them to its second argument.
    fn sums(&self, add: impl Fn(Range<usize>, &mut [f32]) + Sync) -> Vec<f64> {
        let found = parts::each(self.parts(), |part| {
            let mut sums = vec![0.0f64; self.channels];
            let mut block = vec![0.0f32; self.channels];
            for run in self.runs(&part) {
                for start in run.clone().step_by((BLOCK * self.channels).max(1)) {
                    block.fill(0.0);
                    add(start..run.end.min(start + BLOCK * self.channels), &mut block);
                    sums.iter_mut().zip(&block).for_each(|(sum, block)| *sum += f64::from(*block));
                }
            }
            sums
        });
        let mut sums = vec![0.0; self.channels];
        for own in found {
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        sums
    }

    /// Writes zeros where numbers do not count.
    fn clear(&self, buffer: &mut [f32]) {
        for (row, &own) in self.own.iter().flatten().enumerate() {
            buffer[row * self.width + own..(row + 1) * self.width].fill(0.0);
        }
    }

    /// Treats all runs of a buffer.
    fn each(&self, buffer: &mut [f32], run: impl Fn(Range<usize>, &mut [f32]) + Sync) {
        let parts = self.parts();
        let work = parts.iter().cloned().zip(parts::split(buffer, &parts, self.width)).collect();
        parts::each(work, |(part, buffer): (Range<usize>, &mut [f32])| {
            let first = part.start * self.width;
            for own in self.runs(&part) {
                let to = &mut buffer[own.start - first..own.end - first];
                run(own, to);
            }
        });
    }
}

wide! {
    fn add_rows(x: &[f32], sums: &mut [f32]) {
        for x in x.chunks_exact(sums.len().max(1)) {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += *x;
            }
        }
    }
}

wide! {
    fn add_squares(x: &[f32], center: &[f32], sums: &mut [f32]) {
        for x in x.chunks_exact(sums.len().max(1)) {
            for ((sum, x), center) in sums.iter_mut().zip(x).zip(center) {
                let d = *x - *center;
                *sum += d * d;
            }
        }
    }
}

wide! {
    fn add_products(d: &[f32], x: &[f32], center: &[f32], sums: &mut [f32]) {
        for (d, x) in d.chunks_exact(sums.len().max(1)).zip(x.chunks_exact(sums.len().max(1))) {
            for (((sum, d), x), center) in sums.iter_mut().zip(d).zip(x).zip(center) {
                *sum += *d * (*x - *center);
            }
        }
    }
}

wide! {
    fn normal(x: &[f32], center: &[f32], factor: &[f32], offset: &[f32], y: &mut [f32]) {
        let n = center.len().max(1);
        for (y, x) in y.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
            for ((((y, x), center), factor), offset) in y.iter_mut().zip(x).zip(center).zip(factor).zip(offset) {
                *y = (*x - *center) * *factor + *offset;
            }
        }
    }
}

wide! {
    /// Turns the gradient of `y` into that of `x`.
    fn backward(d: &mut [f32], x: &[f32], center: &[f32], factor: &[f32], along: (&[f32], &[f32])) {
        let (mean, slope) = along;
        let n = center.len().max(1);
        for (d, x) in d.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
            for j in 0..n {
                d[j] = factor[j] * (d[j] - mean[j] - (x[j] - center[j]) * slope[j]);
            }
        }
    }
}
