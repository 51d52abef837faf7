//! Who has what: training pairs, candidates, and negatives.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Given, TrainCall};
use mmf_data::values::{Values, Vocabulary};
use mmf_lang::types::Part;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

use crate::train::learn::below;
use crate::train::trained::part;

/// The pairs of a part's rows, in the order of the rows.
#[derive(Default)]
pub(super) struct Rows {
    /// Places in the split's table.
    pub(super) places: Vec<u32>,
    pub(super) users: Vec<u32>,
    pub(super) items: Vec<u32>,
    /// The numbers of the rows.
    pub(super) met: Vec<u32>,
}

/// Items a user, ascending and once each.
pub(super) struct Items {
    starts: Vec<usize>,
    items: Vec<u32>,
}

impl Items {
    fn new(users: usize, parts: &[&Rows]) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(parts.iter().map(|rows| rows.users.len()).sum());
        for rows in parts {
            pairs.extend(rows.users.iter().copied().zip(rows.items.iter().copied()));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; users + 1];
        pairs.iter().for_each(|&(user, _)| starts[user as usize + 1] += 1);
        for user in 0..users {
            starts[user + 1] += starts[user];
        }
        Items { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    pub(super) fn of(&self, user: u32) -> &[u32] {
        match (self.starts.get(user as usize), self.starts.get(user as usize + 1)) {
            (Some(&start), Some(&end)) => &self.items[start..end],
            _ => &[],
        }
    }
}

/// All that is known of users and items before any network.
pub(super) struct Pairs<'a> {
    call: &'a TrainCall,
    user_codes: &'a [u32],
    item_codes: &'a [u32],
    users: usize,
    pub(super) item_names: &'a Arc<Vocabulary>,
    pub(super) training: Rows,
    /// The items of each user in the training part.
    pub(super) positives: Items,
    /// Items that are ranked, ascending.
    pub(super) candidates: Vec<u32>,
    /// For each user the count of candidates among the positives.
    taken: Vec<u32>,
}

impl<'a> Pairs<'a> {
    /// Reads the pairs of a split. Candidates are the items that are given, or those that the split's rows refer to.
    pub(super) fn new(call: &'a TrainCall, user: &str, item: &str, given: Option<&Given>) -> Result<Self> {
        let (user_codes, user_names) = codes(call, user)?;
        let (item_codes, item_names) = codes(call, item)?;
        let mut is_candidate = vec![false; item_names.len()];
        let mut add = |item: u32| {
            if let Some(candidate) = is_candidate.get_mut(item as usize) {
                *candidate = true;
            }
        };
        match given {
            None => {
                for (_, rows) in &call.split.parts {
                    let places = call.split.table.rows.places(rows)?;
                    places.into_iter().for_each(|place| add(item_codes[place as usize]));
                }
            }
            Some(Given { table, of_split: false }) => table.rows.ids().into_iter().for_each(add),
            Some(Given { table, of_split: true }) => {
                let column = table.column(item)?;
                let Values::Code { codes, .. } = &column.values else { return Err(no_codes(item, &column.values)) };
                codes.iter().enumerate().filter(|(at, _)| !column.is_missing(*at)).for_each(|(_, &item)| add(item));
            }
        }
        let candidates: Vec<u32> = (0..).zip(&is_candidate).filter(|(_, c)| **c).map(|(item, _)| item).collect();
        let mut pairs = Pairs {
            call,
            user_codes,
            item_codes,
            users: user_names.len(),
            item_names,
            training: Rows::default(),
            positives: Items::new(0, &[]),
            candidates,
            taken: Vec::new(),
        };
        pairs.training = pairs.rows(Part::Train)?;
        pairs.positives = Items::new(pairs.users, &[&pairs.training]);
        let taken = |user: u32| pairs.positives.of(user).iter().filter(|&&i| is_candidate[i as usize]).count() as u32;
        pairs.taken = (0..pairs.users as u32).map(taken).collect();
        Ok(pairs)
    }

