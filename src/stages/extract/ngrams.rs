//! `ngrams`: groups of words that follow each other.

use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{TokenLists, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Type};

use super::each;

pub(crate) struct Ngrams;

const FROM: Arg<usize> =
    Arg::int("from").default(Literal::Int(1)).range(1.0, 16.0).doc("Words of the smallest groups.");
const TO: Arg<usize> = Arg::int("to").default(Literal::Int(2)).range(1.0, 16.0).doc("Words of the largest groups.");

// infer: the tokens' own type
static SIGNATURE: Signature = Signature::new(Group::Extract, "ngrams", &["col<d, tokens> -> col<d, tokens>"])
    .version(1)
    .args(&[FROM.spec(), TO.spec()])
    .infer(same)
    .doc(
        "Makes of each row's words the groups of `from` to `to` words that follow each other, with a blank between: the \
         smallest groups first, each size in the order of the text. A row with fewer words has fewer groups.",
    )
    .reference("scikit-learn's CountVectorizer(ngram_range = (from, to)) on token lists")
    .examples(&[
        Example::new(
            "Single words and pairs.",
            "[\"not so good\"] |> tokenize |> ngrams",
            "[[\"not\", \"so\", \"good\", \"not so\", \"so good\"]]",
        ),
        Example::new("Pairs alone.", "[\"很好看的电影\"] |> tokenize |> ngrams(from = 2)", "[[\"很 好看\", \"好看 的\", \"的 电影\"]]"),
    ]);

/// As what flows in, where there is a group to make.
fn same(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (from, to) = (call.args.get(FROM), call.args.get(TO));
    if from > to {
        let span = call.arg_span(if call.arg_spans.iter().any(|(n, _)| n == "to") { "to" } else { "from" });
        return call.refuse(
            "E0109",
            span,
            say!(
                "`from` is {from}, `to` is {to}: no group is so large",
                "`from` 为 {from}，`to` 为 {to}：没有这样的词组"
            ),
            None,
        );
    }
    let elem = call.column(0)?.elem;
    call.out(if matches!(elem, Elem::Tokens(_)) { elem } else { Elem::Unknown })
}

impl Stage for Ngrams {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let (from, to) = (args.get(FROM), args.get(TO));
    let lists = each::tokens(batch.values(0)?)?;
    let mut out = TokenLists::default();
    for row in 0..lists.len() {
        if row % 4096 == 4095 {
            context.check()?;
        }
        let words: Vec<&str> = if batch.is_missing(row) { Vec::new() } else { lists.row(row).collect() };
        out.push(groups(&words, from, to));
    }
    Ok(Values::Tokens(Arc::new(out)))
}

/// Returns the groups of some words, the smallest first.
pub(super) fn groups<S: AsRef<str>>(words: &[S], from: usize, to: usize) -> Vec<String> {
    let mut groups = Vec::new();
    for size in from..=to.min(words.len()) {
        for group in words.windows(size) {
            groups.push(group.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" "));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_few_words_have_few_groups() {
        assert_eq!(groups(&["a", "b", "c"], 2, 3), ["a b", "b c", "a b c"]);
        assert_eq!(groups(&["a"], 1, 3), ["a"]);
        assert!(groups(&["a"], 2, 3).is_empty() && groups::<&str>(&[], 1, 2).is_empty());
    }
}
