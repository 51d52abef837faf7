//! What a train predicts for a part of its split: the arrays that metrics, reports and early stopping read.
//!
//! Every form has `task` (one text: `classify`, `regress` or `recommend`) and `units`, the numbers of what is measured: rows of the
//! source, or users. A resample of units is a resample of the places in `units`.
//!
//! | task | array | kind | holds |
//! |---|---|---|---|
//! | classify | `label` | u32 | the class of each unit |
//! | | `scores` | f32 | units × classes probabilities |
//! | | `classes` | texts | the names of the classes |
//! | | `positive` | u32 | the class that two-class metrics speak of |
//! | regress | `label`, `predicted` | f64 | the truth and the guess of each unit |
//! | recommend | `relevant` | u32 | count of each user's distinct items in the part |
//! | | `ranks`, `ranks.ends` | u32, i64 | ranks from 1 of those of them that are candidates, ascending; ends are places |
//! | | `candidates` | u32 | count of items that were ranked for each user |
//! | | `top.items`, `top.scores`, `top.ends` | u32, f32, i64 | the first items of each ranking, best first |
//! | | `top.counts` | u32 | count of each such item's training rows |
//! | | `items` | i64 | count of all candidates |
//! | | `cold` | i64 | count of users without a training row |
//! | all, where there is one | `space.units`, `space.width`, `space.values` | u32, i64, f32 | vectors of some rows, or of items, for a picture ([`super::space`]) |
//! | recommend | `space.counts` | u32 | count of each such item's training rows |
//!
//! A rank is the count of candidates whose score is equal or higher: equal scores rank worst. In `top`, equal scores stand in the order
//! of their names.

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::stage::Predictions;
use mmf_lang::types::Task;

/// Predictions of `classify`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Classified {
    pub(crate) units: Vec<u32>,
    pub(crate) label: Vec<u32>,
    /// Units × classes.
    pub(crate) scores: Vec<f32>,
    pub(crate) classes: Vec<String>,
    pub(crate) positive: u32,
}

impl Classified {
    pub(crate) fn write(self) -> Predictions {
        head(Task::Classify, self.units)
            .with("label", Array::U32(self.label))
            .with("scores", Array::F32(self.scores))
            .with("classes", Array::Texts(self.classes.into()))
            .with("positive", Array::U32(vec![self.positive]))
    }

    pub(crate) fn read(from: &Predictions) -> Result<Self> {
        expect(from, Task::Classify)?;
        let out = Classified {
            units: from.u32s("units")?.to_vec(),
            label: from.u32s("label")?.to_vec(),
            scores: from.f32s("scores")?.to_vec(),
            classes: from.texts("classes")?.iter().map(str::to_string).collect(),
            positive: from.u32s("positive")?.first().copied().unwrap_or(0),
        };
        let (n, k) = (out.units.len(), out.classes.len());
        let inside = |class: &u32| (*class as usize) < k;
        if out.label.len() != n || out.scores.len() != n * k || !out.label.iter().all(inside) || !inside(&out.positive)
        {
            return Err(odd());
        }
        Ok(out)
    }

    /// Returns the class that is guessed for each unit: the most probable; of equally probable ones the positive one of two, else the
    /// first.
    pub(crate) fn guesses(&self) -> Vec<u32> {
        let k = self.classes.len();
        if k == 2 {
            let (yes, no) = (self.positive as usize & 1, 1 - (self.positive as usize & 1));
            return self.scores.chunks_exact(2).map(|s| if s[yes] >= s[no] { yes as u32 } else { no as u32 }).collect();
        }
        self.scores
            .chunks_exact(k.max(1))
            .map(|s| (0..k).fold(0, |best, class| if s[class] > s[best] { class } else { best }) as u32)
            .collect()
    }
}

/// Predictions of `regress`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Regressed {
    pub(crate) units: Vec<u32>,
    pub(crate) label: Vec<f64>,
    pub(crate) predicted: Vec<f64>,
}

impl Regressed {
    pub(crate) fn write(self) -> Predictions {
        head(Task::Regress, self.units)
            .with("label", Array::F64(self.label))
            .with("predicted", Array::F64(self.predicted))
    }

    pub(crate) fn read(from: &Predictions) -> Result<Self> {
        expect(from, Task::Regress)?;
        let out = Regressed {
            units: from.u32s("units")?.to_vec(),
            label: from.f64s("label")?.to_vec(),
            predicted: from.f64s("predicted")?.to_vec(),
        };
        if out.label.len() != out.units.len() || out.predicted.len() != out.units.len() {
            return Err(odd());
        }
        Ok(out)
    }
}

/// Predictions of `recommend`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) users: Vec<u32>,
    pub(crate) relevant: Vec<u32>,
    pub(crate) ranks: Lists<u32>,
    pub(crate) candidates: Vec<u32>,
    pub(crate) top: Lists<(u32, f32)>,
    /// For each item in `top`, how often it is in training rows.
    pub(crate) counts: Vec<u32>,
    pub(crate) items: usize,
    pub(crate) cold: usize,
}

