//! The training rows as numbers: which words are learned, how often each comes.

use std::collections::HashMap;

use mmf_data::values::TokenLists;

/// Rows of words, by number: 0 is the most frequent (of equals, the first in the order of code points).
pub(super) struct Corpus<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) counts: Vec<u64>,
    /// Rows end to end, words that are not learned left out.
    pub(super) tokens: Vec<u32>,
    pub(super) ends: Vec<usize>,
    /// How many different words there are, learned or not.
    pub(super) seen: usize,
    /// How often the most frequent of them comes.
    pub(super) most: u64,
}

impl<'a> Corpus<'a> {
    /// Keeps the words that come at least `least` times.
    pub(super) fn read(lists: &'a TokenLists, least: usize) -> Corpus<'a> {
        let mut first: HashMap<&str, u32> = HashMap::new();
        let mut found: Vec<(&str, u64)> = Vec::new();
        let mut raw = Vec::new();
        for row in 0..lists.len() {
            for word in lists.row(row) {
                let place = *first.entry(word).or_insert_with(|| {
                    found.push((word, 0));
                    found.len() as u32 - 1
                });
                found[place as usize].1 += 1;
                raw.push(place);
            }
        }
        let mut order: Vec<u32> = (0..found.len() as u32).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(found[i as usize].1), found[i as usize].0));
        let most = order.first().map_or(0, |&i| found[i as usize].1);
        let kept = order.iter().take_while(|&&i| found[i as usize].1 >= least as u64).count();
        let mut number = vec![u32::MAX; found.len()];
        order[..kept].iter().enumerate().for_each(|(n, &i)| number[i as usize] = n as u32);

        let (mut tokens, mut ends) = (Vec::with_capacity(raw.len()), Vec::with_capacity(lists.len()));
        let mut start = 0;
        for row in 0..lists.len() {
            tokens.extend(raw[start..lists.ends[row]].iter().map(|&i| number[i as usize]).filter(|&n| n != u32::MAX));
            start = lists.ends[row];
            ends.push(tokens.len());
        }
        let (words, counts) = order[..kept].iter().map(|&i| found[i as usize]).unzip();
        Corpus { words, counts, tokens, ends, seen: found.len(), most }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.tokens[start..end])
    }
}
