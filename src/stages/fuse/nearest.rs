//! How `fill(knn)` finds the rows that are near: the rows that it learned from, and their distances.

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Context};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::say;

/// Rows of the training part are compared in blocks that stay in the processor's cache, each with all rows that ask.
const BLOCK: usize = 64;

/// Keeps the training rows: what is filled with, and what tells how near a row is.
///
/// Fails with `E1022` where no training row has all columns.
pub(super) fn learn(context: &Context, columns: &[Column]) -> Result<State> {
    context.check()?;
    let Some((filled, others)) = columns.split_first() else { return Err(Error::bug("a fit was given no column")) };
    if filled.is_empty() {
        return Err(Error::new(
            "E1022",
            say!("no training row has a value and all columns of `by`", "没有训练行同时具有该值和 `by` 的所有列"),
        )
        .help(say!("`fill(zero)` needs no training rows", "`fill(zero)` 不需要训练行")));
    }
    let (width, numbers) = filled.values.as_vectors()?;
    let (near, widths) = side_by_side(&others.iter().map(|c| &c.values).collect::<Vec<_>>())?;
    Ok(State::new()
        .with("width", Array::U32(vec![width as u32]))
        .with("values", Array::F32(numbers.to_vec()))
        .with("widths", Array::U32(widths.iter().map(|&w| w as u32).collect()))
        .with("near", Array::F32(near)))
}

/// Returns columns as one row of numbers after the other, and how wide each is.
fn side_by_side(columns: &[&Values]) -> Result<(Vec<f32>, Vec<usize>)> {
    let vectors = columns.iter().map(|values| values.as_vectors()).collect::<Result<Vec<_>>>()?;
    let rows = columns.first().map_or(0, |values| values.len());
    let mut numbers = Vec::with_capacity(rows * vectors.iter().map(|(width, _)| width).sum::<usize>());
    for row in 0..rows {
        vectors.iter().for_each(|(width, all)| numbers.extend_from_slice(&all[row * width..(row + 1) * width]));
    }
    Ok((numbers, vectors.iter().map(|(width, _)| *width).collect()))
}

/// A row that asks, with the nearest rows so far, the nearest first.
struct Asking {
    row: usize,
    /// The places that tell: those of columns that are not missing.
    told: Vec<std::ops::Range<usize>>,
    nearest: Vec<(f64, u32)>,
}

