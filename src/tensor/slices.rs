//! A batch cut into slices by its size alone, computed side by side, added in their order.
//!
//! Each slice has a tape of its own, built and spent by one thread; weights are shared and only read. The sums never depend on the
//! number of threads, since neither the cuts nor the order of the additions do.

use crate::gradients::Gradients;
use crate::kernels::{elementwise, parts};
use crate::losses::Loss;
use crate::parameters::Parameters;
use crate::session::{Moment, Session};
use crate::value::{Dense, device_error};
use mmf_data::error::{Error, Result};
use mmf_lang::say;
use rayon::prelude::*;
use std::ops::Range;

/// The least number of rows that is worth a slice. Two slices of 128 rows cost about a tenth more than one of 256, and halve the time
/// on two threads.
pub const SLICE_ROWS: usize = 128;

/// The most slices of a batch: each has gradients of its own in memory.
pub const SLICES_AT_MOST: usize = 8;

/// Numbers that one thread adds at a time.
const BLOCK: usize = 16 * 1024;

/// Returns the slices of a batch of `rows` rows: `rows / 128` of them, at least one and at most eight, as equal as can be.
pub fn cut(rows: usize) -> Vec<Range<usize>> {
    let count = (rows / SLICE_ROWS).clamp(1, SLICES_AT_MOST);
    (0..count).map(|i| rows * i / count..rows * (i + 1) / count).collect()
}

/// Runs steps of training, and keeps the memory of their gradients from one to the next.
#[derive(Default)]
pub struct Slices {
    spaces: Vec<Gradients>,
    whole: bool,
}

/// What a step has found.
pub struct Step<'a> {
    /// The weighted mean over all rows of the batch.
    pub loss: f64,
    /// The sum of the rows' weights.
    pub weight: f64,
    /// The gradients of the mean.
    pub gradients: &'a mut Gradients,
}

impl Slices {
    pub fn new() -> Self {
        keep_pages();
        Slices::default()
    }

    /// Has each batch computed as one slice: for networks that do the same work for any rows, as along all edges of a graph.
    pub fn whole(mut self, whole: bool) -> Self {
        self.whole |= whole;
        self
    }

    /// Computes the loss and the gradients of a batch of `rows` rows, on the present rayon pool.
    ///
    /// A network that normalises by statistics of the batch is given the whole batch as one slice; long operations share their work
    /// among threads by themselves.
    ///
    /// `pass` is given a session and the range of its rows within the batch. A loss that is not finite is an error (`E1030`); of
    /// several failures the first slice's is returned.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        (seed, step): (u64, u64),
        rows: usize,
        pass: impl Fn(&mut Session<'_>, Range<usize>) -> Result<Loss> + Sync,
    ) -> Result<Step<'_>> {
        let ranges = if self.whole || parameters.whole_batches() { parts::parts(rows, rows.max(1)) } else { cut(rows) };
        if self.spaces.len() < ranges.len() {
            self.spaces.resize_with(ranges.len(), Gradients::default);
        }
        let alone = ranges.len() == 1;
        let run = |(slice, (space, range)): (usize, (&mut Gradients, Range<usize>))| -> Result<(f64, f64)> {
            let moment = Moment { seed, step, slice: slice as u64 };
            let mut session = Session::training_in(parameters, moment, std::mem::take(space));
            let loss = pass(&mut session, range)?;
            let sum = f64::from(session.sum_of(&loss)?);
            if !sum.is_finite() {
                return Err(not_finite(step));
            }
            // A single slice knows the mean's divisor already; several learn it when all are done.
            let factor = if alone { reciprocal(loss.weight) } else { 1.0 };
            *space = session.backward(&loss, factor)?;
            Ok((sum, loss.weight))
        };
        let work = self.spaces[..ranges.len()].iter_mut().zip(ranges.clone()).enumerate();
        // A single slice is run on the pool too, where its long operations find threads without waking one at each.
        let found: Vec<Result<(f64, f64)>> = work.collect::<Vec<_>>().into_par_iter().map(run).collect();