impl Ranked {
    pub(crate) fn write(self) -> Predictions {
        let ends = |ends: Vec<usize>| Array::I64(ends.into_iter().map(|e| e as i64).collect());
        let (items, scores): (Vec<u32>, Vec<f32>) = self.top.values.into_iter().unzip();
        head(Task::Recommend, self.users)
            .with("relevant", Array::U32(self.relevant))
            .with("ranks", Array::U32(self.ranks.values))
            .with("ranks.ends", ends(self.ranks.ends))
            .with("candidates", Array::U32(self.candidates))
            .with("top.items", Array::U32(items))
            .with("top.scores", Array::F32(scores))
            .with("top.ends", ends(self.top.ends))
            .with("top.counts", Array::U32(self.counts))
            .with("items", Array::I64(vec![self.items as i64]))
            .with("cold", Array::I64(vec![self.cold as i64]))
    }

    pub(crate) fn read(from: &Predictions) -> Result<Self> {
        expect(from, Task::Recommend)?;
        let count = |name: &str| -> Result<usize> { Ok(from.i64s(name)?.first().copied().unwrap_or(0) as usize) };
        let (items, scores) = (from.u32s("top.items")?, from.f32s("top.scores")?);
        let out = Ranked {
            users: from.u32s("units")?.to_vec(),
            relevant: from.u32s("relevant")?.to_vec(),
            ranks: Lists::new(from.u32s("ranks")?.to_vec(), from.i64s("ranks.ends")?)?,
            candidates: from.u32s("candidates")?.to_vec(),
            top: Lists::new(items.iter().copied().zip(scores.iter().copied()).collect(), from.i64s("top.ends")?)?,
            counts: from.u32s("top.counts")?.to_vec(),
            items: count("items")?,
            cold: count("cold")?,
        };
        let n = out.users.len();
        let counts = [out.relevant.len(), out.ranks.ends.len(), out.candidates.len(), out.top.ends.len()];
        if counts.iter().any(|&count| count != n) || [scores.len(), out.counts.len()] != [items.len(); 2] {
            return Err(odd());
        }
        Ok(out)
    }
}

/// Lists end to end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lists<T> {
    pub(crate) values: Vec<T>,
    pub(crate) ends: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { values: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    fn new(values: Vec<T>, ends: &[i64]) -> Result<Self> {
        let ends: Vec<usize> = ends.iter().map(|&e| e as usize).collect();
        if !ends.is_sorted() || ends.last().copied().unwrap_or(0) != values.len() {
            return Err(odd());
        }
        Ok(Lists { values, ends })
    }

    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.values.extend(list);
        self.ends.push(self.values.len());
    }

    pub(crate) fn get(&self, i: usize) -> &[T] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.values[start..self.ends[i]]
    }
}

/// Returns the task that made the predictions.
pub(crate) fn task(from: &Predictions) -> Result<Task> {
    let word = from.texts("task")?.first();
    [Task::Classify, Task::Regress, Task::Recommend].into_iter().find(|t| Some(t.word()) == word).ok_or_else(odd)
}

fn head(task: Task, units: Vec<u32>) -> Predictions {
    Arrays::new().with("task", Array::Texts([task.word()].iter().collect())).with("units", Array::U32(units))
}

fn expect(from: &Predictions, wanted: Task) -> Result<()> {
    let found = task(from)?;
    if found == wanted {
        return Ok(());
    }
    Err(Error::bug(format!("predictions of `{}` were expected, found those of `{}`", wanted.word(), found.word())))
}

fn odd() -> Error {
    Error::bug("stored predictions do not fit together")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let classified = Classified {
            units: vec![4, 9],
            label: vec![0, 2],
            scores: vec![0.5, 0.25, 0.25, 0.0, 0.5, 0.5],
            classes: ["a", "b", "c"].map(String::from).to_vec(),
            positive: 2,
        };
        assert_eq!(Classified::read(&classified.clone().write()).unwrap(), classified);
        assert_eq!(classified.guesses(), [0, 1]);
        let regressed = Regressed { units: vec![1], label: vec![2.0], predicted: vec![2.5] };
        assert_eq!(Regressed::read(&regressed.clone().write()).unwrap(), regressed);
        let mut ranked = Ranked {
            users: vec![7, 8],
            relevant: vec![1, 2],
            candidates: vec![5, 4],
            counts: vec![3],
            items: 6,
            cold: 1,
            ..Ranked::default()
        };
        ranked.ranks.push([3]);
        ranked.ranks.push([1, 2]);
        ranked.top.push([(5, 0.5)]);
        ranked.top.push([]);
        let written = ranked.clone().write();
        assert_eq!(Ranked::read(&written).unwrap(), ranked);
        assert!(Regressed::read(&written).is_err());
        assert!(Ranked::read(&written.with("ranks.ends", Array::I64(vec![1, 9]))).is_err());
    }
}