/// Returns the vectors of the first input; of missing rows, the mean of the `k` nearest training rows.
///
/// The distance is Euclidean over the columns that the row has. A row that has none of them gets the mean of all training
/// rows. Of rows equally far, those with the smaller values come first: a row's place in the file never matters.
pub(super) fn fill(context: &Context, k: usize, state: &State, batch: &Batch) -> Result<Values> {
    let width = state.u32s("width")?.first().copied().unwrap_or(0) as usize;
    let values = state.f32s("values")?;
    let near = state.f32s("near")?;
    let others: Vec<&Values> = batch.inputs.iter().skip(1).map(|input| &input.values).collect();
    let (asked, widths) = side_by_side(&others)?;
    let (found, numbers) = batch.values(0)?.as_vectors()?;
    let stored: Vec<usize> = state.u32s("widths")?.iter().map(|&w| w as usize).collect();
    if found != width || widths != stored {
        return Err(Error::bug("stored rows are not as wide as their columns"));
    }
    let all: usize = widths.iter().sum();
    let is_missing = |input: usize, row: usize| batch.inputs[input].missing.as_ref().is_some_and(|m| m[row]);
    let asking = |row: usize| {
        let mut start = 0;
        let mut told = Vec::new();
        for (at, width) in widths.iter().enumerate() {
            if !is_missing(at + 1, row) {
                told.push(start..start + width);
            }
            start += width;
        }
        Asking { row, told, nearest: Vec::with_capacity(k.min(values.len()) + 1) }
    };
    let mut asking: Vec<Asking> = (0..batch.rows).filter(|&row| is_missing(0, row)).map(asking).collect();
    let value = |row: u32| &values[row as usize * width..(row as usize + 1) * width];
    let mut first = 0u32;
    for block in near.chunks(BLOCK * all.max(1)) {
        context.check()?;
        for ask in asking.iter_mut().filter(|ask| !ask.told.is_empty()) {
            let own = &asked[ask.row * all..(ask.row + 1) * all];
            for (row, other) in (first..).zip(block.chunks_exact(all.max(1))) {
                let far = ask.told.iter().map(|told| distance(&own[told.clone()], &other[told.clone()])).sum();
                take(&mut ask.nearest, k, (far, row), |a, b| smaller(value(a), value(b)));
            }
        }
        first += BLOCK as u32;
    }
    let mut out = numbers.to_vec();
    let mut sums = vec![0f64; width];
    for ask in &asking {
        let whole: Vec<(f64, u32)>;
        let nearest = if ask.told.is_empty() {
            whole = (0..(values.len() / width.max(1)) as u32).map(|row| (0.0, row)).collect();
            &whole
        } else {
            &ask.nearest
        };
        sums.fill(0.0);
        for (_, row) in nearest {
            sums.iter_mut().zip(value(*row)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let count = nearest.len().max(1) as f64;
        out[ask.row * width..(ask.row + 1) * width]
            .iter_mut()
            .zip(&sums)
            .for_each(|(out, sum)| *out = (sum / count) as f32);
    }
    Ok(Values::vector(width, out))
}

/// Returns the squared distance, summed in four turns that are joined in a fixed order.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f64; 4];
    let (left, right) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    for (a, b) in left.0.iter().zip(right.0) {
        for turn in 0..4 {
            let difference = f64::from(a[turn]) - f64::from(b[turn]);
            sums[turn] += difference * difference;
        }
    }
    for (turn, (a, b)) in left.1.iter().zip(right.1).enumerate() {
        let difference = f64::from(*a) - f64::from(*b);
        sums[turn] += difference * difference;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

fn smaller(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).is_some_and(std::cmp::Ordering::is_lt)
}

/// Takes a row in where it is among the `k` nearest.
fn take(nearest: &mut Vec<(f64, u32)>, k: usize, new: (f64, u32), smaller: impl Fn(u32, u32) -> bool) {
    let before = |a: (f64, u32), b: (f64, u32)| a.0 < b.0 || (a.0 == b.0 && smaller(a.1, b.1));
    if nearest.len() == k && !nearest.last().is_some_and(|&last| before(new, last)) {
        return;
    }
    let at = nearest.partition_point(|&known| !before(new, known));
    nearest.insert(at, new);
    nearest.truncate(k);
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::{Input, Quiet};
    use mmf_data::table::Rows;

    use super::*;

    fn context() -> Context<'static> {
        Context { seed: 1, base: Path::new("."), host: &Quiet }
    }

    /// Cuts rows into the filled column and two that tell.
    fn inputs(rows: &[Vec<Option<f32>>]) -> Vec<Input> {
        let cut = |places: std::ops::Range<usize>| {
            let numbers = rows.iter().flat_map(|row| &row[places.clone()]).map(|x| x.unwrap_or(1e9)).collect();
            let missing = rows.iter().map(|row| row[places.start].is_none()).collect();
            Input { values: Values::vector(places.len(), numbers), missing: Some(Arc::new(missing)) }
        };
        [0..3, 3..5, 5..7].map(cut).to_vec()
    }

    fn stored() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tables/neighbours.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn learned(rows: &[Vec<Option<f32>>]) -> State {
        let column = |input: Input| Column::new(Rows::all(rows.len()), input.values);
        learn(&context(), &inputs(rows).into_iter().map(column).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn filled_rows_are_scikit_learns() {
        let stored = stored();
        let read = |name: &str| serde_json::from_value::<Vec<Vec<Option<f32>>>>(stored[name].clone()).unwrap();
        let state = learned(&read("training"));
        let given = read("given");
        for call in stored["calls"].as_array().unwrap() {
            let k = call["k"].as_u64().unwrap() as usize;
            let batch = Batch { rows: given.len(), inputs: inputs(&given) };
            let (width, found) = fill(&context(), k, &state, &batch).unwrap().as_vectors().unwrap();
            let expected: Vec<Vec<f64>> = serde_json::from_value(call["filled"].clone()).unwrap();
            assert_eq!((width, found.len()), (3, 3 * expected.len()));
            for (found, expected) in found.iter().zip(expected.concat()) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{k}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn neither_the_order_of_rows_nor_the_batch_matters() {
        let stored = stored();
        let read = |name: &str| serde_json::from_value::<Vec<Vec<Option<f32>>>>(stored[name].clone()).unwrap();
        // Blunt numbers, so that many rows are equally far.
        let blunt = |rows: Vec<Vec<Option<f32>>>| -> Vec<Vec<Option<f32>>> {
            let round = |(at, x): (usize, Option<f32>)| if at < 3 { x } else { x.map(|x| (x / 4.0).round()) };
            rows.into_iter().map(|row| row.into_iter().enumerate().map(round).collect()).collect()
        };
        let (training, given) = (blunt(read("training")), blunt(read("given")));
        let turned: Vec<_> = training.iter().rev().cloned().collect();
        let whole = |state: &State, rows: &[Vec<Option<f32>>]| {
            fill(&context(), 5, state, &Batch { rows: rows.len(), inputs: inputs(rows) })
                .unwrap()
                .as_vectors()
                .unwrap()
                .1
        };
        let told: Vec<_> = given[..8].to_vec();
        let at_once = whole(&learned(&training), &told);
        assert_eq!(at_once, whole(&learned(&turned), &told));
        for (at, row) in told.iter().enumerate() {
            assert_eq!(whole(&learned(&training), std::slice::from_ref(row))[..], at_once[at * 3..at * 3 + 3]);
        }
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let none = Column::new(Rows::all(0), Values::vector(1, vec![]));
        assert_eq!(learn(&context(), &[none.clone(), none]).unwrap_err().code, "E1022");
    }
}
