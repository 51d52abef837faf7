//! A column whose values say nothing of their rows.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, Type};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) struct Muted;

pub(crate) const HOW: Arg<String> = Arg::words("how", &["zero", "noise", "shuffle"]).doc(
    "`zero`: zeros; `noise`: drawn from a normal distribution with the mean and deviation that each number has over all rows; \
     `shuffle`: each row has the value of another.",
);
pub(crate) const DRAW: Arg<usize> = Arg::int("draw")
    .default(Literal::Int(0))
    .range(0.0, 1e6)
    .doc("Another number draws other noise, or another order.");

static SIGNATURE: Signature = Signature::new(
    Group::Experiment,
    "muted",
    &["col<d, vector[n]?> -> col<d, vector[n]>", "col<d, sequence[t, n]?> -> col<d, sequence[t, n]>"],
)
.args(&[HOW.spec(), DRAW.spec()])
.infer(same)
.doc(
    "As wide as the column, and saying nothing: what a train is worth with it in the column's place is what it is worth without the \
     column, at the same count of weights. Missing rows stay missing. `ablate` puts it in by itself.",
)
.examples(&[
    Example::new("Zeros.", "[[1, 2], _, [3, 4]] |> muted(zero)", "[[0, 0], _, [0, 0]]"),
    Example::new("Steps of zeros.", "sequence([[[1], [2]], [[3]]]) |> muted(zero) |> mean", "[[0], [0]]"),
]);

fn same(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let elem = column.elem.as_vector().map_or(column.elem.clone(), Elem::Vector);
    Some(Type::Column(ColumnType { elem, ..column }))
}

impl Stage for Muted {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Whole(run)
    }
}

fn run(context: &Context<'_>, args: &Args, column: &Column) -> Result<Column> {
    context.check()?;
    let mut random = ChaCha8Rng::seed_from_u64(context.seed);
    random.set_stream(args.get(DRAW) as u64);
    let how = args.get(HOW);
    let there: Vec<usize> = (0..column.len()).filter(|&at| !column.is_missing(at)).collect();
    let values = if how == "shuffle" {
        let mut order = there.clone();
        order.shuffle(&mut random);
        let mut from: Vec<u32> = (0..column.len() as u32).collect();
        there.iter().zip(order).for_each(|(&to, other)| from[to] = other as u32);
        let taken = column.values.take(&from);
        match &taken {
            Values::Sequence(_) => taken,
            _ => {
                let (width, numbers) = taken.as_vectors()?;
                Values::vector(width, numbers.to_vec())
            }
        }
    } else {
        let (width, numbers, ends) = match &column.values {
            Values::Sequence(all) => (all.width, all.numbers.clone(), Some(all.ends.clone())),
            Values::Vector { .. } | Values::Int(_) | Values::Float(_) | Values::Bool(_) => {
                let (width, numbers) = column.values.as_vectors()?;
                (width, numbers.to_vec(), None)
            }
            other => return Err(Error::bug(format!("a column of {} is muted", other.kind()))),
        };
        let numbers = if how == "noise" {
            let rows: Vec<&[f32]> = match &ends {
                Some(_) => numbers.chunks_exact(width.max(1)).collect(),
                None => there.iter().map(|&at| &numbers[at * width..][..width]).collect(),
            };
            drawn(&rows, width, numbers.len(), &mut random)
        } else {
            vec![0.0; numbers.len()]
        };
        match ends {
            Some(ends) => Values::Sequence(Arc::new(Sequences { width, numbers, ends })),
            None => Values::vector(width, numbers),
        }
    };
    let out = Column::new(column.rows.clone(), values);
    Ok(match &column.missing {
        Some(missing) => out.with_missing(missing.to_vec()),
        None => out,
    })
}

/// Returns numbers with the mean and deviation that each place has over these rows.
fn drawn(rows: &[&[f32]], width: usize, count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let n = rows.len().max(1) as f64;
    let moments: Vec<(f64, f64)> = (0..width)
        .map(|k| {
            let mean = rows.iter().map(|row| f64::from(row[k])).sum::<f64>() / n;
            let square = rows.iter().map(|row| (f64::from(row[k]) - mean).powi(2)).sum::<f64>() / n;
            (mean, square.sqrt())
        })
        .collect();
    (0..count)
        .map(|at| {
            let (mean, deviation) = moments[at % width.max(1)];
            // Box and Muller's, one of the two.
            let (a, b): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
            (mean + deviation * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_lang::args::ArgValue;

    use super::*;

    fn muted(column: &Column, how: &str, draw: i64) -> Column {
        let context = Context { seed: 3, base: Path::new("."), host: &Quiet };
        let args = [("how", ArgValue::Word(how.into())), ("draw", ArgValue::Int(draw))];
        run(&context, &Args(args.map(|(name, value)| (name.to_string(), value)).into()), column).unwrap()
    }

    fn numbers(column: &Column) -> Vec<f32> {
        column.values.as_vectors().unwrap().1.to_vec()
    }

    #[test]
    fn noise_has_the_columns_moments_and_order_is_lost() {
        let values: Vec<f32> = (0..4000).flat_map(|i| [(i % 7) as f32, 100.0]).collect();
        let missing: Vec<bool> = (0..4000).map(|i| i == 5).collect();
        let column = Column::new(Rows::all(4000), Values::vector(2, values.clone())).with_missing(missing);
        let noise = muted(&column, "noise", 0);
        let first: Vec<f64> = numbers(&noise).chunks_exact(2).map(|row| f64::from(row[0])).collect();
        let mean = first.iter().sum::<f64>() / 4000.0;
        let deviation = (first.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0).sqrt();
        assert!((mean - 3.0).abs() < 0.1 && (deviation - 2.0).abs() < 0.1, "{mean} ± {deviation}");
        assert!(numbers(&noise).chunks_exact(2).all(|row| row[1] == 100.0));
        assert_eq!((noise.count_missing(), noise.is_missing(5)), (1, true));
        assert_ne!(numbers(&noise), numbers(&muted(&column, "noise", 1)));
        assert_eq!(numbers(&noise), numbers(&muted(&column, "noise", 0)));

        let shuffled = muted(&column, "shuffle", 0);
        let sorted = |mut x: Vec<f32>| {
            x.sort_by(f32::total_cmp);
            x
        };
        assert_eq!(sorted(numbers(&shuffled)), sorted(values.clone()));
        let same = numbers(&shuffled).iter().zip(&values).step_by(2).filter(|(a, b)| a == b).count();
        assert!(same < 800, "{same} of 4000 stay, one in seven would");
        assert!(shuffled.is_missing(5));
    }
}
