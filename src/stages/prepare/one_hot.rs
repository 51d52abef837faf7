//! `one_hot`: a category as a vector with a single 1.

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Values, Vocabulary};
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct OneHot;

static SIGNATURE: Signature = Signature::new(Group::Prepare, "one_hot", &["col<d, category> -> col<d, vector[_]>"])
    .version(1)
    .doc(
        "Gives each value that the training rows have a place of its own, in the order of the values: 1 there, 0 elsewhere. \
         A value that no training row has is all zeros.",
    )
    .reference("scikit-learn's OneHotEncoder(handle_unknown = \"ignore\")")
    .examples(&[Example::new(
        "Two values.",
        "category([\"b\", \"a\", \"b\"]) |> one_hot",
        "[[0, 1], [1, 0], [0, 1]]",
    )]);

impl Stage for OneHot {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

fn codes(values: &Values) -> Result<(&[u32], &Vocabulary)> {
    match values {
        Values::Code { codes, names } => Ok((codes, names)),
        other => Err(Error::bug(format!("a category was expected, found {}", other.kind()))),
    }
}

/// Keeps the values that are there, in the order of their names.
fn fit(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    context.check()?;
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let (codes, names) = codes(&column.values)?;
    let mut seen = vec![false; names.len()];
    for (at, &code) in codes.iter().enumerate() {
        if let Some(seen) = seen.get_mut(code as usize).filter(|_| !column.is_missing(at)) {
            *seen = true;
        }
    }
    let mut values: Vec<String> =
        names.names().iter().zip(seen).filter(|(_, seen)| *seen).map(|(name, _)| name.to_string()).collect();
    if values.is_empty() {
        return Err(Error::new(
            "E1022",
            say!("there is no value to learn from in the training rows", "训练行中没有可供学习的取值"),
        ));
    }
    values.sort_unstable();
    Ok(State::new().with("values", Array::Texts(values.into())))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    context.check()?;
    let values = state.texts("values")?;
    let (codes, names) = codes(batch.values(0)?)?;
    let place = |name: &str| values.find(name);
    let places: Vec<Option<usize>> = names.names().iter().map(place).collect();
    let width = values.len();
    let mut numbers = vec![0f32; codes.len() * width];
    for (&code, out) in codes.iter().zip(numbers.chunks_exact_mut(width)) {
        if let Some(&Some(place)) = places.get(code as usize) {
            out[place] = 1.0;
        }
    }
    Ok(Values::vector(width, numbers))
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

    fn category(codes: &[u32], names: &[&str]) -> Values {
        let names = Arc::new(Vocabulary::new(names.iter().collect()));
        Values::Code { codes: Arc::new(codes.to_vec()), names }
    }

    #[test]
    fn places_are_those_of_the_training_rows() {
        let training = Column::new(Rows::all(3), category(&[3, 1, 3], &["a", "b", "c", "d"]));
        let state = fit(&context(), &Args::default(), &[training]).unwrap();
        // Another vocabulary, as at prediction: places go by the names.
        let values = category(&[0, 1, 2, u32::MAX], &["d", "x", "b"]);
        let batch = Batch { rows: 4, inputs: vec![Input { values, missing: None }] };
        let found = apply(&context(), &Args::default(), &state, &batch).unwrap();
        assert_eq!(found, Values::vector(2, vec![0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn no_row_is_an_error() {
        let training = Column::new(Rows::some(3, vec![]), category(&[], &["a"]));
        assert_eq!(fit(&context(), &Args::default(), &[training]).unwrap_err().code, "E1022");
    }
}
