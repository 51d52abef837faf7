//! Who came before whom: for each row the earlier rows of the same one (a user's earlier ratings).
//!
//! Rows of one moment do not see each other, so it does not matter how a split settles ties.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::table::{Column, Rows};
use crate::values::{Values, Vocabulary};

/// For each occasion the earlier rows, oldest first, the latest of them where there are more than asked for.
///
/// The first occasions are the rows of the domain, by their numbers; those that [`Past::now`] adds follow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Rows of each one together, oldest first; behind them what `now` adds.
    rows: Vec<u32>,
    /// Where in `rows` each occasion's stand: from, to.
    spans: Vec<(u32, u32)>,
    /// Of each one, where its rows stand.
    groups: Vec<(u32, u32)>,
    /// When each of `rows` was, as a number that orders alike.
    moments: Vec<i64>,
    last: u32,
}

impl Past {
    /// Orders the rows of `by` by `order`. Rows of one moment stand, where later ones see them, in the order of what they hold in
    /// `read`: names, or numbers; of their places only where that tells nothing.
    pub fn new(by: &Column, order: &Column, last: usize, read: Option<&Column>) -> Result<Past> {
        let Values::Code { codes, names } = &by.values else {
            return Err(Error::bug(format!("a history belongs to codes, not to {}", by.values.kind())));
        };
        let order = order.restrict(&by.rows)?;
        let moments = moments(&order.values)?;
        let read = read.map(|column| column.restrict(&by.rows)).transpose()?;
        let held = read.as_ref().map(Held::of);
        let tie = |a: usize, b: usize| held.as_ref().map_or(Ordering::Equal, |held| held.compare(a, b));
        let mut places: Vec<usize> = (0..by.len()).filter(|&at| !by.is_missing(at) && !order.is_missing(at)).collect();
        places.sort_by(|&a, &b| {
            (codes[a], moments[a]).cmp(&(codes[b], moments[b])).then_with(|| tie(a, b)).then(a.cmp(&b))
        });
        let mut past = Past {
            rows: places.iter().map(|&at| by.rows.id(at)).collect(),
            spans: vec![(0, 0); by.rows.total],
            groups: vec![(0, 0); names.len()],
            moments: places.iter().map(|&at| moments[at]).collect(),
            last: u32::try_from(last).unwrap_or(u32::MAX),
        };
        let mut begin = 0;
        for group in places.chunk_by(|&a, &b| codes[a] == codes[b]) {
            let end = begin + group.len();
            past.groups[codes[group[0]] as usize] = (begin as u32, end as u32);
            let mut before = begin;
            for at in begin..end {
                if past.moments[at] != past.moments[before] {
                    before = at;
                }
                past.spans[past.rows[at] as usize] = past.latest(begin as u32, before as u32);
            }
            begin = end;
        }
        Ok(past)
    }

    fn latest(&self, begin: u32, end: u32) -> (u32, u32) {
        (begin.max(end.saturating_sub(self.last)), end)
    }

    /// Adds an occasion for each one there is: now, after the rows in `earlier`, before those in `later`. Rows in neither count
    /// where they are not after the last of the earlier ones. Returns the number of the first of them.
    pub fn now(&mut self, earlier: &[&Rows], later: &[&Rows]) -> usize {
        let first = self.spans.len();
        let holds = |parts: &[&Rows], row: u32| parts.iter().any(|rows| rows.place(row).is_some());
        for at in 0..self.groups.len() {
            let (begin, end) = self.groups[at];
            let own = begin as usize..end as usize;
            let known = own.clone().rev().find(|&at| holds(earlier, self.rows[at])).map(|at| self.moments[at]);
            let seen: Vec<u32> = match known {
                None => Vec::new(),
                Some(known) => own
                    .filter(|&at| self.moments[at] <= known && !holds(later, self.rows[at]))
                    .map(|at| self.rows[at])
                    .collect(),
            };
            let start = self.rows.len() as u32;
            self.rows.extend_from_slice(&seen[seen.len().saturating_sub(self.last as usize)..]);
            self.spans.push((start, self.rows.len() as u32));
        }
        first
    }

    /// Returns the rows before an occasion, oldest first.
    pub fn of(&self, occasion: u32) -> &[u32] {
        match self.spans.get(occasion as usize) {
            Some(&(begin, end)) => &self.rows[begin as usize..end as usize],
            None => &[],
        }
    }

