//! `exp`, `tanh` and `sigmoid` without branches or calls, so that loops over them fill wide registers.
//!
//! Cephes' polynomials for single precision; within 2 units in the last place of the true value, and the same on every machine.

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
pub(crate) fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, ours: fn(f32) -> f32, theirs: fn(f64) -> f64) {
        for i in -80_000..80_000 {
            let x = i as f32 * 1e-3;
            let (a, b) = (ours(x) as f64, theirs(x as f64));
            assert!((a - b).abs() <= 4e-7 * b.abs() + 1e-37, "{name}({x}) is {b}, not {a}");
        }
    }

    #[test]
    fn functions_are_within_four_in_ten_million() {
        check("exp", exp, f64::exp);
        check("tanh", tanh, f64::tanh);
        check("sigmoid", sigmoid, |x| 1.0 / (1.0 + (-x).exp()));
    }

    #[test]
    fn a_value_that_is_not_a_number_stays_one() {
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
    }
}
