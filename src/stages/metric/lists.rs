//! Metrics of what is recommended, whether it is relevant or not.

use mmf_data::error::Result;
use mmf_data::stage::{Measure, Predictions};

use crate::train::predictions::Ranked;

/// Returns the metric that reads how often each item is among the first `k`, and the count of all candidates. Items that nobody is
/// shown are left out of the counts.
pub(crate) fn measure(
    from: &Predictions,
    k: usize,
    score: fn(shown: &mut Vec<u32>, candidates: usize) -> f64,
) -> Result<Measure> {
    let ranked = Ranked::read(from)?;
    // Items are numbered afresh, so that a resample counts places of a short list.
    let mut numbers: Vec<u32> = ranked.top.values.iter().map(|&(item, _)| item).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let lists: Vec<Vec<u32>> = (0..ranked.users.len())
        .map(|user| ranked.top.get(user).iter().take(k))
        .map(|list| list.map(|(item, _)| numbers.partition_point(|n| n < item) as u32).collect())
        .collect();
    let (count, items) = (numbers.len(), ranked.items);
    Ok(Box::new(move |places| {
        if places.is_empty() || items == 0 {
            return None;
        }
        let mut shown = vec![0u32; count];
        places.iter().flat_map(|&place| &lists[place as usize]).for_each(|&item| shown[item as usize] += 1);
        shown.retain(|&times| times > 0);
        Some(score(&mut shown, items))
    }))
}
