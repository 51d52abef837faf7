//! Metrics of rankings: a number a user, and the mean over users.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Measure, Predictions};

use crate::train::predictions::Ranked;

/// What a ranking metric sees of one user.
pub(crate) struct User<'a> {
    /// Ranks of the relevant items within the cut, ascending, from 1.
    pub(crate) ranks: &'a [u32],
    /// Count of relevant items.
    pub(crate) relevant: usize,
    /// The cut; the count of candidates where there is none.
    pub(crate) k: usize,
}

/// Returns the metric whose value is the mean of `score` over users.
pub(crate) fn measure(from: &Predictions, k: Option<usize>, score: fn(&User<'_>) -> f64) -> Result<Measure> {
    let ranked = Ranked::read(from)?;
    let values: Vec<f64> = (0..ranked.users.len())
        .map(|user| {
            let k = k.unwrap_or(ranked.candidates[user] as usize);
            let ranks = ranked.ranks.get(user);
            let within = ranks.partition_point(|&rank| rank as usize <= k);
            // An empty sum is −0 in floating point.
            score(&User { ranks: &ranks[..within], relevant: ranked.relevant[user] as usize, k }) + 0.0
        })
        .collect();
    Ok(mean(values))
}

/// Returns the metric that is the mean of a value a unit.
pub(crate) fn mean(values: Vec<f64>) -> Measure {
    Box::new(move |places| {
        if places.is_empty() {
            return None;
        }
        Some(places.iter().map(|&place| values[place as usize]).sum::<f64>() / places.len() as f64)
    })
}

/// Returns the cut, which the checker asks for.
pub(crate) fn cut(k: Option<usize>, metric: &str) -> Result<Option<usize>> {
    match k {
        Some(k) => Ok(Some(k)),
        None => Err(Error::bug(format!("`{metric}` of a ranking stands without a cut"))),
    }
}
