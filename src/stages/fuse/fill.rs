//! `fill`: values for rows that have none.

use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, Args};
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Fill;

const HOW: Arg<String> =
    Arg::words("how", &["zero", "mean"]).doc("`zero` fills with zeros, `mean` with the mean of the training rows.");

// infer: as written, and with `zero` also col<d, sequence[t, n]?> -> col<d, sequence[t, n]>
static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "fill",
    &["col<d, vector[n]?> -> col<d, vector[n]>", "col<d, vector[n]?> -> col<d, vector[n]>"],
)
.by("how", &["zero", "mean"])
.version(1)
.args(&[HOW.spec()])
.doc(
    "Gives each missing row a value: zeros, or the mean, place by place, of the training rows that have one. A missing \
     sequence becomes an empty one. Numbers and bools become vectors of one.",
)
.reference("scikit-learn's SimpleImputer(strategy = \"constant\" or \"mean\")")
.examples(&[
    Example::new("Zeros.", "[[1, 2], _] |> fill(zero)", "[[1, 2], [0, 0]]"),
    Example::new("The mean of those that are there.", "[1, _, 4] |> fill(mean)", "[[1], [2.5], [4]]"),
]);

impl Stage for Fill {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Rows(zero) } else { Body::Fit { fit, apply } }
    }
}

fn zero(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    if let Values::Sequence(sequences) = batch.values(0)? {
        return Ok(Values::Sequence(Arc::new(without_missing(sequences, batch))));
    }
    put(batch, None)
}

/// Returns the sequences, those of missing rows empty.
fn without_missing(sequences: &Sequences, batch: &Batch) -> Sequences {
    let mut out = Sequences { width: sequences.width, ..Sequences::default() };
    let mut steps = 0;
    for row in 0..sequences.ends.len() {
        if !batch.is_missing(row) {
            let numbers = sequences.row(row);
            steps += numbers.len().checked_div(sequences.width).unwrap_or(0);
            out.numbers.extend_from_slice(numbers);
        }
        out.ends.push(steps);
    }
    out
}

/// Learns the mean of each place, summed in the order of the rows.
fn fit(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    context.check()?;
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let (width, numbers) = column.values.as_vectors()?;
    let mut sums = vec![0f64; width];
    for row in numbers.chunks_exact(width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    if column.is_empty() {
        return Err(Error::new(
            "E1022",
            say!("there is no value to take the mean of in the training rows", "训练行中没有可求均值的数值"),
        )
        .help(say!("`fill(zero)` needs no training rows", "`fill(zero)` 不需要训练行")));
    }
    let rows = column.len() as f64;
    Ok(State::new().with("mean", Array::F32(sums.iter().map(|sum| (sum / rows) as f32).collect())))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    context.check()?;
    put(batch, Some(state.f32s("mean")?))
}

/// Returns the vectors, those of missing rows replaced by `value`, or by zeros.
fn put(batch: &Batch, value: Option<&[f32]>) -> Result<Values> {
    let (width, numbers) = batch.values(0)?.as_vectors()?;
    if value.is_some_and(|value| value.len() != width) {
        return Err(Error::bug("a stored mean is not as wide as its column"));
    }
    let mut out = numbers.to_vec();
    for (row, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
        if batch.is_missing(row) {
            match value {
                Some(value) => out.copy_from_slice(value),
                None => out.fill(0.0),
            }
        }
    }
    Ok(Values::vector(width, out))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::{Input, Quiet};
    use mmf_data::table::Rows;

    use super::*;

    fn context() -> Context<'static> {
        Context { seed: 1, base: Path::new("."), host: &Quiet }
    }

    fn batch(values: Values, missing: &[bool]) -> Batch {
        Batch { rows: missing.len(), inputs: vec![Input { values, missing: Some(Arc::new(missing.to_vec())) }] }
    }

    #[test]
    fn zeros_take_the_place_of_whatever_is_there() {
        let vectors = batch(Values::vector(2, vec![1.0, 2.0, 9.0, 9.0]), &[false, true]);
        assert_eq!(zero(&context(), &Args::default(), &vectors).unwrap(), Values::vector(2, vec![1.0, 2.0, 0.0, 0.0]));
        let numbers = batch(Values::Int(Arc::new(vec![7, 9])), &[false, true]);
        assert_eq!(zero(&context(), &Args::default(), &numbers).unwrap(), Values::vector(1, vec![7.0, 0.0]));
    }

    #[test]
    fn a_missing_sequence_becomes_empty() {
        let sequences = Sequences { width: 1, ends: vec![2, 3, 4], numbers: vec![1.0, 2.0, 3.0, 4.0] };
        let given = batch(Values::Sequence(Arc::new(sequences)), &[false, true, false]);
        let expected = Sequences { width: 1, ends: vec![2, 2, 3], numbers: vec![1.0, 2.0, 4.0] };
        assert_eq!(zero(&context(), &Args::default(), &given).unwrap(), Values::Sequence(Arc::new(expected)));
    }

    #[test]
    fn the_mean_is_of_the_training_rows() {
        let training = Column::new(Rows::some(9, vec![1, 4]), Values::vector(2, vec![1.0, 2.0, 2.0, 6.0]));
        let state = fit(&context(), &Args::default(), &[training]).unwrap();
        let given = batch(Values::vector(2, vec![50.0, 60.0, 9.0, 9.0]), &[false, true]);
        let expected = Values::vector(2, vec![50.0, 60.0, 1.5, 4.0]);
        assert_eq!(apply(&context(), &Args::default(), &state, &given).unwrap(), expected);

        let none = Column::new(Rows::some(9, vec![]), Values::vector(2, vec![]));
        assert_eq!(fit(&context(), &Args::default(), &[none]).unwrap_err().code, "E1022");
    }
}
