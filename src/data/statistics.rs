//! Intervals: percentiles of resamples, and the jackknife in groups.

use rayon::prelude::*;

/// The 97.5th percentile of the normal distribution.
pub const NORMAL: f64 = 1.959_963_984_540_054;

/// Returns a percentile of ascending numbers, linear between neighbours as numpy's.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(last);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64))
}

/// Returns the standard error of the jackknife over units, left out in at most so many groups; a unit's group is the rest of its
/// place. Nothing where there are not two groups, or a value is not defined.
///
/// A variance of the jackknife is in expectation not below the true one (Efron and Stein 1981, The jackknife estimate of
/// variance), so that intervals are rather too wide; for counts of distinct things see Heltshe and Forrester 1983. By
/// groups: Kott 2001, The delete-a-group jackknife.
pub fn jackknife(units: usize, groups: usize, value: impl Fn(&[u32]) -> Option<f64> + Sync) -> Option<f64> {
    let groups = units.min(groups);
    let without: Vec<f64> = (0..groups)
        .into_par_iter()
        .filter_map(|group| {
            let left: Vec<u32> = (0..units as u32).filter(|&unit| unit as usize % groups != group).collect();
            value(&left).filter(|v| v.is_finite())
        })
        .collect();
    if groups < 2 || without.len() < groups {
        return None;
    }
    let count = groups as f64;
    let mean = without.iter().sum::<f64>() / count;
    let squares: f64 = without.iter().map(|x| (x - mean).powi(2)).sum();
    Some(((count - 1.0) / count * squares).sqrt())
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

    /// Of a mean it is the standard error.
    #[test]
    fn the_jackknife_of_a_mean_is_its_standard_error() {
        let numbers = [1.0, 4.0, 2.0, 8.0, 5.0];
        let mean = |units: &[u32]| Some(units.iter().map(|&u| numbers[u as usize]).sum::<f64>() / units.len() as f64);
        let wanted = (numbers.iter().map(|x| (x - 4.0f64).powi(2)).sum::<f64>() / 4.0 / 5.0).sqrt();
        assert!((jackknife(5, 1000, mean).unwrap() - wanted).abs() < 1e-12);
        assert_eq!(jackknife(1, 1000, mean), None);
    }
}
