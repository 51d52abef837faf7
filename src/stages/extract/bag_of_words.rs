//! `bag_of_words`: which words a row has, rare and common ones left out.

use std::collections::HashMap;

use mmf_data::arrays::State;
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

use super::each;
use super::terms::{self, TERMS};

pub(crate) struct BagOfWords;

const ROWS: Arg<usize> =
    Arg::int("rows").default(Literal::Int(1)).range(1.0, 1e9).doc("Leaves out words that come in fewer training rows.");
const SHARE: Arg<f64> = Arg::share("share")
    .default(Literal::Float(1.0))
    .doc("Leaves out words that come in more than that share of the training rows: `80%`.");
const BINARY: Arg<bool> =
    Arg::bool("binary").default(Literal::Bool(false)).doc("Gives 1 for a word that comes at all, not how often.");

// infer: col<d, tokens> -> col<d, vector[terms]>, where `terms` is left out vector[_]
static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "bag_of_words",
    &["col<d, tokens> -> col<d, vector[terms]>"],
)
.version(1)
.args(&[TERMS.spec(), ROWS.spec(), SHARE.spec(), BINARY.spec()])
.doc(
    "Counts the words of each row, as `term_frequency` does, but leaves out words that are too rare or too common in the \
     training rows; of what remains, `terms` keeps the most frequent. A place for each word, in the order of the words. \
     Behind `ngrams` the words are groups of words.",
)
.reference("scikit-learn's CountVectorizer on token lists: max_features, min_df, max_df, binary")
.examples(&[
    Example::new(
        "`a` comes in every row, and says nothing.",
        "[\"b a b\", \"a c\", \"a b\"] |> tokenize |> bag_of_words(share = 80%)",
        "[[2, 0], [0, 1], [1, 0]]",
    ),
    Example::new(
        "Words of two rows or more, and whether they come.",
        "[\"b a b\", \"a c\", \"a b\"] |> tokenize |> bag_of_words(rows = 2, binary = true)",
        "[[1, 1], [1, 0], [1, 1]]",
    ),
]);

impl Stage for BagOfWords {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

/// What is counted of a word.
#[derive(Clone, Copy, Default)]
struct Count {
    times: u64,
    rows: u64,
    /// The row that it was last seen in, and one.
    last: usize,
}

fn fit(context: &Context, args: &Args, columns: &[Column]) -> Result<State> {
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let lists = each::tokens(&column.values)?;
    let mut counts: HashMap<&str, Count> = HashMap::new();
    for row in 0..lists.len() {
        if row % 4096 == 4095 {
            context.check()?;
        }
        for word in lists.row(row) {
            let count = counts.entry(word).or_default();
            count.times += 1;
            count.rows += u64::from(count.last != row + 1);
            count.last = row + 1;
        }
    }
    let rows = lists.len();
    let all = counts.len();
    let (least, most) = (args.get(ROWS) as u64, args.get(SHARE) * rows as f64);
    let mut kept: Vec<(&str, Count)> =
        counts.into_iter().filter(|(_, c)| c.rows >= least && c.rows as f64 <= most).collect();
    if kept.is_empty() {
        let error = match all {
            0 => say!("there is no word to learn from in {rows} training rows", "{rows} 个训练行中没有可供学习的词"),
            _ => say!(
                "of {all} words in {rows} training rows none is as rare and as common as asked",
                "{rows} 个训练行的 {all} 个词中，没有满足频率要求的词"
            ),
        };
        return Err(Error::new("E1022", error).help(say!("change `rows` or `share`", "请调整 `rows` 或 `share`")));
    }
    let terms = args.get(TERMS);
    if let Some(terms) = terms {
        kept.sort_unstable_by(|(a, x), (b, y)| y.times.cmp(&x.times).then(a.cmp(b)));
        kept.truncate(terms);
    }
    kept.sort_unstable_by_key(|(word, _)| *word);
    Ok(terms::state(kept.into_iter().map(|(word, _)| word.to_string()).collect(), terms))
}

fn apply(context: &Context, args: &Args, state: &State, batch: &Batch) -> Result<Values> {
    let binary = args.get(BINARY);
    terms::apply(context, state, batch, |counts, out| {
        for &(place, count) in counts {
            out[place] = if binary { 1.0 } else { count as f32 };
        }
    })
}

#[cfg(test)]
mod tests {
    use mmf_data::values::Texts;
    use mmf_lang::args::ArgValue;

    use super::*;
    use crate::extract::each::tests::{batch, fixture};
    use crate::extract::ngrams;
    use crate::extract::terms::tests::{column, context};

    #[test]
    fn counts_are_scikit_learns() {
        let stored = fixture("words/counts.json");
        let documents: Vec<Vec<String>> = serde_json::from_value(stored["documents"].clone()).unwrap();
        let calls = stored["calls"].as_array().unwrap();
        assert_eq!(calls.len(), 7);
        for call in calls {
            let int = |name: &str| call[name].as_i64().map(|n| (name.to_string(), ArgValue::Int(n)));
            let mut args: Vec<_> = ["terms", "rows"].into_iter().filter_map(int).collect();
            args.push(("share".into(), ArgValue::Float(call["share"].as_f64().unwrap_or(1.0))));
            args.push(("binary".into(), ArgValue::Bool(call["binary"].as_bool().unwrap_or(false))));
            let args = Args(args);
            let (least, most) = (call["from"].as_u64().unwrap() as usize, call["to"].as_u64().unwrap() as usize);
            let groups = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
                rows.iter().map(|words| ngrams::groups(words, least, most)).collect()
            };
            let training = call["training"].as_u64().unwrap() as usize;
            let state = fit(&context(), &args, &[column(&groups(&documents[..training]))]).unwrap();
            let words: Vec<String> = serde_json::from_value(call["vocabulary"].clone()).unwrap();
            let words = Texts::from(words);
            assert_eq!(state.texts("words").unwrap(), &words);
            let batch = batch(column(&groups(&documents)).values);
            let (width, found) = apply(&context(), &args, &state, &batch).unwrap().as_vectors().unwrap();
            let expected: Vec<Vec<f32>> = serde_json::from_value(call["matrix"].clone()).unwrap();
            assert_eq!(width, words.len());
            assert_eq!(*found, expected.concat());
        }
    }

    #[test]
    fn nothing_left_is_an_error() {
        let documents = [vec!["a".to_string()], vec!["b".to_string()]];
        let args = Args(vec![("rows".into(), ArgValue::Int(2))]);
        let error = fit(&context(), &args, &[column(&documents)]).unwrap_err();
        assert_eq!((error.code, error.message.en.starts_with("of 2 words in 2 training rows")), ("E1022", true));
        assert_eq!(fit(&context(), &Args::default(), &[column(&[vec![]])]).unwrap_err().code, "E1022");
    }
}
