//! Powers and logarithms of 64-bit floats.
//!
//! Guarantees: the last digit is the one that Terraform gives, where the
//! system's library may give its neighbour. The logarithm is fdlibm's; the
//! exponential a Taylor series near zero, squared four times.

use std::f64::consts::{LOG2_E, SQRT_2};

/// `ln 2` in two parts, whose first has zeros at its end.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
/// The same, split elsewhere.
const LN_2_UPPER: (f64, f64) = (0.693_147_180_559_663, 2.823_529_056_303_157_7e-13);

/// The natural logarithm.
pub(super) fn logarithm(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 || x.is_infinite() {
        return x.ln();
    }
    let (mut mantissa, mut exponent) = parts(x);
    if mantissa < SQRT_2 / 2.0 {
        mantissa *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (mantissa - 1.0, exponent as f64);
    let s = f / (2.0 + f);
    let (s2, s4) = (s * s, s * s * (s * s));
    let odd = s2
        * (6.666_666_666_666_735e-1
            + s4 * (2.857_142_874_366_239e-1
                + s4 * (1.818_357_216_161_805e-1 + s4 * 1.479_819_860_511_658_6e-1)));
    let even =
        s4 * (3.999_999_999_940_942e-1 + s4 * (2.222_219_843_214_978_4e-1 + s4 * 1.531_383_769_920_937_3e-1));
    let half = 0.5 * f * f;
    k * LN_2.0 - ((half - (s * (half + (odd + even)) + k * LN_2.1)) - f)
}

/// `e` to a power.
fn exponential(x: f64) -> f64 {
    if !x.is_finite() || !(-745.2..=709.8).contains(&x) {
        return x.exp();
    }
    let exponent = (x * LOG2_E).round_ties_even();
    let reduced = exponent.mul_add(-LN_2_UPPER.1, exponent.mul_add(-LN_2_UPPER.0, x)) * 0.0625;
    let coefficients = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];
    let series = coefficients.iter().fold(1.0 / 40320.0, |sum: f64, c| sum.mul_add(reduced, *c));
    let mut less_one = reduced * series;
    for _ in 0..3 {
        less_one *= less_one + 2.0;
    }
    let result = less_one.mul_add(less_one + 2.0, 1.0);
    scaled(result, exponent as i64)
}

/// A power by repeated multiplication.
pub(super) fn power(base: f64, power: f64) -> f64 {
    let (whole, mut fraction) = (power.abs().trunc(), power.abs().fract());
    let ordinary = base.is_finite() && power.is_finite() && base != 0.0 && whole < 2f64.powi(63);
    if !ordinary || base == 1.0 || power == 0.0 || (base < 0.0 && fraction != 0.0) {
        return base.powf(power);
    }
    if power.abs() == 0.5 {
        return if power < 0.0 { 1.0 / base.sqrt() } else { base.sqrt() };
    }
    let mut steps = whole as u64;
    let mut result = 1.0;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            steps += 1;
        }
        result = exponential(fraction * logarithm(base));
    }
    // Mantissas and exponents apart, so that nothing overflows on the way.
    let mut exponent = 0i64;
    let (mut mantissa, mut step_exponent) = parts(base);
    while steps > 0 {
        if step_exponent.abs() > 1 << 12 {
            exponent = exponent.saturating_add(step_exponent);
            break;
        }
        if steps & 1 == 1 {
            result *= mantissa;
            exponent += step_exponent;
        }
        mantissa *= mantissa;
        step_exponent <<= 1;
        if mantissa < 0.5 {
            mantissa += mantissa;
            step_exponent -= 1;
        }
        steps >>= 1;
    }
    if power < 0.0 {
        result = 1.0 / result;
        exponent = -exponent;
    }
    scaled(result, exponent)
}

/// A number as a mantissa from a half to one and a power of two.
fn parts(number: f64) -> (f64, i64) {
    let mut exponent = 0;
    let mut mantissa = number;
    while mantissa.abs() >= 1.0 {
        mantissa /= 2.0;
        exponent += 1;
    }
    while mantissa.abs() < 0.5 {
        mantissa *= 2.0;
        exponent -= 1;
    }
    (mantissa, exponent)
}

/// A number times a power of two.
fn scaled(mut number: f64, exponent: i64) -> f64 {
    let mut left = exponent.clamp(-3000, 3000);
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        number *= 2f64.powi(i32::try_from(step).unwrap_or(0));
        left -= step;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_is_terraforms() {
        let cases = [
            (logarithm(3.0) / logarithm(2.0), 1.584962500721156),
            (power(2.0, 1.0 / 3.0), 1.259921049894873),
            (power(8.0, 1.0 / 3.0), 1.9999999999999998),
            (power(5.0, 0.3), 1.6206565966927622),
            (power(123.456, 7.89), 31_771_028_258_180_932.0),
            (power(1.1, 10.0), 2.593742460100002),
            (power(2.0, -0.5), 0.7071067811865475),
            (power(-8.0, 3.0), -512.0),
            (power(2.0, 1024.0), f64::INFINITY),
        ];
        for (made, expected) in cases {
            assert_eq!(made, expected);
        }
    }
}