    /// Returns the pairs of a part; rows without a user or an item are left out.
    fn rows(&self, of: Part) -> Result<Rows> {
        let mut rows = Rows::default();
        for place in self.call.split.table.rows.places(part(&self.call.split, of)?)? {
            let (user, item) = (self.user_codes[place as usize], self.item_codes[place as usize]);
            if (user as usize) < self.users && (item as usize) < self.item_names.len() {
                rows.places.push(place);
                rows.users.push(user);
                rows.items.push(item);
                rows.met.push(self.call.split.table.rows.id(place as usize));
            }
        }
        Ok(rows)
    }

    /// Returns the items of each user in a part, and the users who have any, ascending.
    pub(super) fn relevant(&self, of: Part) -> Result<(Items, Vec<u32>)> {
        let rows = self.rows(of)?;
        let items = Items::new(self.users, &[&rows]);
        let mut users = rows.users;
        users.sort_unstable();
        users.dedup();
        Ok((items, users))
    }

    /// Returns the items of each user in the parts before this one.
    pub(super) fn seen(&self, before: Part) -> Result<Items> {
        let earlier = Part::ALL.into_iter().take_while(|&part| part != before);
        let earlier = earlier.filter(|&part| self.call.split.part(part).is_some());
        let rows = earlier.map(|part| self.rows(part)).collect::<Result<Vec<_>>>()?;
        Ok(Items::new(self.users, &rows.iter().collect::<Vec<_>>()))
    }

    /// Returns the count of candidates that no training row refers to.
    pub(super) fn cold_candidates(&self) -> usize {
        let mut known = vec![false; self.item_names.len()];
        self.training.items.iter().for_each(|&item| known[item as usize] = true);
        self.candidates.iter().filter(|&&item| !known[item as usize]).count()
    }

    /// Tells whether there is a candidate that is none of the user's training items.
    pub(super) fn has_negatives(&self, user: u32) -> bool {
        (self.taken[user as usize] as usize) < self.candidates.len()
    }

    /// Draws a candidate that is none of the user's training items: each as likely, or one of those that `from` says, where there is one.
    pub(super) fn negative(&self, user: u32, from: From<'_>, random: &mut ChaCha8Rng) -> Result<u32> {
        let own = self.positives.of(user);
        let is_free = |item: &u32| own.binary_search(item).is_err();
        let is_fit = |item: &u32| is_free(item) && self.candidates.binary_search(item).is_ok();
        for _ in 0..20 {
            let (item, fits) = match from {
                From::Candidates => {
                    let item = self.candidates[below(random, self.candidates.len().max(1))];
                    (item, is_free(&item))
                }
                From::Items(items) => {
                    let item = items[below(random, items.len().max(1))];
                    (item, is_fit(&item))
                }
            };
            if fits {
                return Ok(item);
            }
        }
        if let From::Items(items) = from {
            let free: Vec<u32> = items.iter().copied().filter(is_fit).collect();
            if !free.is_empty() {
                return Ok(free[below(random, free.len())]);
            }
        }
        // The user has nearly all: count to the drawn one of the others.
        let free = self.candidates.len() - self.taken[user as usize] as usize;
        if free == 0 {
            return Err(Error::bug("a negative was asked for where there is none"));
        }
        let drawn = below(random, free);
        let mut others = self.candidates.iter().copied().filter(is_free);
        others.nth(drawn).ok_or_else(|| Error::bug("candidates were counted wrongly"))
    }
}

/// Where negatives are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum From<'a> {
    /// From the candidates, each as likely.
    Candidates,
    /// From these items, one as likely as it comes: those of all training rows, or of a step.
    Items(&'a [u32]),
}

/// Returns the codes of a column, and what they stand for; missing ones stand for nothing.
fn codes<'a>(call: &'a TrainCall, name: &str) -> Result<(&'a [u32], &'a Arc<Vocabulary>)> {
    let column = call.split.table.column(name)?;
    if column.count_missing() > 0 {
        return Err(Error::bug(format!("`{name}` has missing values, and pairs need both")));
    }
    match &column.values {
        Values::Code { codes, names } => Ok((codes, names)),
        other => Err(no_codes(name, other)),
    }
}

