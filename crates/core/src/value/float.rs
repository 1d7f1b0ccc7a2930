//! Binary floating point of any precision, rounded half to even, as
//! Terraform's numbers are.
//!
//! Guarantees: each operation is the exact result rounded once to a precision
//! in bits; text is the shortest decimal that reads back as the same number.
//! Must not: know which precision suits what; [`super::Number`] does.

use std::cmp::Ordering;

use bigdecimal::num_bigint::BigUint;
use bigdecimal::{ToPrimitive as _, Zero as _};

use super::digits::{Digits, power_of_five, signed};

/// Beyond this binary exponent a number counts as infinite, or as zero.
const MAX_EXPONENT: i64 = 1 << 31;
/// Text of numbers with larger exponents is scientific: nobody reads a
/// million digits, and making them takes seconds.
const MAX_PLAIN_EXPONENT: i64 = 1 << 20;
/// The largest decimal exponent that is read.
const MAX_DECIMAL_EXPONENT: i64 = 100_000;

/// `±mantissa × 2^exponent`, or an infinity.
#[derive(Clone, Debug)]
pub(super) struct Float {
    pub(super) negative: bool,
    infinite: bool,
    /// Odd, or zero.
    mantissa: BigUint,
    exponent: i64,
    /// In bits.
    pub(super) precision: u32,
}

impl Float {
    /// The number nearest to `±mantissa × 2^exponent`; with `sticky`, to
    /// something a little further from zero than that.
    fn rounded(negative: bool, mantissa: BigUint, exponent: i64, sticky: bool, precision: u32) -> Self {
        let mut float = Float { negative, infinite: false, mantissa, exponent, precision };
        let excess = float.mantissa.bits().saturating_sub(u64::from(precision));
        if excess > 0 {
            let half = float.mantissa.bit(excess - 1);
            let below = sticky || float.mantissa.trailing_zeros().is_some_and(|zeros| zeros < excess - 1);
            float.mantissa >>= excess;
            if half && (below || float.mantissa.bit(0)) {
                float.mantissa += 1u32;
            }
            float.exponent = float.exponent.saturating_add(signed(excess));
        }
        float.normalized()
    }

    fn normalized(mut self) -> Self {
        let Some(zeros) = self.mantissa.trailing_zeros() else {
            self.exponent = 0;
            return self;
        };
        self.mantissa >>= zeros;
        self.exponent = self.exponent.saturating_add(signed(zeros));
        let magnitude = self.magnitude();
        if magnitude > MAX_EXPONENT {
            return Self::infinity(self.negative, self.precision);
        }
        if magnitude < -MAX_EXPONENT {
            return Self::zero(self.negative, self.precision);
        }
        self
    }

