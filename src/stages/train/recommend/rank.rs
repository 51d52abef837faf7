//! The full ranking: every candidate for every user of a part.

use mmf_data::error::{Error, Result};
use mmf_data::stage::Context;
use mmf_lang::say;
use mmf_lang::types::Part;
use mmf_tensor::Parameters;
use rayon::prelude::*;

use super::Ranking;
use super::score::Scorer;
use crate::train::predictions::Ranked;

/// Users that a thread ranks at a time.
const BLOCK: usize = 32;

/// Above this count of relevant items, sorting all scores is cheaper than counting for each.
const COUNT_AT_MOST: usize = 48;

/// The ranking of one user.
struct Place {
    ranks: Vec<u32>,
    candidates: u32,
    top: Vec<(u32, f32)>,
}

impl Ranking<'_> {
    /// Ranks all candidates for the users of a part, and keeps the first `top`.
    pub(super) fn rank(
        &self,
        parameters: &Parameters,
        part: Part,
        top: usize,
        context: Option<&Context>,
    ) -> Result<Ranked> {
        let (relevant, users) = self.pairs.relevant(part)?;
        let earlier;
        let seen = if part == Part::Validation {
            &self.pairs.positives
        } else {
            earlier = self.pairs.seen(part)?;
            &earlier
        };
        let items = &self.pairs.candidates;
        let met = self.met(part, &users);
        let scorer = Scorer::new(&self.circuit, parameters, self.score, (&users, &met), items)?;
        let circuit = scorer.circuit()?;
        let order = if top > 0 { self.by_name() } else { Vec::new() };
        let mut counts = vec![0u32; self.pairs.item_names.len()];
        self.pairs.training.items.iter().for_each(|&item| counts[item as usize] += 1);
        let mut out = Ranked { items: items.len(), ..Ranked::default() };
        // Cancellation is asked for between rounds, not within.
        for (round, group) in users.chunks(BLOCK * 64).enumerate() {
            if let Some(context) = context {
                context.check()?;
                context.progress(round * BLOCK * 64, users.len());
            }
            let blocks: Vec<&[u32]> = group.chunks(BLOCK).collect();
            let found: Vec<Result<Vec<Place>>> = blocks
                .into_par_iter()
                .enumerate()
                .map(|(block, users)| {
                    let first = round * BLOCK * 64 + block * BLOCK;
                    let mut scores = Vec::new();
                    let rank = |(at, &user): (usize, &u32)| {
                        scorer.score(
                            circuit.as_ref(),
                            self.score,
                            (first + at, user, met.get(first + at).copied()),
                            &mut scores,
                        )?;
                        let left_out = if self.keep_seen { &[] } else { seen.of(user) };
                        rank_one(items, &scores, left_out, relevant.of(user), top, &order)
                    };
                    users.iter().enumerate().map(rank).collect()
                })
                .collect();
            for (users, block) in group.chunks(BLOCK).zip(found) {
                for (&user, place) in users.iter().zip(block?) {
                    out.users.push(user);
                    out.relevant.push(relevant.of(user).len() as u32);
                    out.ranks.push(place.ranks);
                    out.candidates.push(place.candidates);
                    out.counts.extend(place.top.iter().map(|(item, _)| counts[*item as usize]));
                    out.top.push(place.top);
                    out.cold += usize::from(self.pairs.positives.of(user).is_empty());
                }
            }
        }
        Ok(out)
    }

    /// Returns where these users are when they are ranked for a part; nothing where the network does not ask.
    pub(super) fn met(&self, part: Part, users: &[u32]) -> Vec<u32> {
        let now = self.circuit.now(part);
        now.map_or_else(Vec::new, |now| users.iter().map(|&user| now as u32 + user).collect())
    }

    /// Returns for each candidate its place in the order of names.
    fn by_name(&self) -> Vec<u32> {
        let name = |place: u32| self.pairs.item_names.name(self.pairs.candidates[place as usize]);
        let mut places: Vec<u32> = (0..self.pairs.candidates.len() as u32).collect();
        places.sort_by(|&a, &b| name(a).cmp(name(b)));
        let mut order = vec![0; places.len()];
        places.iter().enumerate().for_each(|(i, &place)| order[place as usize] = i as u32);
        order
    }
}

