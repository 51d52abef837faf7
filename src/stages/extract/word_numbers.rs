//! `word_numbers`: words as numbers, the most frequent first.

use std::collections::HashMap;
use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::{each, terms};

pub(crate) struct WordNumbers;

const WORDS: Arg<usize> =
    Arg::int("words").default(Literal::Int(5000)).range(1.0, 1e7).doc("Words that get a number of their own, at most.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "word_numbers",
    &["col<d, tokens> -> col<d, sequence[_, 1]>"],
)
.version(1)
.args(&[WORDS.spec()])
.doc(
    "Replaces each word by its number: from 1, in the order of the words, for the words that come most often in the \
             training rows; 0 for all others. `embedding` of tokens does this by itself.",
)
.reference("Keras' TextVectorization(output_mode = \"int\"), but in the order of the words")
.examples(&[Example::new(
    "Two words are known, the third is not.",
    "[\"b a b\", \"a b c\"] |> tokenize |> word_numbers(words = 2)",
    "sequence([[[2], [1], [2]], [[1], [2], [0]]])",
)]);

impl Stage for WordNumbers {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

fn fit(context: &Context, args: &Args, columns: &[Column]) -> Result<State> {
    let learned = terms::learn(context, columns, Some(args.get(WORDS)))?;
    Ok(State::new().with("words", Array::Texts(learned.words.into())))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    context.check()?;
    let words = state.texts("words")?;
    let lists = each::tokens(batch.values(0)?)?;
    let mut known: HashMap<&str, f32> = HashMap::new();
    let mut out = Sequences { width: 1, ..Sequences::default() };
    for row in 0..lists.len() {
        if !batch.is_missing(row) {
            out.numbers.extend(lists.row(row).map(|word| {
                let number = || words.find(word).map_or(0.0, |place| (place + 1) as f32);
                *known.entry(word).or_insert_with(number)
            }));
        }
        out.end_row();
    }
    Ok(Values::Sequence(Arc::new(out)))
}