        let (mut sum, mut weight) = (0.0, 0.0);
        for part in found {
            let part = part?;
            sum += part.0;
            weight += part.1;
        }
        if !alone {
            merge(&mut self.spaces[..ranges.len()], parameters, reciprocal(weight))?;
        }
        let loss = if weight > 0.0 { sum / weight } else { 0.0 };
        let Some(gradients) = self.spaces.first_mut() else { return Err(Error::bug("a batch has no slice")) };
        Ok(Step { loss, weight, gradients })
    }
}

/// Lets the allocator keep the pages of large buffers from one step to the next.
///
/// glibc gives blocks above a threshold back to the system when they are freed, and the next step waits for their pages to be cleared
/// again, a tenth to a fifth of its time. The threshold follows the largest block that was freed, up to 32 MiB: this is one, and no
/// page of it is ever touched. Other allocators see a block that comes and goes.
fn keep_pages() {
    const LARGEST: usize = 31 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGEST)));
}

/// Reads a network over a batch, a slice a session, and returns what `pass` returns, in the order of the slices.
pub fn read<T: Send>(
    parameters: &Parameters,
    rows: usize,
    pass: impl Fn(&mut Session<'_>, Range<usize>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let run = |range| pass(&mut Session::reading(parameters), range);
    let found: Vec<Result<T>> = cut(rows).into_par_iter().map(run).collect();
    found.into_iter().collect()
}

fn reciprocal(weight: f64) -> f32 {
    if weight > 0.0 { (1.0 / weight) as f32 } else { 0.0 }
}

fn not_finite(step: u64) -> Error {
    Error::new(
        "E1030",
        say!("the loss stopped being a finite number at step {step}", "损失在第 {step} 步不再是有限的数"),
    )
    .help(say!(
        "a lower learning rate often mends this; look for very large inputs too",
        "降低学习率通常可以解决；也请检查输入中是否有非常大的值"
    ))
}

/// Adds the gradients of all spaces to the first one's, times `factor`.
fn merge(spaces: &mut [Gradients], parameters: &Parameters, factor: f32) -> Result<()> {
    let Some((first, rest)) = spaces.split_first_mut() else { return Ok(()) };
    first.scale = factor;
    for space in rest.iter_mut() {
        for (to, from) in first.sparse.iter_mut().zip(&mut space.sparse) {
            to.append(from);
        }
    }
    let mut sums = Vec::new();
    for (i, entry) in parameters.entries.iter().enumerate() {
        let written = |space: &Gradients| space.written.get(i).copied().unwrap_or(false);
        if !written(first) && !rest.iter().any(written) {
            continue;
        }
        let take = |dense: &mut Dense| -> Result<Vec<f32>> {
            Ok(std::mem::take(&mut **dense.get_or_alloc_mut(&entry.value).map_err(device_error)?))
        };
        let mut to = take(&mut first.dense)?;
        if !first.written[i] {
            to.fill(0.0);
            first.written[i] = true;
        }
        let mut from = Vec::new();
        for (number, space) in rest.iter_mut().enumerate() {
            if space.written[i] {
                from.push((number, take(&mut space.dense)?));
            }
        }
        sums.push((i, to, from));
    }
    sums.par_iter_mut().for_each(|(_, to, from)| {
        to.par_chunks_mut(BLOCK).enumerate().for_each(|(block, to)| {
            let place = block * BLOCK..block * BLOCK + to.len();
            let Some(((_, last), before)) = from.split_last() else { return elementwise::scale(to, factor) };
            for (_, from) in before {
                elementwise::add(to, &from[place.clone()]);
            }
            elementwise::add_and_scale(to, &last[place], factor);
        });
    });
    for (i, to, from) in sums {
        let value = &parameters.entries[i].value;
        **first.dense.get_or_alloc_mut(value).map_err(device_error)? = to;
        for (number, buffer) in from {
            **rest[number].dense.get_or_alloc_mut(value).map_err(device_error)? = buffer;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_the_batch_in_order() {
        for rows in [0, 1, 127, 128, 255, 256, 1000, 1024, 5000] {
            let ranges = cut(rows);
            assert_eq!(ranges.first().map(|r| r.start), Some(0));
            assert_eq!(ranges.last().map(|r| r.end), Some(rows));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(ranges.len() <= SLICES_AT_MOST);
        }
        assert_eq!(cut(256).len(), 2);
        assert_eq!(cut(255).len(), 1);
        assert_eq!(cut(1024).len(), 8);
    }
}
