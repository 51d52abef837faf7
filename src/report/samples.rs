//! Which predictions are shown as samples: the best and the worst. The run keeps their pictures, the report shows them, and both ask
//! here.

use std::collections::BTreeMap;
use std::ops::Range;

use super::predicted::{Guess, Place};

/// Rows that are shown of each kind.
const ROWS: usize = 8;
/// Users that are shown of each kind, and how much of a ranking.
const USERS: usize = 3;
const RANKS: usize = 10;
/// Items that are recommended most often.
const OFTEN: usize = 10;

/// Places among the guesses of a train.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GuessSamples {
    pub(crate) best: Vec<usize>,
    pub(crate) worst: Vec<usize>,
}

/// Places among the ranked items of a train: the beginnings of some users' rankings, and the first place of each of the items that
/// stand in most of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RankingSamples {
    pub(crate) best: Vec<Range<usize>>,
    pub(crate) worst: Vec<Range<usize>>,
    pub(crate) often: Vec<usize>,
}

/// Returns of classes those guessed rightly with most confidence, each class in turn, and those guessed wrongly with most; of
/// numbers the nearest and the farthest.
pub(crate) fn guesses(rows: &[Guess]) -> GuessSamples {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if rows.iter().any(|r| r.score.is_some()) {
        let score = |at: usize| rows[at].score.unwrap_or(0.0);
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        let right = |at: &usize| rows[*at].label == rows[*at].predicted;
        let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
        let mut best: Vec<(usize, usize)> = Vec::new();
        for &at in order.iter().filter(|at| right(at)) {
            let turn = turns.entry(&rows[at].label).or_default();
            best.push((*turn, at));
            *turn += 1;
        }
        // Stable: within a turn the order of confidence stays.
        best.sort_by_key(|(turn, _)| *turn);
        let best = best.into_iter().map(|(_, at)| at).take(ROWS).collect();
        return GuessSamples { best, worst: order.into_iter().filter(|at| !right(at)).take(ROWS).collect() };
    }
    let distance = |at: usize| rows[at].distance().unwrap_or(0.0);
    order.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
    let worst = order.iter().rev().take(ROWS.min(order.len() / 2)).copied().collect();
    order.truncate(ROWS.min(order.len().div_ceil(2)));
    GuessSamples { best: order, worst }
}

/// Returns the users of whose items most were found early, those of whose items none was, and the items that are recommended most.
pub(crate) fn rankings(rows: &[Place]) -> RankingSamples {
    let mut users: Vec<Range<usize>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match users.last_mut().filter(|last| rows[last.start].user == row.user && row.rank > 1) {
            Some(last) => last.end = at + 1,
            None => users.push(at..at + 1),
        }
    }
    users.iter_mut().for_each(|list| list.end = list.end.min(list.start + RANKS));
    // As NDCG weighs places.
    let gain = |list: &Range<usize>| -> f64 {
        list.clone().filter(|&at| rows[at].held_out).map(|at| 1.0 / f64::from(rows[at].rank + 1).log2()).sum()
    };
    let mut order: Vec<(f64, Range<usize>)> = users.iter().map(|list| (gain(list), list.clone())).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.start.cmp(&b.1.start)));
    let list = |(_, list): &(f64, Range<usize>)| list.clone();
    let best: Vec<_> = order.iter().filter(|(gain, _)| *gain > 0.0).take(USERS).map(list).collect();
    let worst = order.iter().filter(|(gain, _)| *gain == 0.0).take(USERS).map(list).collect();
    let mut often: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for at in users.into_iter().flatten() {
        often.entry(&rows[at].item).or_insert((0, at)).0 += 1;
    }
    let mut often: Vec<(usize, usize)> = often.into_values().collect();
    often.sort_by_key(|&(count, at)| (std::cmp::Reverse(count), at));
    RankingSamples { best, worst, often: often.into_iter().take(OFTEN).map(|(_, at)| at).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(label: &str, predicted: &str, score: Option<f64>) -> Guess {
        Guess { key: String::new(), label: label.into(), predicted: predicted.into(), score }
    }

    #[test]
    fn classes_take_turns_and_the_surest_mistakes_come_first() {
        let rows = [
            guess("a", "a", Some(0.9)),
            guess("a", "a", Some(0.8)),
            guess("b", "b", Some(0.6)),
            guess("b", "a", Some(0.5)),
            guess("b", "a", Some(0.7)),
        ];
        assert_eq!(guesses(&rows), GuessSamples { best: vec![0, 2, 1], worst: vec![4, 3] });
        let rows = [guess("1", "1.5", None), guess("2", "2.1", None), guess("3", "7", None)];
        assert_eq!(guesses(&rows), GuessSamples { best: vec![1, 0], worst: vec![2] });
        assert_eq!(guesses(&[]), GuessSamples::default());
    }

    #[test]
    fn rankings_are_cut_by_user() {
        let place =
            |user: &str, rank, item: &str, held_out| Place { user: user.into(), rank, item: item.into(), held_out };
        let rows = [
            place("u", 1, "i", false),
            place("u", 2, "j", true),
            place("v", 1, "i", true),
            place("v", 2, "k", false),
            place("w", 1, "i", false),
        ];
        let found = rankings(&rows);
        assert_eq!(found.best, [2..4, 0..2]);
        assert_eq!(found.worst.first(), Some(&(4..5)));
        assert_eq!(found.often, [0, 1, 3]);
    }
}
