//! First values of weights: from the seed, the place and the weight's own name, and nothing else.

use mmf_data::network::Init;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Returns `count` first values.
///
/// `place` is the caller's number for where in the pipeline the weight stands. Display names take no part, so that a renaming changes
/// no byte, and two equal layers at two places differ.
pub(crate) fn values(seed: u64, place: u64, name: &str, init: Init, count: usize) -> Vec<f32> {
    let mut random = stream(seed, place, name);
    match init {
        Init::Zeros => vec![0.0; count],
        Init::Ones => vec![1.0; count],
        Init::Uniform { fan_in } => {
            let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
            (0..count).map(|_| (unit(&mut random) * 2.0 - 1.0) as f32 * bound).collect()
        }
        Init::Normal { deviation } => {
            let mut out = Vec::with_capacity(count + 1);
            while out.len() < count {
                let (a, b) = normals(&mut random);
                out.push(a as f32 * deviation);
                out.push(b as f32 * deviation);
            }
            out.truncate(count);
            out
        }
    }
}

fn stream(seed: u64, place: u64, name: &str) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&place.to_le_bytes());
    key[16..24].copy_from_slice(&digest(name).to_le_bytes());
    key[24..].copy_from_slice(&(name.len() as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// FNV-1a, 64 bits: names at one place are few, and the stream does the mixing.
fn digest(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns a number in `[0, 1)`, 53 bits of it random.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Returns two independent normal numbers.
pub fn normals(random: &mut ChaCha8Rng) -> (f64, f64) {
    normals_from(&mut || unit(random))
}

/// Makes two independent normal numbers from two that are even from 0 to below 1 (Box and Muller 1958).
pub fn normals_from(even: &mut dyn FnMut() -> f64) -> (f64, f64) {
    let radius = (-2.0 * (1.0 - even()).ln()).sqrt();
    let angle = 2.0 * std::f64::consts::PI * even();
    (radius * angle.cos(), radius * angle.sin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_stated_spread() {
        let n = 40_000;
        let uniform = values(1, 2, "w", Init::Uniform { fan_in: 16 }, n);
        assert!(uniform.iter().all(|x| x.abs() <= 0.25));
        let spread = |x: &[f32]| (x.iter().map(|x| (x * x) as f64).sum::<f64>() / x.len() as f64).sqrt();
        assert!((spread(&uniform) - 0.25 / 3f64.sqrt()).abs() < 2e-3);
        let normal = values(1, 2, "w", Init::Normal { deviation: 0.5 }, n);
        assert!((spread(&normal) - 0.5).abs() < 6e-3);
        assert!(normal.iter().sum::<f32>().abs() / (n as f32) < 0.01);
    }

    #[test]
    fn seed_place_and_name_each_change_the_values() {
        let init = Init::Uniform { fan_in: 4 };
        let base = values(1, 2, "w", init, 8);
        assert_eq!(base, values(1, 2, "w", init, 8));
        for other in [values(9, 2, "w", init, 8), values(1, 9, "w", init, 8), values(1, 2, "v", init, 8)] {
            assert_ne!(base, other);
        }
    }
}
