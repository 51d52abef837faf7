//! `dropout`: drops a number with probability `p` and divides the others by `1 − p`; the identity outside training.
//!
//! Whether a number is dropped is a hash of seed, step, slice, place and the number's own position (a counter-based generator), so it
//! depends on no thread and need not be kept for the way back.

use crate::ops::misfit;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::{Network, Var};

pub(crate) fn dropout(session: &mut Session, p: f32, x: &Var) -> Result<Var> {
    if !(0.0..=1.0).contains(&p) {
        return Err(misfit("dropout", &format!("{p} is no probability"), &format!("{p} 不是概率")));
    }
    session.node(x)?;
    if !session.training() || p == 0.0 {
        return Ok(x.clone());
    }
    let key = key(session.choice());
    let keep = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
    let node = session.node(x)?;
    let grad = node.grad;
    let mut y = read(&node.value).to_vec();
    thin(&mut y, key, p, keep);
    let out = session.put(y, x.rows, x.dims.clone(), grad)?;
    if session.records(grad) {
        let x = x.id;
        session.record(&out, move |back, mut gradient| {
            thin(&mut gradient, key, p, keep);
            back.give(x, gradient);
            Ok(())
        });
    }
    Ok(out)
}

/// Mixes what a choice depends on into two words (SplitMix64's finisher over each part).
fn key(parts: [u64; 5]) -> [u32; 2] {
    let mixed = parts.into_iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, part| {
        let mut x = (hash ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    });
    [mixed as u32, (mixed >> 32) as u32]
}

wide! {
    /// Drops numbers with probability `p` and multiplies the others by `keep`.
    fn thin(numbers: &mut [f32], key: [u32; 2], p: f32, keep: f32) {
        // 24 bits are compared, so that both sides are exact in 32-bit floats.
        let least = (p * 16_777_216.0) as i32;
        for (i, x) in numbers.iter_mut().enumerate() {
            let kept = (bits(key, i as u32) >> 8) as i32 >= least;
            *x = if kept { *x * keep } else { 0.0 };
        }
    }
}

/// Returns random bits for position `i`: two rounds of a 32-bit mixer, a word of the key before each.
#[inline(always)]
fn bits(key: [u32; 2], i: u32) -> u32 {
    let mut x = i.wrapping_mul(0x9e37_79b9) ^ key[0];
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_add(key[1]);
    x = (x ^ (x >> 16)).wrapping_mul(0x846c_a68b);
    x = (x ^ (x >> 15)).wrapping_mul(0x7feb_352d);
    x ^ (x >> 16)
}

/// Returns numbers from 0 to below 1 for a choice.
pub(crate) fn draws(choice: [u64; 5]) -> impl Iterator<Item = f64> {
    let key = key(choice);
    (0..=u32::MAX).map(move |i| f64::from(bits(key, i)) / 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stated_share_is_dropped_and_neighbours_are_independent() {
        let mut x = vec![1.0; 200_000];
        thin(&mut x, key([1, 2, 3, 4, 5]), 0.3, 1.0 / 0.7);
        let share = x.iter().filter(|&&x| x == 0.0).count() as f64 / x.len() as f64;
        assert!((share - 0.3).abs() < 5e-3, "{share}");
        let both = x.windows(2).filter(|w| w[0] == 0.0 && w[1] == 0.0).count() as f64 / x.len() as f64;
        assert!((both - 0.09).abs() < 3e-3, "{both}");
        let mut other = vec![1.0; 200_000];
        thin(&mut other, key([1, 3, 3, 4, 5]), 0.3, 1.0 / 0.7);
        let same = x.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / x.len() as f64;
        assert!((same - 0.58).abs() < 5e-3, "{same}");
    }
}
