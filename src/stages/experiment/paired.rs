//! Two ways of doing one thing, compared on the same units: a gain, its interval, and how likely it is by chance.
//!
//! By hand, as no kept-up crate has paired permutation tests.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// How often units are resampled for an interval.
const RESAMPLES: u64 = 2000;
/// How often signs are drawn for a test.
const SIGNS: u64 = 9999;

/// What a comparison finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Compared {
    pub(crate) gain: f64,
    /// The percentile bootstrap's 95 % interval.
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

/// Compares by the gain of each unit. The test draws signs: without a difference a unit's gain is as likely its opposite.
pub(crate) fn by_unit(gains: &[f64], seed: u64) -> Compared {
    let n = gains.len().max(1) as f64;
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
    let (low, high) =
        interval(gains.len(), seed, |units| Some(units.iter().map(|&unit| gains[unit as usize]).sum::<f64>() / n));
    Compared { gain, low, high, p, effect }
}

/// Compares by a number that is told of units together; the chance is that of a resample on the other side of nothing.
pub(crate) fn together(units: usize, seed: u64, gain: impl Fn(&[u32]) -> Option<f64> + Sync) -> Compared {
    let all: Vec<u32> = (0..units as u32).collect();
    let found = resampled(units, seed, &gain);
    let (low, high) = ends(&found);
    let beyond = |is: fn(&&f64) -> bool| found.iter().filter(is).count() as f64 + 1.0;
    let least = beyond(|x| **x <= 0.0).min(beyond(|x| **x >= 0.0));
    let p = (2.0 * least / (found.len() as f64 + 1.0)).min(1.0);
    Compared { gain: gain(&all).unwrap_or(f64::NAN), low, high, p, effect: f64::NAN }
}

fn resampled(units: usize, seed: u64, value: &(impl Fn(&[u32]) -> Option<f64> + Sync)) -> Vec<f64> {
    let mut found: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .filter_map(|round| {
            let mut random = stream(seed, SIGNS + round);
            let units: Vec<u32> = (0..units).map(|_| random.random_range(0..units as u32)).collect();
            value(&units).filter(|x| x.is_finite())
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

fn interval(units: usize, seed: u64, value: impl Fn(&[u32]) -> Option<f64> + Sync) -> (f64, f64) {
    if units == 0 { (f64::NAN, f64::NAN) } else { ends(&resampled(units, seed, &value)) }
}

fn ends(sorted: &[f64]) -> (f64, f64) {
    let at = |share: f64| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let next = sorted.get(low + 1).or(sorted.get(low));
        sorted.get(low).zip(next).map_or(f64::NAN, |(a, b)| a + (b - a) * part)
    };
    (at(0.025), at(0.975))
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
            let found = by_unit(&numbers(&case["gains"]), 5);
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
        let found = by_unit(&[0.0; 20], 1);
        assert_eq!((found.gain, found.p, found.low, found.high), (0.0, 1.0, 0.0, 0.0));
        assert!(found.effect.is_nan());
        assert!(by_unit(&[], 1).low.is_nan());
        // A number that is told together: the mean, by another way.
        let gains: Vec<f64> = (0..60).map(|i| 0.5 + (i % 7) as f64 / 7.0).collect();
        let mean = |units: &[u32]| Some(units.iter().map(|&u| gains[u as usize]).sum::<f64>() / units.len() as f64);
        let found = together(60, 2, mean);
        assert!(found.p < 2e-3 && found.low > 0.5 && (found.gain - by_unit(&gains, 2).gain).abs() < 1e-12);
    }
}