/// Ranks candidates, ascending by number, by their scores. `left_out` and `relevant` are ascending too.
fn rank_one(
    items: &[u32],
    scores: &[f32],
    left_out: &[u32],
    relevant: &[u32],
    top: usize,
    order: &[u32],
) -> Result<Place> {
    if scores.iter().any(|s| s.is_nan()) {
        return Err(Error::new("E1030", say!("a score is not a number", "得分不是数字"))
            .help(say!("a lower learning rate often mends this", "降低学习率通常可以解决")));
    }
    let places = |of: &[u32]| -> Vec<u32> {
        of.iter().filter_map(|item| items.binary_search(item).ok()).map(|place| place as u32).collect()
    };
    let gone = places(left_out);
    let is_gone = |place: &u32| gone.binary_search(place).is_ok();
    let wanted: Vec<u32> = places(relevant).into_iter().filter(|place| !is_gone(place)).collect();
    let mut ranks: Vec<u32> = if wanted.len() <= COUNT_AT_MOST {
        let count = |&place: &u32| {
            let own = scores[place as usize];
            let above = scores.iter().filter(|&&score| score >= own).count();
            (above - gone.iter().filter(|&&place| scores[place as usize] >= own).count()) as u32
        };
        wanted.iter().map(count).collect()
    } else {
        let mut left: Vec<f32> =
            (0..).zip(scores).filter(|(place, _)| !is_gone(place)).map(|(_, &score)| score).collect();
        left.sort_unstable_by(|a, b| b.total_cmp(a));
        wanted.iter().map(|&place| left.partition_point(|&score| score >= scores[place as usize]) as u32).collect()
    };
    ranks.sort_unstable();
    let mut first: Vec<u32> = Vec::new();
    if top > 0 {
        let better = |&a: &u32, &b: &u32| {
            let (x, y) = (scores[a as usize], scores[b as usize]);
            // Zero is zero, whatever its sign.
            y.partial_cmp(&x).unwrap_or(std::cmp::Ordering::Equal).then(order[a as usize].cmp(&order[b as usize]))
        };
        first = (0..items.len() as u32).filter(|place| !is_gone(place)).collect();
        if first.len() > top {
            first.select_nth_unstable_by(top - 1, better);
            first.truncate(top);
        }
        first.sort_unstable_by(better);
    }
    Ok(Place {
        ranks,
        candidates: (items.len() - gone.len()) as u32,
        top: first.into_iter().map(|place| (items[place as usize], scores[place as usize])).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_rank_worst_and_lists_go_by_name() {
        let items = [2, 3, 5, 7, 9];
        let scores = [1.0, 4.0, 1.0, 1.0, 0.5];
        // Names in the order 9, 7, 5, 3, 2.
        let order = [4, 3, 2, 1, 0];
        let place = rank_one(&items, &scores, &[], &[2, 9], 3, &order).unwrap();
        assert_eq!(place.ranks, [4, 5]);
        assert_eq!(place.top, [(3, 4.0), (7, 1.0), (5, 1.0)]);
        // What was seen is not ranked, not even if it is relevant.
        let place = rank_one(&items, &scores, &[3, 5], &[2, 5, 4], 3, &order).unwrap();
        assert_eq!(place.ranks, [2]);
        assert_eq!(place.candidates, 3);
        assert_eq!(place.top, [(7, 1.0), (2, 1.0), (9, 0.5)]);
        assert!(rank_one(&items, &[f32::NAN; 5], &[], &[2], 0, &order).is_err());
    }

    #[test]
    fn counting_and_sorting_rank_alike() {
        let items: Vec<u32> = (0..200).collect();
        let scores: Vec<f32> = items.iter().map(|i| (i * 37 % 50) as f32).collect();
        let gone: Vec<u32> = (0..200).step_by(7).collect();
        let many: Vec<u32> = (0..200).step_by(2).collect();
        let all = rank_one(&items, &scores, &gone, &many, 0, &[]).unwrap().ranks;
        let mut each: Vec<u32> =
            many.iter().flat_map(|&item| rank_one(&items, &scores, &gone, &[item], 0, &[]).unwrap().ranks).collect();
        each.sort_unstable();
        assert_eq!(all, each);
    }
}