    /// Returns how many occasions there are.
    pub fn occasions(&self) -> usize {
        self.spans.len()
    }
}

/// What settles the order of rows of one moment.
enum Held<'a> {
    Names(&'a [u32], &'a Vocabulary),
    Numbers(usize, Arc<Vec<f32>>),
    Nothing,
}

impl<'a> Held<'a> {
    fn of(column: &'a Column) -> Self {
        match &column.values {
            Values::Code { codes, names } => Held::Names(codes, names),
            values => values.as_vectors().map_or(Held::Nothing, |(width, numbers)| Held::Numbers(width, numbers)),
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Held::Names(codes, names) => {
                let name = |at: usize| ((codes[at] as usize) < names.len()).then(|| names.name(codes[at]));
                name(a).cmp(&name(b))
            }
            Held::Numbers(width, numbers) => {
                let own = |at: usize| numbers[at * width..][..*width].iter();
                own(a).zip(own(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            }
            Held::Nothing => Ordering::Equal,
        }
    }
}

/// Returns whole numbers that order as the values do.
fn moments(values: &Values) -> Result<Vec<i64>> {
    Ok(match values {
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => v.to_vec(),
        Values::Bool(v) => v.iter().map(|&b| i64::from(b)).collect(),
        // The bits of a float order as the float does, once those of negative ones are turned; both zeros are one moment.
        Values::Float(v) => v
            .iter()
            .map(|&x| {
                let bits = (x + 0.0).to_bits() as i64;
                bits ^ (((bits >> 63) as u64) >> 1) as i64
            })
            .collect(),
        other => return Err(Error::bug(format!("{} have no order", other.kind()))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(codes: &[u32]) -> Column {
        let count = codes.iter().max().map_or(0, |&most| most + 1);
        let names = Arc::new(Vocabulary::new((0..count).map(|n| n.to_string()).collect()));
        Column::new(Rows::all(codes.len()), Values::Code { codes: Arc::new(codes.to_vec()), names })
    }

    fn times(at: &[f64]) -> Column {
        Column::new(Rows::all(at.len()), Values::Float(Arc::new(at.to_vec())))
    }

    #[test]
    fn rows_see_earlier_rows_of_the_same_one_oldest_first() {
        let (by, at) = (users(&[0, 1, 0, 0, 1, 0]), times(&[5.0, 1.0, -2.0, 5.0, 0.5, 9.0]));
        let past = Past::new(&by, &at, 9, None).unwrap();
        let seen: Vec<&[u32]> = (0..6).map(|row| past.of(row)).collect();
        assert_eq!(seen, [&[2][..], &[4], &[], &[2], &[], &[2, 0, 3]]);
        let short = Past::new(&by, &at, 2, None).unwrap();
        assert_eq!(short.of(5), [0, 3], "the latest two");
        let falling = times(&[5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
        let turned = Past::new(&by, &at, 9, Some(&falling)).unwrap();
        assert_eq!(turned.of(5), [2, 3, 0], "rows of one moment stand as their numbers say");
    }

    #[test]
    fn negative_and_zero_moments_order_as_numbers() {
        let numbers = [f64::NEG_INFINITY, -1e300, -1.5, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY];
        let ordered = moments(&times(&numbers).values).unwrap();
        assert!(ordered.is_sorted_by(|a, b| a < b), "{ordered:?}");
        let zeros = moments(&times(&[0.0, -0.0]).values).unwrap();
        assert_eq!(zeros[0], zeros[1]);
    }

    #[test]
    fn now_is_after_the_earlier_parts_and_knows_nothing_of_later_ones() {
        let (by, at) = (users(&[0, 0, 0, 0, 0, 1]), times(&[1.0, 2.0, 3.0, 4.0, 5.0, 1.0]));
        // Row 1 is in no part, as a row that was filtered out before the split; so is row 4, which is after all that is known.
        let (train, test) = (Rows::some(6, vec![0, 2]), Rows::some(6, vec![3, 5]));
        let mut past = Past::new(&by, &at, 9, None).unwrap();
        let first = past.now(&[&train], &[&test]);
        assert_eq!(first, 6);
        assert_eq!(past.of(6), [0, 1, 2]);
        assert!(past.of(7).is_empty(), "of one who has no earlier row, nothing is known");
        assert_eq!(past.occasions(), 8);
    }
}
