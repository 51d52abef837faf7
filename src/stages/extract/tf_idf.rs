//! `tf_idf`: words of a row, weighed by how rare they are.

use mmf_data::arrays::{Array, State};
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::terms::{self, TERMS};

pub(crate) struct TfIdf;

// infer: col<d, tokens> -> col<d, vector[terms]>, where `terms` is left out vector[_]
static SIGNATURE: Signature = Signature::new(Group::Extract, "tf_idf", &["col<d, tokens> -> col<d, vector[terms]>"])
    .version(1)
    .args(&[TERMS.spec()])
    .doc(
        "Weighs the words of each row: their count times `ln((1 + n) / (1 + m)) + 1`, where `m` of the `n` training rows \
         have the word; then divides the row by its Euclidean length. A place for each word of the training rows, in the \
         order of the words. A word that no training row has is passed over; a row without known words is all zeros.",
    )
    .reference("scikit-learn's TfidfVectorizer with its defaults, on token lists; `terms` is its max_features")
    .examples(&[Example::new(
        "`a` is in both rows, `b` in one.",
        "[\"a b\", \"a\"] |> tokenize |> tf_idf",
        "[[0.57974, 0.81480], [1, 0]]",
    )]);

impl Stage for TfIdf {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

fn fit(context: &Context, args: &Args, columns: &[Column]) -> Result<State> {
    let most = args.get(TERMS);
    let learned = terms::learn(context, columns, most)?;
    let total = (1 + learned.rows) as f64;
    let rarity = learned.rows_with.iter().map(|&rows| (total / (1 + rows) as f64).ln() + 1.0).collect();
    Ok(terms::state(learned.words, most).with("rarity", Array::F64(rarity)))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    let rarity = state.f64s("rarity")?;
    terms::apply(context, state, batch, |counts, out| {
        let weight = |&(place, count): &(usize, u64)| count as f64 * rarity[place];
        let length = counts.iter().map(weight).map(|w| w * w).sum::<f64>().sqrt();
        for entry in counts {
            out[entry.0] = (weight(entry) / length) as f32;
        }
    })
}

#[cfg(test)]
mod tests {
    use mmf_data::values::Texts;
    use mmf_lang::args::ArgValue;

    use super::*;
    use crate::extract::each::tests::{batch, fixture};
    use crate::extract::terms::tests::{column, context};

    fn agrees(documents: &[Vec<String>], training: usize, stored: &serde_json::Value, terms: Option<i64>) {
        let args = Args(terms.map(|n| ("terms".to_string(), ArgValue::Int(n))).into_iter().collect());
        let state = fit(&context(), &args, &[column(&documents[..training])]).unwrap();
        let strings = |v: &serde_json::Value| -> Vec<String> {
            v.as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_string()).collect()
        };
        assert_eq!(state.texts("words").unwrap(), &Texts::from(strings(&stored["vocabulary"])));
        for (found, expected) in state.f64s("rarity").unwrap().iter().zip(stored["idf"].as_array().unwrap()) {
            assert!((found - expected.as_f64().unwrap()).abs() < 1e-12);
        }
        let found = apply(&context(), &args, &state, &batch(column(documents).values)).unwrap();
        let (width, numbers) = found.as_vectors().unwrap();
        let matrix = stored["matrix"].as_array().unwrap();
        assert_eq!(numbers.len(), matrix.len() * width);
        for (row, expected) in numbers.chunks_exact(width).zip(matrix) {
            let expected: Vec<f64> = expected.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            for (place, &found) in row.iter().enumerate() {
                let expected = expected.get(place).copied().unwrap_or(0.0);
                assert!((f64::from(found) - expected).abs() < 1e-6, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let stored = fixture("sklearn/tf_idf.json");
        let documents: Vec<Vec<String>> = serde_json::from_value(stored["documents"].clone()).unwrap();
        agrees(&documents, documents.len(), &stored["all"], None);
        agrees(&documents, documents.len(), &stored["all"], Some(40));
        agrees(&documents, documents.len(), &stored["top_10"], Some(10));
        agrees(&documents, 8, &stored["first_8"], None);
    }
}
