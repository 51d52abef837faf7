//! Counts of truths and guesses, from which the metrics of classes are told, and what a report says of each class; a resample costs
//! one pass over its units.

use mmf_data::error::Result;
use mmf_data::stage::{Measure, Predictions};

use crate::train::predictions::Classified;

/// How classes are brought to one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// The positive class of two; the macro average of more.
    Plain,
    /// The mean over the classes that are in the truth or among the guesses.
    Macro,
    /// Of all decisions together; with one label a unit this is the accuracy.
    Micro,
}

impl Average {
    pub(crate) fn of(word: Option<&str>) -> Average {
        match word {
            Some("macro") => Average::Macro,
            Some("micro") => Average::Micro,
            _ => Average::Plain,
        }
    }
}

/// Counts of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Guessed and true.
    pub both: u32,
    pub truth: u32,
    pub guess: u32,
}

/// A number that is told of the counts of one class.
pub type Score = fn(Counts) -> f64;

impl Counts {
    /// Returns the counts of each class, from the true class and the guessed one of each row.
    pub fn of_classes(classes: usize, pairs: impl Iterator<Item = (u32, u32)>) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); classes];
        for (truth, guess) in pairs {
            counts[truth as usize].truth += 1;
            counts[guess as usize].guess += 1;
            if truth == guess {
                counts[truth as usize].both += 1;
            }
        }
        counts
    }

    /// Returns the share of the guesses that are right.
    pub fn precision(self) -> f64 {
        share(f64::from(self.both), f64::from(self.guess))
    }

    /// Returns the share of the rows of the class that are found.
    pub fn recall(self) -> f64 {
        share(f64::from(self.both), f64::from(self.truth))
    }

    /// Returns the harmonic mean of the two.
    pub fn f1(self) -> f64 {
        share(2.0 * f64::from(self.both), f64::from(self.truth) + f64::from(self.guess))
    }

    fn sum(all: &[Counts]) -> Counts {
        all.iter().fold(Counts::default(), |sum, c| Counts {
            both: sum.both + c.both,
            truth: sum.truth + c.truth,
            guess: sum.guess + c.guess,
        })
    }
}

/// A share; 0 where it is 0 of 0, as scikit-learn has it.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// Returns the mean over the classes that are in the truth or among the guesses; nothing where there is none.
pub fn macro_mean(counts: &[Counts], score: Score) -> Option<f64> {
    let present: Vec<f64> = counts.iter().filter(|c| c.truth + c.guess > 0).map(|&c| score(c)).collect();
    (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
}

/// Returns the mean over the classes, each as often as it is true; nothing where no row is.
pub fn weighted_mean(counts: &[Counts], score: Score) -> Option<f64> {
    let rows = Counts::sum(counts).truth;
    let sum: f64 = counts.iter().map(|&c| f64::from(c.truth) * score(c)).sum();
    (rows > 0).then(|| sum / f64::from(rows))
}

/// Returns a metric that `score` tells of the counts of one class.
pub(crate) fn measure(from: &Predictions, average: Average, score: Score) -> Result<Measure> {
    let classified = Classified::read(from)?;
    let classes = classified.classes.len();
    let positive = classified.positive as usize;
    let pairs: Vec<(u32, u32)> = classified.label.iter().copied().zip(classified.guesses()).collect();
    Ok(Box::new(move |places| {
        if places.is_empty() {
            return None;
        }
        let counts = Counts::of_classes(classes, places.iter().map(|&place| pairs[place as usize]));
        match average {
            Average::Micro => Some(score(Counts::sum(&counts))),
            Average::Plain if classes == 2 => Some(score(counts[positive])),
            _ => macro_mean(&counts, score),
        }
    }))
}
