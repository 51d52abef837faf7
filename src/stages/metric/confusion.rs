//! Counts of truths and guesses, from which the metrics of classes are told; a resample costs one pass over its units.

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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Guessed and true.
    pub(crate) both: u32,
    pub(crate) truth: u32,
    pub(crate) guess: u32,
}

/// A share; 0 where it is 0 of 0, as scikit-learn has it.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// Returns a metric that `score` tells of the counts of one class.
pub(crate) fn measure(from: &Predictions, average: Average, score: fn(Counts) -> f64) -> Result<Measure> {
    let classified = Classified::read(from)?;
    let classes = classified.classes.len();
    let positive = classified.positive as usize;
    let pairs: Vec<(u32, u32)> = classified.label.iter().copied().zip(classified.guesses()).collect();
    Ok(Box::new(move |places| {
        if places.is_empty() {
            return None;
        }
        let mut counts = vec![Counts::default(); classes];
        for &place in places {
            let (truth, guess) = pairs[place as usize];
            counts[truth as usize].truth += 1;
            counts[guess as usize].guess += 1;
            if truth == guess {
                counts[truth as usize].both += 1;
            }
        }
        Some(match average {
            Average::Micro => score(counts.iter().fold(Counts::default(), |sum, c| Counts {
                both: sum.both + c.both,
                truth: sum.truth + c.truth,
                guess: sum.guess + c.guess,
            })),
            Average::Plain if classes == 2 => score(counts[positive]),
            _ => {
                let present = || counts.iter().filter(|c| c.truth + c.guess > 0);
                present().map(|&c| score(c)).sum::<f64>() / present().count() as f64
            }
        })
    }))
}
