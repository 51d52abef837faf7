//! A metric with its interval: measured on all units, and on resamples of them.

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::stage::Measure;
use mmf_data::statistics::{self, NORMAL, percentile};
use mmf_lang::signature::Interval;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// How often units are resampled.
const RESAMPLES: u64 = 1000;

/// Into how many groups the jackknife puts units, at most.
const GROUPS: usize = 1000;

/// Returns `value`, `low` and `high` (f64, empty where not defined) and `rows` (i64, the units).
pub(crate) fn measured(
    interval: Interval,
    measure: &Measure,
    units: usize,
    seed: u64,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Arrays> {
    match interval {
        Interval::Bootstrap => bootstrap(measure, units, seed, stop),
        Interval::Jackknife => jackknife(measure, units, stop),
    }
}

/// The interval is 1.96 standard errors of the jackknife about the value, within 0 and 1; of more than a thousand units,
/// groups are left out.
fn jackknife(measure: &Measure, units: usize, stop: &(dyn Fn() -> bool + Sync)) -> Result<Arrays> {
    let all: Vec<u32> = (0..units as u32).collect();
    let value = measure(&all).filter(|v| v.is_finite());
    let left = |units: &[u32]| if stop() { None } else { measure(units) };
    let error = value.and_then(|_| statistics::jackknife(units, GROUPS, left));
    if stop() {
        return Err(Error::cancelled());
    }
    let (mut low, mut high) = (None, None);
    if let (Some(value), Some(error)) = (value, error) {
        let half = NORMAL * error;
        // What lies outside of 0 and 1 is no share, and stays as it is.
        low = Some((value - half).max(value.min(0.0)));
        high = Some((value + half).min(value.max(1.0)));
    }
    let some = |x: Option<f64>| Array::F64(x.into_iter().collect());
    Ok(Arrays::new()
        .with("value", some(value))
        .with("low", some(low))
        .with("high", some(high))
        .with("rows", Array::I64(vec![units as i64])))
}

/// The interval is the percentile bootstrap's, 2.5 to 97.5 %, over resamples of all units with replacement, each from a
/// stream of its own; resamples on which the metric is not defined are left out.
fn bootstrap(measure: &Measure, units: usize, seed: u64, stop: &(dyn Fn() -> bool + Sync)) -> Result<Arrays> {
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

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The share of `items` that any of the units has, three each.
    fn coverage(lists: Vec<[u32; 3]>, items: u32) -> Measure {
        Box::new(move |units| {
            let mut shown = vec![false; items as usize];
            units.iter().flat_map(|&u| lists[u as usize]).for_each(|item| shown[item as usize] = true);
            Some(shown.iter().filter(|&&x| x).count() as f64 / f64::from(items))
        })
    }

    fn drawn(units: usize, items: u32, seed: u64) -> Vec<[u32; 3]> {
        let places = (0..).flat_map(|round| resample(items, seed, round));
        let flat: Vec<u32> = places.take(units * 3).collect();
        flat.as_chunks::<3>().0.to_vec()
    }

    fn interval(found: &Arrays) -> [f64; 3] {
        ["low", "value", "high"].map(|name| found.f64s(name).unwrap()[0])
    }

    #[test]
    fn the_interval_of_distinct_things_holds_the_value() {
        let measure = coverage(drawn(80, 200, 5), 200);
        let [_, value, high] = interval(&bootstrap(&measure, 80, 7, &|| false).unwrap());
        assert!(high < value, "resamples repeat users, and none reaches {value}: {high}");
        let [low, same, high] = interval(&measured(Interval::Jackknife, &measure, 80, 7, &|| false).unwrap());
        assert!(low < value && value < high && same == value, "{low}..{high} about {value}");
    }

    #[test]
    fn the_jackknife_is_wide_enough_for_other_samples_of_users() {
        // Another 80 users of the same kind: their coverage lies in the interval about 95 times in 100.
        let value = |seed| coverage(drawn(80, 200, seed), 200)(&(0..80).collect::<Vec<_>>()).unwrap();
        let mean = (1000..1400).map(value).sum::<f64>() / 400.0;
        let holds = |seed: &u64| {
            let measure = coverage(drawn(80, 200, *seed), 200);
            let [low, _, high] = interval(&measured(Interval::Jackknife, &measure, 80, 7, &|| false).unwrap());
            (low..=high).contains(&mean)
        };
        let found = (1..=200).filter(holds).count();
        assert!(found >= 186, "{found} of 200 intervals hold the expected coverage");
    }

    #[test]
    fn a_mean_has_the_textbook_interval() {
        let values = [0.2, 0.9, 0.4, 0.4, 0.7];
        let measure: Measure =
            Box::new(move |units| Some(units.iter().map(|&u| values[u as usize]).sum::<f64>() / units.len() as f64));
        // numpy.std([0.2, 0.9, 0.4, 0.4, 0.7], ddof=1) / numpy.sqrt(5)
        let error = 0.124_096_736_459_908_55;
        let [low, value, high] = interval(&jackknife(&measure, 5, &|| false).unwrap());
        assert!((value - 0.52).abs() < 1e-12 && (high - value - NORMAL * error).abs() < 1e-9);
        assert!((value - low - NORMAL * error).abs() < 1e-9);
        let one = jackknife(&measure, 1, &|| false).unwrap();
        assert!(one.f64s("low").unwrap().is_empty() && one.f64s("value").unwrap() == [0.2]);
    }

    #[test]
    fn groups_are_as_wide_as_single_units() {
        let many = coverage(drawn(3000, 5000, 5), 5000);
        let [low, value, high] = interval(&jackknife(&many, 3000, &|| false).unwrap());
        // By hand, each unit left out: the standard error of the count of items that one user alone has.
        let lists = drawn(3000, 5000, 5);
        let mut owners = vec![std::collections::BTreeSet::new(); 5000];
        lists
            .iter()
            .enumerate()
            .for_each(|(user, list)| list.iter().for_each(|&item| _ = owners[item as usize].insert(user)));
        let mut alone = vec![0.0; 3000];
        owners.iter().filter(|o| o.len() == 1).for_each(|o| alone[*o.first().unwrap()] += 1.0 / 5000.0);
        let mean = alone.iter().sum::<f64>() / 3000.0;
        let half = NORMAL * (2999.0 / 3000.0 * alone.iter().map(|x: &f64| (x - mean).powi(2)).sum::<f64>()).sqrt();
        assert!(((high - low) / 2.0 / half - 1.0).abs() < 0.1, "{} against {half}", (high - low) / 2.0);
        assert!(low < value && value < high);
    }

    #[test]
    fn what_is_not_defined_has_no_number() {
        let measure: Measure = Box::new(|_| None);
        for kind in [Interval::Bootstrap, Interval::Jackknife] {
            let found = measured(kind, &measure, 3, 7, &|| false).unwrap();
            assert!(found.f64s("value").unwrap().is_empty() && found.f64s("low").unwrap().is_empty());
            assert_eq!(found.i64s("rows").unwrap(), [3]);
        }
    }
}
