//! `term_frequency`: how often each known word comes in a row.

use mmf_data::arrays::State;
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::terms::{self, TERMS};

pub(crate) struct TermFrequency;

// infer: col<d, tokens> -> col<d, vector[terms]>, where `terms` is left out vector[_]
static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "term_frequency",
    &["col<d, tokens> -> col<d, vector[terms]>"],
)
.version(1)
.args(&[TERMS.spec()])
.doc(
    "Counts the words of each row: a place for each word of the training rows, in the order of the words. A word \
             that no training row has is passed over.",
)
.reference("scikit-learn's CountVectorizer on token lists")
.examples(&[Example::new(
    "Two words, a and b.",
    "[\"b a b\", \"a\"] |> tokenize |> term_frequency",
    "[[1, 2], [1, 0]]",
)]);

impl Stage for TermFrequency {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

fn fit(context: &Context, args: &Args, columns: &[Column]) -> Result<State> {
    let most = args.get(TERMS);
    Ok(terms::state(terms::learn(context, columns, most)?.words, most))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    terms::apply(context, state, batch, |counts, out| {
        for &(place, count) in counts {
            out[place] = count as f32;
        }
    })
}

#[cfg(test)]
mod tests {
    use mmf_lang::args::ArgValue;

    use super::*;
    use crate::extract::each::tests::batch;
    use crate::extract::terms::tests::{column, context};

    #[test]
    fn words_are_counted_and_missing_places_are_zeros() {
        let documents = [vec!["b", "a", "b"], vec![], vec!["a"]].map(|d| d.iter().map(|w| w.to_string()).collect());
        let args = Args(vec![("terms".into(), ArgValue::Int(3))]);
        let column = column(&documents);
        let state = fit(&context(), &args, std::slice::from_ref(&column)).unwrap();
        let found = apply(&context(), &args, &state, &batch(column.values)).unwrap();
        assert_eq!(found, Values::vector(3, vec![1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]));
    }
}