    /// The binary exponent of the first bit.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(signed(self.mantissa.bits()))
    }

    pub(super) fn zero(negative: bool, precision: u32) -> Self {
        Float { negative, infinite: false, mantissa: BigUint::ZERO, exponent: 0, precision }
    }

    pub(super) fn infinity(negative: bool, precision: u32) -> Self {
        Float { infinite: true, ..Self::zero(negative, precision) }
    }

    pub(super) fn from_i64(i: i64, precision: u32) -> Self {
        Self::rounded(i < 0, i.unsigned_abs().into(), 0, false, precision)
    }

    /// A whole number, exactly, with at least `precision` bits.
    pub(super) fn whole(negative: bool, mantissa: BigUint, precision: u32) -> Self {
        let bits = u32::try_from(mantissa.bits()).unwrap_or(u32::MAX);
        Self::rounded(negative, mantissa, 0, false, precision.max(bits))
    }

    /// A float's exact value; `None` for NaN.
    pub(super) fn from_f64(float: f64) -> Option<Self> {
        const PRECISION: u32 = f64::MANTISSA_DIGITS;
        if float.is_nan() {
            return None;
        }
        let negative = float.is_sign_negative();
        if float.is_infinite() {
            return Some(Self::infinity(negative, PRECISION));
        }
        let bits = float.to_bits();
        let (fraction, field) = (bits & ((1 << 52) - 1), signed((bits >> 52) & 0x7ff));
        let (mantissa, exponent) =
            if field == 0 { (fraction, -1074) } else { (fraction | (1 << 52), field - 1075) };
        Some(Self::rounded(negative, mantissa.into(), exponent, false, PRECISION))
    }

    /// Reads `±digits.digits e±digits`, or `p` for a binary exponent, or an
    /// infinity by name.
    pub(super) fn parse(text: &str, precision: u32) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        if matches!(unsigned, "Inf" | "inf") {
            return Some(Self::infinity(negative, precision));
        }
        let (digits, power, decimal) = match unsigned.split_once(['e', 'E', 'p', 'P']) {
            Some((digits, exponent)) => (digits, parse_exponent(exponent)?, !unsigned.contains(['p', 'P'])),
            None => (unsigned, 0, true),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mantissa = BigUint::parse_bytes(all.as_bytes(), 10)?;
        let shift = -signed(fraction.len() as u64);
        let (five, two) = if decimal {
            (power.checked_add(shift)?, power.checked_add(shift)?)
        } else {
            (shift, power.checked_add(shift)?)
        };
        if mantissa.is_zero() {
            return Some(Self::zero(negative, precision));
        }
        if five.abs() > MAX_DECIMAL_EXPONENT {
            return None;
        }
        let factor = power_of_five(five.unsigned_abs());
        Some(if five >= 0 {
            Self::rounded(negative, mantissa * factor, two, false, precision)
        } else {
            Self::quotient(negative, &mantissa, &factor, two, precision)
        })
    }

    /// `a / b × 2^exponent`; `b` is not zero.
    fn quotient(negative: bool, a: &BigUint, b: &BigUint, exponent: i64, precision: u32) -> Self {
        // Enough bits that what is cut off cannot change the rounding.
        let shift = (u64::from(precision) + 2 + b.bits()).saturating_sub(a.bits());
        let shifted = a << shift;
        let (quotient, rest) = (&shifted / b, &shifted % b);
        Self::rounded(negative, quotient, exponent.saturating_sub(signed(shift)), !rest.is_zero(), precision)
    }

    pub(super) fn is_zero(&self) -> bool {
        !self.infinite && self.mantissa.is_zero()
    }

    pub(super) fn is_infinite(&self) -> bool {
        self.infinite
    }

    pub(super) fn is_integer(&self) -> bool {
        !self.infinite && self.exponent >= 0
    }

    /// The same value at another precision.
    pub(super) fn with_precision(&self, precision: u32) -> Self {
        if self.infinite {
            return Self::infinity(self.negative, precision);
        }
        Self::rounded(self.negative, self.mantissa.clone(), self.exponent, false, precision)
    }

    /// How many bits the mantissa needs.
    pub(super) fn needed(&self) -> u32 {
        u32::try_from(self.mantissa.bits()).unwrap_or(u32::MAX)
    }

    pub(super) fn neg(&self) -> Self {
        Float { negative: !self.negative, ..self.clone() }
    }

    /// `None` for infinities of different signs.
    pub(super) fn add(&self, other: &Self, precision: u32) -> Option<Self> {
        match (self.infinite, other.infinite) {
            (true, true) if self.negative != other.negative => return None,
            (true, _) => return Some(Self::infinity(self.negative, precision)),
            (_, true) => return Some(Self::infinity(other.negative, precision)),
            _ => {}
        }
        if self.is_zero() || other.is_zero() {
            return Some(match (self.is_zero(), other.is_zero()) {
                (true, true) => Self::zero(self.negative && other.negative, precision),
                (true, false) => other.with_precision(precision),
                _ => self.with_precision(precision),
            });
        }
        // What is far below the last bit of the other only decides ties.
        let (large, small) =
            if self.magnitude() >= other.magnitude() { (self, other) } else { (other, self) };
        let reach = large.exponent.min(large.magnitude() - i64::from(precision) - 4);
        if small.magnitude() < reach - 4 {
            let tiny = Float { mantissa: 1u32.into(), exponent: reach - 4, ..small.clone() };
            return Some(exact_sum(large, &tiny, precision));
        }
        Some(exact_sum(large, small, precision))
    }

    /// `None` for zero times infinity.
    pub(super) fn mul(&self, other: &Self, precision: u32) -> Option<Self> {
        let negative = self.negative != other.negative;
        if self.infinite || other.infinite {
            let open = self.is_zero() || other.is_zero();
            return (!open).then(|| Self::infinity(negative, precision));
        }
        let exponent = self.exponent.saturating_add(other.exponent);
        Some(Self::rounded(negative, &self.mantissa * &other.mantissa, exponent, false, precision))
    }

    /// `None` for zero by zero and infinity by infinity.
    pub(super) fn div(&self, other: &Self, precision: u32) -> Option<Self> {
        let negative = self.negative != other.negative;
        if (self.infinite && other.infinite) || (self.is_zero() && other.is_zero()) {
            return None;
        }
        if self.infinite || other.is_zero() {
            return Some(Self::infinity(negative, precision));
        }
        if self.is_zero() || other.infinite {
            return Some(Self::zero(negative, precision));
        }
        let exponent = self.exponent.saturating_sub(other.exponent);
        Some(Self::quotient(negative, &self.mantissa, &other.mantissa, exponent, precision))
    }

    /// The magnitude without its fraction, and whether there was one; `None`
    /// for infinities and what would take too much memory.
    pub(super) fn truncated(&self) -> Option<(BigUint, bool)> {
        if self.infinite || self.exponent > MAX_PLAIN_EXPONENT {
            return None;
        }
        Some(match u64::try_from(self.exponent) {
            Ok(shift) => (&self.mantissa << shift, false),
            Err(_) => (&self.mantissa >> self.exponent.unsigned_abs(), !self.mantissa.is_zero()),
        })
    }

    /// The value as `i64` when it is whole, fits, and is not the negative zero.
    pub(super) fn as_i64(&self) -> Option<i64> {
        if !self.is_integer() || self.magnitude() > 64 || (self.negative && self.is_zero()) {
            return None;
        }
        let magnitude = (&self.mantissa << self.exponent.unsigned_abs()).to_i128()?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// The nearest 64-bit float.
    pub(super) fn to_f64(&self) -> f64 {
        let magnitude = match self.magnitude() {
            _ if self.infinite => f64::INFINITY,
            m if m > 1100 => f64::INFINITY,
            m if m < -1100 => 0.0,
            _ => self.digits().text().parse().unwrap_or(f64::NAN),
        };
        if self.negative { -magnitude } else { magnitude }
    }

    /// The shortest digits that are nearer to this number than to any other of
    /// its precision.
    fn digits(&self) -> Digits {
        let exact = Digits::of(&self.mantissa, self.exponent);
        if self.mantissa.is_zero() {
            return exact;
        }
        // One bit more than the precision: the last bit is half a unit.
        let shift = (u64::from(self.precision) + 1).saturating_sub(self.mantissa.bits());
        let mantissa = &self.mantissa << shift;
        let exponent = self.exponent.saturating_sub(signed(shift));
        let even = !mantissa.bit(1);
        let lower = Digits::of(&(&mantissa - 1u32), exponent);
        let upper = Digits::of(&(mantissa + 1u32), exponent);
        exact.shortest(&lower, &upper, even)
    }

    /// So many significant digits, in the shorter of the two notations.
    pub(super) fn rounded_text(&self, keep: usize) -> String {
        if self.infinite || self.exponent.abs() > MAX_PLAIN_EXPONENT {
            return self.to_string();
        }
        let mut digits = Digits::of(&self.mantissa, self.exponent);
        if digits.rounds_up(keep) {
            digits.digits.truncate(keep);
            digits.increment();
        }
        digits.digits.truncate(keep);
        digits.trim();
        let count = signed(digits.digits.len() as u64);
        let limit = signed(keep as u64);
        let limit = if limit > count && count >= digits.point { count } else { limit };
        let exponent = digits.point - 1;
        let text = if self.is_zero() || (-4..limit).contains(&exponent) {
            digits.text()
        } else {
            let mut text: String = digits.digits.iter().map(|d| char::from(*d)).collect();
            if text.len() > 1 {
                text.insert(1, '.');
            }
            format!("{text}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        };
        if self.negative { format!("-{text}") } else { text }
    }

    fn scientific(&self) -> String {
        // Good enough for what no one computes with.
        let power = (self.magnitude() as f64 * std::f64::consts::LOG10_2).floor();
        format!("1e{}{power}", if power < 0.0 { "" } else { "+" })
    }
}

/// The sum, exact before it is rounded.
fn exact_sum(a: &Float, b: &Float, precision: u32) -> Float {
    let exponent = a.exponent.min(b.exponent);
    let shifted = |f: &Float| &f.mantissa << (f.exponent - exponent).unsigned_abs();
    let (x, y) = (shifted(a), shifted(b));
    if a.negative == b.negative {
        return Float::rounded(a.negative, x + y, exponent, false, precision);
    }
    match x.cmp(&y) {
        Ordering::Equal => Float::zero(false, precision),
        Ordering::Greater => Float::rounded(a.negative, x - y, exponent, false, precision),
        Ordering::Less => Float::rounded(b.negative, y - x, exponent, false, precision),
    }
}

impl std::fmt::Display for Float {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.infinite {
            return f.write_str(if self.negative { "Inf" } else { "+Inf" });
        }
        if self.exponent.abs() > MAX_PLAIN_EXPONENT {
            return f.write_str(&self.scientific());
        }
        f.write_str(&self.digits().text())
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By value: neither the precision nor the sign of zero counts.
impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        fn sign(f: &Float) -> i8 {
            match (f.is_zero(), f.negative) {
                (true, _) => 0,
                (_, true) => -1,
                _ => 1,
            }
        }
        fn magnitude(a: &Float, b: &Float) -> Ordering {
            if a.infinite || b.infinite {
                return a.infinite.cmp(&b.infinite);
            }
            a.magnitude().cmp(&b.magnitude()).then_with(|| {
                let exponent = a.exponent.min(b.exponent);
                let shifted = |f: &Float| &f.mantissa << (f.exponent - exponent).unsigned_abs();
                shifted(a).cmp(&shifted(b))
            })
        }
        sign(self).cmp(&sign(other)).then_with(|| match (self.is_zero(), self.negative) {
            (true, _) => Ordering::Equal,
            (_, true) => magnitude(other, self),
            _ => magnitude(self, other),
        })
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: u32 = 512;

    fn f(text: &str) -> Float {
        Float::parse(text, P).expect("a number")
    }

    #[test]
    fn text_is_the_shortest_that_reads_back() {
        for text in ["0.1", "123456.789", "-2.5", "0", "1000000", "0.0001"] {
            assert_eq!(f(text).to_string(), text);
        }
        assert_eq!(f("1e3").to_string(), "1000");
        assert_eq!(Float::from_f64(0.1).expect("finite").to_string(), "0.1");
        assert_eq!(f("1p3").to_string(), "8");
        let third = f("1").div(&f("3"), P).expect("not zero");
        assert_eq!(third.to_string().len(), 157);
        assert_eq!(f(&third.to_string()), third);
    }

    #[test]
    fn rounding_is_half_to_even() {
        let narrow = |text: &str| Float::parse(text, 4).expect("a number").to_string();
        assert_eq!((narrow("17"), narrow("19"), narrow("18")), ("16".into(), "20".into(), "18".into()));
        assert_eq!(f("0.1").add(&f("0.2"), P).expect("finite").to_string(), "0.3");
        let far = f("1").add(&f("1e-9000"), P).expect("finite");
        assert_eq!(far.to_string(), "1");
    }

    #[test]
    fn infinities_and_zeros_have_signs() {
        assert_eq!(f("1").div(&f("0"), P).expect("infinite").to_string(), "+Inf");
        assert_eq!(f("-1").div(&f("0"), P).expect("infinite").to_string(), "-Inf");
        assert!(f("0").div(&f("0"), P).is_none());
        assert!(f("inf").add(&f("-inf"), P).is_none());
        assert_eq!(f("0").neg().to_string(), "-0");
        assert_eq!(f("0").neg(), f("0"));
        assert!(f("-inf") < f("-1e300") && f("-1") < f("0") && f("1e-300") < f("1"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "e5", "1e", "1_0", "0x1", "1e999999999", "nan", "1.2.3", " 1"] {
            assert!(Float::parse(text, P).is_none(), "{text:?}");
        }
    }
}
