//! A metric with its interval: measured on all units, and on resamples of them.

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::stage::Measure;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// How often units are resampled.
const RESAMPLES: u64 = 1000;

/// Returns `value`, `low` and `high` (f64, empty where not defined) and `rows` (i64, the units).
///
/// The interval is the percentile bootstrap's, 2.5 to 97.5 %, over resamples of all units with replacement, each from a
/// stream of its own; resamples on which the metric is not defined are left out.
pub(crate) fn bootstrap(
    measure: &Measure,
    units: usize,
    seed: u64,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Arrays> {
    let all: Vec<u32> = (0..units as u32).collect();
    let value = measure(&all).filter(|v| v.is_finite());
    let mut resampled: Vec<f64> = Vec::new();
    if value.is_some() && units > 0 {
        resampled = (0..RESAMPLES)
            .into_par_iter()
            .filter(|_| !stop())
            .filter_map(|round| measure(&resample(units as u32, seed, round)).filter(|v| v.is_finite()))
            .collect();
    }
    if stop() {
        return Err(Error::cancelled());
    }
    resampled.sort_by(f64::total_cmp);
    let some = |x: Option<f64>| Array::F64(x.into_iter().collect());
    Ok(Arrays::new()
        .with("value", some(value))
        .with("low", some(percentile(&resampled, 0.025)))
        .with("high", some(percentile(&resampled, 0.975)))
        .with("rows", Array::I64(vec![units as i64])))
}

fn resample(units: u32, seed: u64, round: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(round);
    // Multiply and shift; the bias is below units / 2^32.
    (0..units).map(|_| ((u64::from(random.next_u32()) * u64::from(units)) >> 32) as u32).collect()
}

/// Returns a percentile of ascending numbers, linear between neighbours as numpy's.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(last);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.percentile([1, 2, 4, 8], [2.5, 97.5])` is `[1.075, 7.7]`.
    #[test]
    fn percentiles_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((percentile(&sorted, 0.025).unwrap() - 1.075).abs() < 1e-12);
        assert!((percentile(&sorted, 0.975).unwrap() - 7.7).abs() < 1e-12);
        assert_eq!(percentile(&[], 0.5), None);
    }

    /// The mean of 400 zeros and ones: the interval is near the normal one, ±1.96 · √(p(1−p)/n).
    #[test]
    fn the_interval_of_a_mean_is_near_the_normal_one() {
        let measure: Measure =
            Box::new(|units| Some(units.iter().filter(|&&u| u % 4 == 0).count() as f64 / units.len() as f64));
        let run = || bootstrap(&measure, 400, 7, &|| false).unwrap();
        let found = run();
        let number = |name: &str| found.f64s(name).unwrap()[0];
        let half = 1.96 * (0.25f64 * 0.75 / 400.0).sqrt();
        assert_eq!(number("value"), 0.25);
        assert!((number("low") - (0.25 - half)).abs() < 0.01, "{}", number("low"));
        assert!((number("high") - (0.25 + half)).abs() < 0.01, "{}", number("high"));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one.install(run), found);
    }

    #[test]
    fn what_is_not_defined_has_no_number() {
        let measure: Measure = Box::new(|_| None);
        let found = bootstrap(&measure, 3, 7, &|| false).unwrap();
        assert!(found.f64s("value").unwrap().is_empty() && found.f64s("low").unwrap().is_empty());
        assert_eq!(found.i64s("rows").unwrap(), [3]);
    }
}
