//! How most training rows write a value.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::Context;
use mmf_data::table::Column;
use mmf_data::values::{Texts, Values};

use super::numbers::narrow;

/// How many times as frequent a value is as a slip of it.
const RARER: u64 = 5;
/// How many letters a slip has, at least, for each that is wrong.
const LETTERS: usize = 4;

/// Returns a value without what people write in different ways: case, width, blanks, punctuation.
fn fold(text: &str) -> String {
    text.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Learns how each value is written, into arrays named by the column.
pub(super) fn learn(
    context: &Context<'_>,
    name: &str,
    words: &[&str],
    distance: usize,
    state: &mut State,
) -> Result<()> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    words.iter().for_each(|word| *counts.entry(word).or_default() += 1);
    // By folded value: how often it comes, and how it is written most (of equals, the first in order).
    let mut values: BTreeMap<String, (u64, u64, &str)> = BTreeMap::new();
    for (word, count) in counts {
        let folded = fold(word);
        if folded.is_empty() {
            continue;
        }
        let (all, most, written) = values.entry(folded).or_insert((0, 0, word));
        *all += count;
        if count > *most {
            (*most, *written) = (count, word);
        }
    }
    let mut written: BTreeMap<&str, &str> =
        values.iter().map(|(folded, (_, _, word))| (folded.as_str(), *word)).collect();
    if distance > 0 {
        let letters: Vec<(&str, Vec<char>, u64)> =
            values.iter().map(|(folded, (all, ..))| (folded.as_str(), folded.chars().collect(), *all)).collect();
        for (folded, slip, count) in &letters {
            context.check()?;
            let most = distance.min(slip.len() / LETTERS);
            let nearest = letters
                .iter()
                .filter(|(_, value, all)| *all >= RARER * count && value.len().abs_diff(slip.len()) <= most)
                .filter_map(|(meant, value, all)| {
                    let far = apart(slip, value);
                    (far > 0 && far <= most).then_some((far, Reverse(*all), *meant))
                })
                .min();
            if let Some((_, _, meant)) = nearest {
                written.insert(folded, values[meant].2);
            }
        }
    }
    let (folded, written): (Vec<String>, Vec<String>) =
        written.into_iter().map(|(folded, word)| (folded.to_string(), word.to_string())).unzip();
    state.put(format!("{name}.folded"), Array::Texts(folded.into()));
    state.put(format!("{name}.written"), Array::Texts(written.into()));
    Ok(())
}

/// Returns how many letters must be changed, added, left out or swapped with their neighbour, none of them twice.
fn apart(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut rows = [vec![0; width], (0..width).collect::<Vec<usize>>(), vec![0; width]];
    for i in 1..=a.len() {
        let (before, rest) = rows.split_at_mut(1);
        let (last, here) = rest.split_at_mut(1);
        let (before, last, here) = (&before[0], &last[0], &mut here[0]);
        here[0] = i;
        for j in 1..width {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            here[j] = change.min(last[j] + 1).min(here[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                here[j] = here[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

/// Returns the column as it is written most, and how many of its cells changed.
pub(super) fn write(name: &str, column: &Column, state: &State) -> Result<(Values, usize)> {
    let (folded, written) = (state.texts(&format!("{name}.folded"))?, state.texts(&format!("{name}.written"))?);
    let spelled = |word: &str| -> Option<&str> {
        let place = folded.find(&fold(word))?;
        Some(written.get(place)).filter(|w| *w != word)
    };
    let mut changed = 0;
    let values = match &column.values {
        Values::Code { codes, names } => {
            // A spelling that the column's own values lack has no code: at prediction, on other rows.
            let new: Vec<Option<u32>> = names.names().iter().map(|n| spelled(n).and_then(|w| names.code(w))).collect();
            let code = |(at, &code): (usize, &u32)| match new.get(code as usize) {
                Some(Some(other)) if !column.is_missing(at) => {
                    changed += 1;
                    *other
                }
                _ => code,
            };
            let codes = codes.iter().enumerate().map(code).collect();
            Values::Code { codes: Arc::new(codes), names: names.clone() }
        }
        Values::Text(texts) => {
            let text = |(at, text)| match spelled(text).filter(|_| !column.is_missing(at)) {
                Some(other) => {
                    changed += 1;
                    other
                }
                None => text,
            };
            Values::Text(Arc::new(texts.iter().enumerate().map(text).collect::<Texts>()))
        }
        other => return Err(Error::bug(format!("a column of {} holds no words", other.kind()))),
    };
    Ok((values, changed))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;

    use super::*;

    fn spelled(training: &[&str], words: &[&str], distance: usize) -> Vec<String> {
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let mut state = State::new();
        learn(&context, "city", training, distance, &mut state).unwrap();
        let texts: Texts = words.iter().collect();
        let column = Column::new(Rows::all(words.len()), Values::Text(Arc::new(texts)));
        let (Values::Text(texts), _) = write("city", &column, &state).unwrap() else { panic!() };
        texts.iter().map(str::to_string).collect()
    }

    #[test]
    fn values_are_written_as_most_write_them() {
        let training = ["New York", "new-york", "New York", "rome", "Rome", "＃", "上海 "];
        let words = ["NEW YORK", "newyork", "ROME", "Ｒｏｍｅ", "Oslo", "＃", "上海"];
        assert_eq!(spelled(&training, &words, 0), ["New York", "New York", "Rome", "Rome", "Oslo", "＃", "上海 "]);
    }

    #[test]
    fn slips_become_what_they_stand_for() {
        let mut training = vec!["Shanghai"; 10];
        training.extend(["Shangahi", "Shanghaj", "Shenzhen", "Paris"]);
        training.extend(["Pari"; 3]);
        let words = ["Shangahi", "shanghaj", "Shenzhen", "Pari", "Shanghi"];
        // `Shanghi` is in no training row, `Pari` is not rare enough.
        assert_eq!(spelled(&training, &words, 1), ["Shanghai", "Shanghai", "Shenzhen", "Pari", "Shanghi"]);
        assert_eq!(spelled(&training, &words, 0)[0], "Shangahi");
    }

    #[test]
    fn distances_are_those_of_optimal_string_alignment() {
        let far = |a: &str, b: &str| apart(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("ca", "abc", 3),
            ("abcd", "acbd", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(far(a, b), expected, "{a} {b}");
        }
    }
}
