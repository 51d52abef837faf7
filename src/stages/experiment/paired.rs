//! Two ways of doing one thing, compared on the same units: a gain, its interval, and how likely it is by chance.
//!
//! By hand, as no kept-up crate has paired permutation tests.

use mmf_data::statistics::{NORMAL, jackknife, percentile};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// How often units are resampled for an interval.
const RESAMPLES: u64 = 2000;
/// How often signs are drawn for a test.
const SIGNS: u64 = 9999;

/// Into how many groups the jackknife puts units, at most.
const GROUPS: usize = 200;

/// What a comparison finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Compared {
    pub(crate) gain: f64,
    /// The 95 % interval, over other trainings and other units.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Of both sides.
    pub(crate) p: f64,
    /// Mean over standard deviation of the units' gains.
    pub(crate) effect: f64,
}

fn stream(seed: u64, round: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(round);
    random
}

/// Compares by the gain of each unit in each training. The test draws signs: without a difference a unit's gain, in the mean of all
/// trainings, is as likely its opposite.
pub(crate) fn by_unit(trainings: &[Vec<f64>], seed: u64) -> Compared {
    let units = trainings.first().map_or(0, Vec::len);
    let (n, times) = (units.max(1) as f64, trainings.len().max(1) as f64);
    let gains: Vec<f64> = (0..units).map(|unit| trainings.iter().map(|t| t[unit]).sum::<f64>() / times).collect();
    let gain = gains.iter().sum::<f64>() / n;
    let square = gains.iter().map(|g| (g - gain).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let effect = if square > 0.0 { gain / square.sqrt() } else { f64::NAN };
    let moved: Vec<f64> = gains.iter().copied().filter(|g| *g != 0.0).collect();
    let observed = (gain * n).abs() * (1.0 - 1e-12);
    let as_far = |round: u64| {
        let mut random = stream(seed, round);
        let mut signs = 0u64;
        let sum: f64 = moved
            .iter()
            .enumerate()
            .map(|(at, g)| {
                if at % 64 == 0 {
                    signs = random.random();
                }
                let own = signs >> (at % 64) & 1;
                if own == 0 { *g } else { -g }
            })
            .sum();
        sum.abs() >= observed
    };
    let count = (0..SIGNS).into_par_iter().filter(|&round| as_far(round)).count();
    let p = if moved.is_empty() { 1.0 } else { (count + 1) as f64 / (SIGNS + 1) as f64 };
    let (low, high) = ends(&resampled(units, trainings.len(), seed, |again, units| {
        let own = |training: usize| units.iter().map(|&unit| trainings[training][unit as usize]).sum::<f64>();
        Some(again.iter().map(|&training| own(training)).sum::<f64>() / n / times)
    }));
    Compared { gain, low, high, p, effect }
}

/// Compares by a number that is told of trainings and of units together; the chance is that of a resample on the other side of
/// nothing.
pub(crate) fn together(
    units: usize,
    trainings: usize,
    seed: u64,
    gain: impl Fn(&[usize], &[u32]) -> Option<f64> + Sync,
) -> Compared {
    let (every, all): (Vec<usize>, Vec<u32>) = ((0..trainings).collect(), (0..units as u32).collect());
    let found = resampled(units, trainings, seed, &gain);
    let (low, high) = ends(&found);
    let beyond = |is: fn(&&f64) -> bool| found.iter().filter(is).count() as f64 + 1.0;
    let least = beyond(|x| **x <= 0.0).min(beyond(|x| **x >= 0.0));
    let p = (2.0 * least / (found.len() as f64 + 1.0)).min(1.0);
    Compared { gain: gain(&every, &all).unwrap_or(f64::NAN), low, high, p, effect: f64::NAN }
}

/// The same of a number that counts distinct things, which a resample has fewer of: by the jackknife over units, left out in groups;
/// trainings are taken in their mean.
pub(crate) fn by_leaving_out(units: usize, gain: impl Fn(&[u32]) -> Option<f64> + Sync) -> Compared {
    let all: Vec<u32> = (0..units as u32).collect();
    let whole = gain(&all).unwrap_or(f64::NAN);
    let error = jackknife(units, GROUPS, gain).unwrap_or(f64::NAN);
    let p = if error > 0.0 { beyond_normal(whole.abs() / error) } else { f64::from(u8::from(whole == 0.0)) };
    let half = NORMAL * error;
    Compared { gain: whole, low: whole - half, high: whole + half, p, effect: f64::NAN }
}

/// Returns the chance that a normal number lies at least so many deviations off, on either side (Abramowitz and Stegun 7.1.26, to
/// 1.5e-7).
fn beyond_normal(deviations: f64) -> f64 {
    let x = deviations / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    (sum * (-x * x).exp()).clamp(0.0, 1.0)
}

/// Returns a value on other units and other trainings, ascending.
fn resampled(
    units: usize,
    trainings: usize,
    seed: u64,
    value: impl Fn(&[usize], &[u32]) -> Option<f64> + Sync,
) -> Vec<f64> {
    if units == 0 {
        return Vec::new();
    }
    let mut found: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .filter_map(|round| {
            let mut random = stream(seed, SIGNS + round);
            let again: Vec<usize> = match trainings {
                1 => vec![0],
                _ => (0..trainings).map(|_| random.random_range(0..trainings as u64) as usize).collect(),
            };
            let units: Vec<u32> = (0..units).map(|_| random.random_range(0..units as u32)).collect();
            value(&again, &units).filter(|x| x.is_finite())
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

fn ends(sorted: &[f64]) -> (f64, f64) {
    let at = |share: f64| percentile(sorted, share).unwrap_or(f64::NAN);
    (at(0.025), at(0.975))
}

/// Returns the 95 % interval of the mean of these values, over other units.
pub(crate) fn interval(values: &[f64], seed: u64) -> (f64, f64) {
    ends(&resampled(values.len(), 1, seed, |_, units| {
        Some(units.iter().map(|&unit| values[unit as usize]).sum::<f64>() / units.len() as f64)
    }))
}

/// Returns the chances after Holm's correction for asking as often as there are.
pub(crate) fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|&a, &b| chances[a].total_cmp(&chances[b]));
    let (mut out, mut least) = (vec![0.0; chances.len()], 0.0f64);
    for (rank, at) in order.into_iter().enumerate() {
        least = least.max((chances[at] * (chances.len() - rank) as f64).min(1.0));
        out[at] = least;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::fixture;

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    #[test]
    fn comparisons_agree_with_scipy() {
        let stored = fixture("metrics/paired.json");
        for case in stored["cases"].as_array().unwrap() {
            let found = by_unit(&[numbers(&case["gains"])], 5);
            let number = |name: &str| case[name].as_f64().unwrap();
            let spread = (number("high") - number("low")).max(1e-9);
            let near = |ours: f64, theirs: f64| (ours - theirs).abs() < 0.05 * spread;
            assert!((found.gain - number("mean")).abs() < 1e-12 && (found.effect - number("effect")).abs() < 1e-9);
            assert!(near(found.low, number("low")) && near(found.high, number("high")), "{found:?}, not {case}");
            let p = number("p");
            let error = 4.0 * (p * (1.0 - p) / 9999.0).sqrt() + 3e-4;
            assert!((found.p - p).abs() < error, "p is {}, not {p}", found.p);
        }
        let asked = &stored["holm"];
        for (ours, theirs) in holm(&numbers(&asked["p"])).iter().zip(numbers(&asked["corrected"])) {
            assert!((ours - theirs).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_that_moves_is_no_evidence() {
        let found = by_unit(&[vec![0.0; 20]], 1);
        assert_eq!((found.gain, found.p, found.low, found.high), (0.0, 1.0, 0.0, 0.0));
        assert!(found.effect.is_nan());
        assert!(by_unit(&[vec![]], 1).low.is_nan());
        // A number that is told together: the mean, by another way.
        let gains: Vec<f64> = (0..60).map(|i| 0.5 + (i % 7) as f64 / 7.0).collect();
        let mean = |units: &[u32]| Some(units.iter().map(|&u| gains[u as usize]).sum::<f64>() / units.len() as f64);
        let by_unit = by_unit(std::slice::from_ref(&gains), 2);
        let found = together(60, 1, 2, |_, units| mean(units));
        assert!(found.p < 2e-3 && found.low > 0.5 && (found.gain - by_unit.gain).abs() < 1e-12);
        // The jackknife of a mean is the normal interval.
        let found = by_leaving_out(60, mean);
        let square = gains.iter().map(|g| (g - by_unit.gain).powi(2)).sum::<f64>() / 59.0;
        let half = 1.96 * (square / 60.0).sqrt();
        assert!((found.high - found.gain - half).abs() < 1e-4 && found.p < 1e-6, "{found:?}, not ± {half}");
        assert!((beyond_normal(1.96) - 0.049_996).abs() < 1e-5 && (beyond_normal(0.0) - 1.0).abs() < 1e-6);
    }

    /// Trainings that differ as a whole: each would be sure of itself by its many units, together they are not.
    #[test]
    fn what_trainings_differ_by_is_in_the_interval() {
        let noise = |i: usize| ((i * 7919) % 101) as f64 / 101.0 - 0.5;
        let training = |shift: f64| (0..2000).map(|i| shift + 0.1 * noise(i)).collect::<Vec<f64>>();
        let one = by_unit(&[training(0.02)], 3);
        assert!(one.low > 0.01 && one.high < 0.03);
        let five = by_unit(&[0.02, -0.015, 0.01, -0.02, 0.012].map(training), 3);
        assert!(five.low < 0.0 && five.high > 0.0, "{five:?}");
    }
}
