//! `fill`: values for rows that have none.

use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, ArgKind, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Type};

use super::nearest;
use crate::fuse::activation::one;

pub(crate) struct Fill;

const HOW: Arg<String> = Arg::words("how", &["zero", "mean", "knn"]).doc(
    "`zero` fills with zeros, `mean` with the mean of the training rows, `knn` with the mean of the `k` training rows that \
     are nearest by other columns.",
);
const K: Arg<usize> = Arg::int("k")
    .default(Literal::Int(5))
    .range(1.0, 10_000.0)
    .doc("For `knn`: of how many rows the mean is taken; of all, where there are fewer.");
const BY: Arg<bool> = Arg::new("by", ArgKind::Inputs, |value| value.is_some()).optional().doc(
    "For `knn`: the column, or the list of columns, that tells how near rows are; numbers and vectors, scaled before where \
     their units differ. Of those that a row lacks, the others tell.",
);

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "fill",
    &[
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, sequence[t, n]?> -> col<d, sequence[t, n]>",
        "col<d, sequence[t, n]?> -> col<d, sequence[t, n]>",
    ],
)
.by("how", &["zero", "mean", "knn", "zero", "zero", "zero"])
.lets_missing_by()
.version(1)
.args(&[HOW.spec(), K.spec(), BY.spec()])
.infer(filled)
.doc(
    "Gives each missing row a value: zeros; the mean, place by place, of the training rows that have one; or the mean of the \
     `k` nearest among those that have it and all columns of `by`, where the distance is Euclidean over the columns that the \
     row has. Of rows equally far, those with smaller values come first. A missing sequence becomes an empty one. Numbers \
     and bools become vectors of one.",
)
.reference("scikit-learn's SimpleImputer(strategy = \"constant\" or \"mean\") and KNNImputer(n_neighbors = k)")
.examples(&[
    Example::new("Zeros.", "[[1, 2], _] |> fill(zero)", "[[1, 2], [0, 0]]"),
    Example::new("A sequence without steps.", "sequence([[[1, 2]], _]) |> fill(zero) |> mean", "[[1, 2], [0, 0]]"),
    Example::new("The mean of those that are there.", "[1, _, 4] |> fill(mean)", "[[1], [2.5], [4]]"),
    Example::new(
        "The value of the row that is nearest by another column.",
        "[[1, 0], _, [5, 0]] |> fill(knn, k = 1, by = ([1, 4, 5]))",
        "[[1, 0], [5, 0], [5, 0]]",
    ),
]);

/// As wide as what flows in; the columns of `by` are read at its rows.
fn filled(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (how, place) = (call.args.get(HOW), call.arg_span(BY.name()));
    match (how.as_str(), call.args.get(BY)) {
        ("knn", false) => {
            let span = call.span;
            return call.refuse(
                "E0107",
                span,
                say!("`fill(knn)` needs `by`: which rows are near?", "`fill(knn)` 缺少 `by`：依据什么判断远近？"),
                Some(say!("name columns of the same rows: `by = [ … ]`", "请指明同一批行的列：`by = [ … ]`")),
            );
        }
        ("zero" | "mean", true) => {
            return call.refuse(
                "E0105",
                place,
                say!("`fill({how})` looks at no other column", "`fill({how})` 不看其他列"),
                Some(say!("leave `by` out, or write `fill(knn, by = …)`", "请去掉 `by`，或写 `fill(knn, by = …)`")),
            );
        }
        _ => {}
    }
    let (domain, here) = (call.domain?, call.input_spans[0]);
    for at in 1..call.inputs.len() {
        let (column, there) = (call.column(at)?, call.input_spans[at]);
        let found = column.elem.to_string();
        if column.elem.as_vector().is_none() {
            return call.refuse(
                "E0301",
                there,
                say!("`by` takes numbers and vectors, this is {found}", "`by` 接受数值和向量，这里是 {found}"),
                None,
            );
        }
        if column.marks.joint {
            return call.refuse(
                "E0309",
                there,
                say!("`by` cannot be a network that is not trained yet", "`by` 不能是尚未训练的网络"),
                None,
            );
        }
        if !call.is_within(domain, column.domain) {
            let ways = call.ways(domain, column.domain);
            let [way] = &ways[..] else { return call.refuse_rows(domain, column.domain, there, here) };
            let mut node = call.inputs[at];
            for arrow in way.iter().rev() {
                node = call.read_along(node, domain, arrow);
            }
            call.inputs[at] = node;
        }
    }
    match call.column(0)?.elem.as_vector() {
        Some(width) => call.out(Elem::Vector(width)),
        None => call.out(call.column(0)?.elem),
    }
}

impl Stage for Fill {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        match alternative {
            0 => Body::Rows(zero),
            1 => Body::Fit { fit, apply },
            2 => Body::Fit { fit: fit_nearest, apply: apply_nearest },
            4 => Body::Rows(zero),
            // What lets missing values by in a network gives zeros, or no steps, where nothing is.
            _ => Body::Joint(|_, _, inputs| Ok(one(inputs)?.clone())),
        }
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
    for row in 0..sequences.ends.len() {
        if !batch.is_missing(row) {
            out.numbers.extend_from_slice(sequences.row(row));
        }
        out.end_row();
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

fn fit_nearest(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    nearest::learn(context, columns)
}

fn apply_nearest(context: &Context, args: &Args, state: &State, batch: &Batch) -> Result<Values> {
    nearest::fill(context, args.get(K), state, batch)
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