fn no_codes(name: &str, values: &Values) -> Error {
    Error::bug(format!("`{name}` is no ref or category, but {}", values.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::learn::stream;
    use crate::train::tests::{call, codes as column, split};
    use mmf_data::plan::Plan;
    use mmf_data::table::Table;

    #[test]
    fn negatives_are_even_over_candidates_and_never_training_positives() {
        // User 0 has items 0 and 1 in training and item 2 in the test part; item 5 is in no row.
        let users = column(2, &[0, 0, 0, 1, 1]);
        let items = column(6, &[0, 1, 2, 3, 4]);
        let part = |at: usize| if at == 2 { Part::Test } else { Part::Train };
        let call = call(split(vec![("user", users), ("item", items)], part), Plan::default());
        let pairs = Pairs::new(&call, "user", "item", None).unwrap();
        assert_eq!(pairs.candidates, [0, 1, 2, 3, 4]);
        let mut random = stream(1, 2, 3);
        let mut counts = [0; 6];
        for _ in 0..3000 {
            counts[pairs.negative(0, From::Candidates, &mut random).unwrap() as usize] += 1;
        }
        // The test item is drawn like any other: test rows are not consulted.
        assert_eq!((counts[0], counts[1], counts[5]), (0, 0, 0));
        assert!(counts[2..5].iter().all(|&c| (900..1100).contains(&c)), "{counts:?}");
        let given = |rows: mmf_data::table::Rows, columns, of_split| Given { table: Table { rows, columns }, of_split };
        let ranked = |given: Given| Pairs::new(&call, "user", "item", Some(&given)).unwrap().candidates;
        assert_eq!(ranked(given(mmf_data::table::Rows::all(6), vec![], false)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ranked(given(mmf_data::table::Rows::some(6, vec![1, 5]), vec![], false)), [1, 5]);
        let items = column(6, &[3, 3, 0]);
        assert_eq!(ranked(given(mmf_data::table::Rows::all(3), vec![("item".into(), items)], true)), [0, 3]);
        assert_eq!(pairs.seen(Part::Test).unwrap().of(0), [0, 1]);
        assert!(pairs.seen(Part::Train).unwrap().of(0).is_empty());
    }

    #[test]
    fn negatives_of_items_come_as_often_as_those_items_do() {
        // User 0 has item 0; items 1, 2 and 3 have one, two and five rows of others; item 4 is in the test part alone.
        let users = column(3, &[0, 1, 1, 1, 2, 2, 2, 2, 2, 0]);
        let items = column(5, &[0, 1, 2, 2, 3, 3, 3, 3, 3, 4]);
        let part = |at: usize| if at == 9 { Part::Test } else { Part::Train };
        let call = call(split(vec![("user", users), ("item", items)], part), Plan::default());
        let pairs = Pairs::new(&call, "user", "item", None).unwrap();
        let mut random = stream(1, 2, 3);
        let mut counts = [0i32; 5];
        let rows = &pairs.training.items;
        (0..8000).for_each(|_| counts[pairs.negative(0, From::Items(rows), &mut random).unwrap() as usize] += 1);
        assert_eq!((counts[0], counts[4]), (0, 0));
        for (count, share) in counts[1..4].iter().zip([1000, 2000, 5000]) {
            assert!((count - share).abs() < 200, "{counts:?}");
        }
        // Of a step none of whose items the user lacks, any candidate is drawn.
        let drawn: std::collections::BTreeSet<u32> =
            (0..200).map(|_| pairs.negative(0, From::Items(&[0, 0]), &mut random).unwrap()).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn a_user_who_has_nearly_all_still_gets_the_rest() {
        let mut users = vec![0; 299];
        let mut items: Vec<u32> = (0..299).collect();
        users.push(1);
        items.push(299);
        users.extend(vec![2; 300]);
        items.extend(0..300);
        let call = call(
            split(vec![("user", column(3, &users)), ("item", column(300, &items))], |_| Part::Train),
            Plan::default(),
        );
        let pairs = Pairs::new(&call, "user", "item", None).unwrap();
        let mut random = stream(1, 2, 3);
        assert!((0..50).all(|_| pairs.negative(0, From::Candidates, &mut random).unwrap() == 299));
        assert!(pairs.has_negatives(0) && !pairs.has_negatives(2));
        assert!(pairs.negative(2, From::Candidates, &mut random).is_err());
    }
}
