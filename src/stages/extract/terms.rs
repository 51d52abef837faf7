//! What `term_frequency` and `tf_idf` share: which words of the training rows become places of a vector, and counts of them.

use std::collections::{BTreeMap, HashMap};

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Context};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::args::Arg;
use mmf_lang::say;

use super::each;

pub(super) const TERMS: Arg<Option<usize>> = Arg::some_int("terms").range(1.0, 10_000_000.0).doc(
    "Keeps that many words, those that come most often in the training rows (of equals, the first in order). Fewer words \
     are filled up with zeros. Left out: all words.",
);

/// The words of the training rows.
pub(super) struct Learned {
    /// In the order of code points.
    pub(super) words: Vec<String>,
    /// In how many rows each of them comes.
    pub(super) rows_with: Vec<u64>,
    /// Count of training rows.
    pub(super) rows: u64,
}

/// Counts words over the training rows and keeps the `most` frequent.
///
/// Fails with `E1022` where the training rows hold no word at all.
pub(super) fn learn(context: &Context, columns: &[Column], most: Option<usize>) -> Result<Learned> {
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let lists = each::tokens(&column.values)?;
    let mut places: HashMap<&str, usize> = HashMap::new();
    // Times a word comes, rows it comes in, and the last such row.
    let mut counts: Vec<(u64, u64, usize)> = Vec::new();
    for row in 0..lists.len() {
        if row % 4096 == 4095 {
            context.check()?;
        }
        for word in lists.row(row) {
            let place = *places.entry(word).or_insert_with(|| {
                counts.push((0, 0, usize::MAX));
                counts.len() - 1
            });
            let (times, rows, last) = &mut counts[place];
            *times += 1;
            if *last != row {
                *last = row;
                *rows += 1;
            }
        }
    }
    let mut found: Vec<(&str, usize)> = places.into_iter().collect();
    if found.is_empty() {
        let rows = lists.len();
        return Err(Error::new(
            "E1022",
            say!("there is no word to learn from in {rows} training rows", "{rows} 个训练行中没有可供学习的词"),
        ));
    }
    found.sort_unstable();
    if let Some(most) = most.filter(|&most| most < found.len()) {
        found.sort_by_key(|&(_, place)| std::cmp::Reverse(counts[place].0));
        found.truncate(most);
        found.sort_unstable();
    }
    Ok(Learned {
        words: found.iter().map(|(word, _)| word.to_string()).collect(),
        rows_with: found.iter().map(|&(_, place)| counts[place].1).collect(),
        rows: lists.len() as u64,
    })
}

/// Stores the words, and how wide the vector is.
pub(super) fn state(words: Vec<String>, most: Option<usize>) -> State {
    let width = most.unwrap_or(words.len()) as u32;
    State::new().with("width", Array::U32(vec![width])).with("words", Array::Texts(words))
}

/// Makes a vector of each row: `weigh` is given the places and counts of a row's words, ascending, and writes to its vector.
pub(super) fn apply(
    context: &Context,
    state: &State,
    batch: &Batch,
    weigh: impl Fn(&BTreeMap<usize, u64>, &mut [f32]),
) -> Result<Values> {
    let words = state.texts("words")?;
    let width = state.u32s("width")?.first().copied().ok_or_else(|| Error::bug("a stored width is gone"))? as usize;
    let lists = each::tokens(batch.values(0)?)?;
    let mut numbers = vec![0.0; lists.len() * width];
    let mut known: HashMap<&str, Option<usize>> = HashMap::new();
    let mut counts = BTreeMap::new();
    for (row, out) in numbers.chunks_exact_mut(width).enumerate() {
        if row % 4096 == 4095 {
            context.check()?;
        }
        if batch.is_missing(row) {
            continue;
        }
        counts.clear();
        for word in lists.row(row) {
            let place = known.entry(word).or_insert_with(|| words.binary_search_by(|w| w.as_str().cmp(word)).ok());
            if let Some(place) = *place {
                *counts.entry(place).or_insert(0) += 1;
            }
        }
        weigh(&counts, out);
    }
    Ok(Values::vector(width, numbers))
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_data::values::TokenLists;

    use super::*;

    pub(in crate::extract) fn context() -> Context<'static> {
        Context { seed: 1, base: Path::new("."), host: &Quiet }
    }

    pub(in crate::extract) fn column(documents: &[Vec<String>]) -> Column {
        let mut lists = TokenLists::default();
        documents.iter().for_each(|words| lists.push(words));
        Column::new(Rows::all(documents.len()), Values::Tokens(Arc::new(lists)))
    }

    #[test]
    fn the_most_frequent_words_are_kept_and_equals_go_by_order() {
        let documents =
            [vec!["b", "a", "c", "c"], vec!["d", "d", "b"]].map(|d| d.iter().map(|w| w.to_string()).collect());
        let learned = learn(&context(), &[column(&documents)], Some(2)).unwrap();
        assert_eq!(learned.words, ["b", "c"]);
        assert_eq!(learned.rows_with, [2, 1]);
    }

    #[test]
    fn no_word_is_an_error() {
        let error = learn(&context(), &[column(&[vec![], vec![]])], Some(4)).err().unwrap();
        assert_eq!(error.code, "E1022");
    }
}
