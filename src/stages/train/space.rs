//! The space in which a trained network sees its rows, for a picture of it: what enters the last layer of weights, or the items'
//! side of an inner product.

use mmf_data::arrays::Array;
use mmf_data::error::Result;
use mmf_data::plan::Edge;
use mmf_data::stage::Predictions;
use mmf_tensor::{Parameters, Session};
use rayon::prelude::*;

use super::network::{AT_ONCE, Circuit, TaskRows};

/// Rows that are kept.
const ROWS: usize = 1000;
/// Numbers that are kept: of wide spaces, fewer rows.
const NUMBERS: usize = 1 << 20;

/// Returns places among `count` rows, spread evenly, as many as are kept.
pub(crate) fn spread(count: usize, width: usize) -> Vec<usize> {
    let most = ROWS.min(NUMBERS / width.max(1)).max(1);
    if count <= most { (0..count).collect() } else { (0..most).map(|i| i * count / most).collect() }
}

/// Puts vectors. Spaces of one number, and such that hold numbers that are not finite, are left out.
fn put(into: &mut Predictions, units: Vec<u32>, width: usize, numbers: Vec<f32>) {
    if width < 2 || units.is_empty() || numbers.iter().any(|x| !x.is_finite()) {
        return;
    }
    into.put("space.units", Array::U32(units));
    into.put("space.width", Array::I64(vec![width as i64]));
    into.put("space.values", Array::F32(numbers));
}

/// Reads a value at some of the units, and puts it.
fn keep(
    units: &[u32],
    predictions: &mut Predictions,
    read: impl Fn(&[u32]) -> Result<(usize, Vec<f32>)> + Sync,
) -> Result<()> {
    let Some(first) = units.first() else { return Ok(()) };
    let width = read(&[*first])?.0;
    let kept: Vec<u32> = spread(units.len(), width).into_iter().map(|place| units[place]).collect();
    let blocks: Vec<Result<(usize, Vec<f32>)>> = kept.par_chunks(AT_ONCE).map(&read).collect();
    let mut numbers = Vec::with_capacity(kept.len() * width);
    for block in blocks {
        numbers.extend(block?.1);
    }
    put(predictions, kept, width, numbers);
    Ok(())
}

/// Puts what some of the candidates are in the score's inner product, and how often each is in the training rows. `user` is any, for
/// no user has a part in it.
pub(crate) fn of_items(
    circuit: &Circuit<'_>,
    score: &Edge,
    parameters: &Parameters,
    (candidates, user): (&[u32], u32),
    training: &[u32],
    predictions: &mut Predictions,
) -> Result<()> {
    let Some(side) = circuit.met(score) else { return Ok(()) };
    keep(candidates, predictions, |items| {
        let users = vec![user; items.len()];
        let mut session = Session::reading(parameters);
        let pass = circuit.forward(&mut session, TaskRows::Pairs { users: &users, items, met: &[] }, &[side])?;
        Ok((pass.values[0].width(), session.values(&pass.values[0])?.to_vec()))
    })?;
    if let Ok(units) = predictions.u32s("space.units") {
        let mut counts = std::collections::BTreeMap::new();
        training.iter().for_each(|item| *counts.entry(item).or_insert(0u32) += 1);
        let counts = units.iter().map(|item| counts.get(item).copied().unwrap_or(0)).collect();
        predictions.put("space.counts", Array::U32(counts));
    }
    Ok(())
}

/// What enters the last layer before an output, at some of the rows that are predicted.
#[derive(Default)]
pub(crate) struct Space {
    width: usize,
    /// Places among the rows, ascending: those that are kept.
    places: Vec<usize>,
    numbers: Vec<f32>,
    /// Rows that were seen.
    seen: usize,
}

impl Space {
    /// Takes what is kept of the next rows, of `count` in all.
    pub(crate) fn take(&mut self, count: usize, width: usize, rows: &[f32]) {
        if width == 0 {
            return;
        }
        if self.seen == 0 {
            *self = Space { width, places: spread(count, width), ..Space::default() };
        }
        let end = self.seen + rows.len() / width;
        let taken = self.numbers.len() / width;
        for place in self.places[taken..].iter().take_while(|place| **place < end) {
            self.numbers.extend_from_slice(&rows[(place - self.seen) * width..][..width]);
        }
        self.seen = end;
    }

    /// Puts what was kept beside the predictions of the same rows.
    pub(crate) fn put(self, into: &mut Predictions) -> Result<()> {
        let units = into.u32s("units")?;
        let kept = self.places.iter().map(|&place| units[place]).collect();
        put(into, kept, self.width, self.numbers);
        Ok(())
    }
}
