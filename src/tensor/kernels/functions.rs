//! `exp`, `tanh` and `sigmoid` without branches or calls, so that loops over them fill wide registers.
//!
//! Cephes' polynomials for single precision. Of the true value they are off by at most so many units in the last place: `exp` 1, `tanh`
//! 1.5, `sigmoid` 2.5, `softplus` 3. They have the same bytes on every machine, for they are made of additions, multiplications and
//! divisions that each round once; only products of matrices, which fuse them where a machine can, differ between machines.

/// Returns `e^x`. Saturates at ±88 or so instead of overflowing.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding and taking away 1.5·2²³ rounds to the nearest whole number.
    let n = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    // ln 2 in two parts, so that the difference is exact.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4 * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits((((n as i32) + 127) << 23) as u32);
    (p * r * r + r + 1.0) * power
}

/// Returns `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Returns the hyperbolic tangent, precise near zero as well.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let far = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    let z = x * x;
    let p = -5.704_988_7e-3 * z + 2.063_909e-2;
    let p = p * z - 5.373_971_5e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * a + a;
    let y = if a < 0.625 { near } else { far };
    y.copysign(x)
}

/// Returns `ln(1 + e^x)` without overflow: the binary cross-entropy's and BPR's shape.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ln_1p(exp(-x.abs()))
}

/// Returns `ln(1 + u)` of `u` in 0 … 1.
#[inline(always)]
fn ln_1p(u: f32) -> f32 {
    let w = 1.0 + u;
    // Of 1 + u, which may have lost digits of u, the logarithm; then their ratio gives them back (Kahan).
    let (halved, power) = if w > std::f32::consts::SQRT_2 { (w * 0.5, 1.0) } else { (w, 0.0) };
    let r = halved - 1.0;
    let z = r * r;
    let p = 7.037_683_6e-2 * r - 1.151_461e-1;
    let p = p * r + 1.167_699_9e-1;
    let p = p * r - 1.242_014_1e-1;
    let p = p * r + 1.424_932_3e-1;
    let p = p * r - 1.666_805_8e-1;
    let p = p * r + 2.000_071_5e-1;
    let p = p * r - 2.499_999_4e-1;
    let p = p * r + 3.333_333e-1;
    let ln = p * r * z - 2.121_944_4e-4 * power - 0.5 * z + r + 0.693_359_4 * power;
    let lost = w - 1.0;
    let exact = if lost == 0.0 { 1.0 } else { u / lost };
    if lost == 0.0 { u } else { ln * exact }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that a function is within so many units in the last place of the true one, between `-to` and `to`.
    fn check(name: &str, ours: fn(f32) -> f32, theirs: fn(f64) -> f64, to: f32, units: f64) {
        let last = to.to_bits();
        for bits in (1e-9f32.to_bits()..=last).step_by(1009) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let (a, b) = (f64::from(ours(x)), theirs(f64::from(x)));
                let near = (b as f32).abs();
                let unit = f64::from(f32::from_bits(near.to_bits() + 1) - near);
                assert!(
                    (a - b).abs() <= units * unit,
                    "{name}({x}) is {b}, not {a}: {:.2} units",
                    (a - b).abs() / unit
                );
            }
        }
    }

    #[test]
    fn functions_are_within_their_units_of_the_true_ones() {
        check("exp", exp, f64::exp, 87.0, 1.0);
        check("tanh", tanh, f64::tanh, 100.0, 1.5);
        check("sigmoid", sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 86.0, 2.5);
        check("softplus", softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), 86.0, 3.0);
    }

    #[test]
    fn a_value_that_is_not_a_number_stays_one() {
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert!(softplus(f32::NAN).is_nan());
    }
}
