//! What `term_frequency` and `tf_idf` share: which words of the training rows become places of a vector, and counts of them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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

/// Hashes words quickly. Nothing hangs on the order that it gives; who makes words to collide makes his own run slow.
type Quick = BuildHasherDefault<Mixing>;

/// Takes eight bytes at a time, mixed by a multiplication to 128 bits whose halves are folded, as wyhash does.
#[derive(Clone, Copy, Default)]
pub(super) struct Mixing(u64);

impl Mixing {
    fn mix(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xA076_1D64_78BD_642F;
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }
}

impl Hasher for Mixing {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        // What closes a text.
        self.0 ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Counts words over the training rows and keeps the `most` frequent.
///
/// Fails with `E1022` where the training rows hold no word at all.
pub(super) fn learn(context: &Context, columns: &[Column], most: Option<usize>) -> Result<Learned> {
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let lists = each::tokens(&column.values)?;
    let mut places: HashMap<&str, usize, Quick> = HashMap::default();
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
    State::new().with("width", Array::U32(vec![width])).with("words", Array::Texts(words.into()))
}

/// Makes a vector of each row: `weigh` is given the places and counts of a row's words, ascending, and writes to its vector.
pub(super) fn apply(
    context: &Context,
    state: &State,
    batch: &Batch,
    weigh: impl Fn(&[(usize, u64)], &mut [f32]),
) -> Result<Values> {
    let words = state.texts("words")?;
    let width = state.u32s("width")?.first().copied().ok_or_else(|| Error::bug("a stored width is gone"))? as usize;
    let lists = each::tokens(batch.values(0)?)?;
    let mut numbers = vec![0.0; lists.len() * width];
    let mut known: HashMap<&str, u32, Quick> = HashMap::default();
    let (mut places, mut counts) = (Vec::new(), Vec::new());
    for (row, out) in numbers.chunks_exact_mut(width).enumerate() {
        if row % 4096 == 4095 {
            context.check()?;
        }
        if batch.is_missing(row) {
            continue;
        }
        let place = |word| match known.get(word) {
            Some(&place) => place,
            None => {
                let place = words.find(word).map_or(u32::MAX, |place| place as u32);
                known.insert(word, place);
                place
            }
        };
        places.clear();
        places.extend(lists.row(row).map(place).filter(|&place| place != u32::MAX));
        places.sort_unstable();
        counts.clear();
        counts.extend(places.chunk_by(|a, b| a == b).map(|same| (same[0] as usize, same.len() as u64)));
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
