//! Numbers of the language.
//!
//! Guarantees: whole numbers are exact up to [`PRECISION`] bits; `0.1 + 0.2`
//! is `0.3`; everything else is rounded, printed and compared as Terraform
//! does it: binary floats, each with the precision of where it came from (text
//! has [`PRECISION`] bits, a count 64, a result of `pow` or `log` 53).
//! Must not: go through `f64` for arithmetic.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::num_bigint::BigUint;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Value;
use super::float::Float;

/// The precision of numbers that were written, in bits.
const PRECISION: u32 = 512;
/// The precision of numbers that were counted.
const COUNTED: u32 = 64;

/// A number. Small integers, nearly all there are, take no allocation.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// A value and its precision, at least [`COUNTED`].
    Int(i64, u32),
    Big(Arc<Float>),
}

impl Number {
    /// One of the infinities: what a division by zero gives.
    pub fn infinity(negative: bool) -> Self {
        Self::of(Float::infinity(negative, PRECISION))
    }

    fn float(&self) -> Float {
        match &self.0 {
            Repr::Int(i, precision) => Float::from_i64(*i, *precision),
            Repr::Big(float) => (**float).clone(),
        }
    }

    fn of(float: Float) -> Self {
        match float.as_i64() {
            Some(i) if float.precision >= COUNTED => Number(Repr::Int(i, float.precision)),
            _ => Number(Repr::Big(Arc::new(float))),
        }
    }

    fn precision(&self) -> u32 {
        match &self.0 {
            Repr::Int(_, precision) => *precision,
            Repr::Big(float) => float.precision,
        }
    }

    /// The larger precision: that of a result.
    fn common(&self, other: &Self) -> u32 {
        self.precision().max(other.precision())
    }

    /// Both values and the precision of a result, when they are small and it
    /// is large enough that no small integer needs rounding.
    fn ints(&self, other: &Self) -> Option<(i64, i64, u32)> {
        match (&self.0, &other.0) {
            (Repr::Int(a, p), Repr::Int(b, q)) => Some((*a, *b, *p.max(q))),
            _ => None,
        }
    }

    /// A whole number as if it had been written.
    pub(super) fn written(i: i64) -> Self {
        Number(Repr::Int(i, PRECISION))
    }

    /// Text that [`Number::from_exact`] reads back without loss.
    pub(super) fn to_exact(&self) -> String {
        match self.precision() {
            PRECISION => self.to_string(),
            other => format!("{self}/{other}"),
        }
    }

    /// Reads what [`Number::to_exact`] wrote.
    pub(super) fn from_exact(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => text.parse().ok(),
            Some((text, precision)) => {
                let precision = precision.parse().ok().filter(|p| (1..=1 << 20).contains(p))?;
                Float::parse(text, precision).map(Self::of)
            }
        }
    }

    /// A float's exact value; `None` for NaN and infinities.
    pub fn from_f64(float: f64) -> Option<Self> {
        Float::from_f64(float).filter(|f| !f.is_infinite()).map(Self::of)
    }

    /// The value as `i64` when it is a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(i, _) => Some(*i),
            Repr::Big(float) if float.is_zero() => Some(0),
            Repr::Big(float) => float.as_i64(),
        }
    }

    /// The nearest 64-bit float.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(i, _) => *i as f64,
            Repr::Big(float) => float.to_f64(),
        }
    }

    /// The order of the exact values.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(a, _), Repr::Int(b, _)) => a.cmp(b),
            _ => self.float().cmp(&other.float()),
        }
    }

    /// Ten significant digits, with an exponent where that is shorter.
    pub(super) fn rounded_text(&self) -> String {
        self.float().rounded_text(10)
    }

    /// Whether there is no fractional part.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(..) => true,
            Repr::Big(float) => float.is_integer(),
        }
    }

    /// Whether it is one of the infinities.
    pub fn is_infinite(&self) -> bool {
        matches!(&self.0, Repr::Big(float) if float.is_infinite())
    }

    /// Sum; `None` for infinities of different signs.
    pub fn add(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, precision)) = self.ints(other)
            && let Some(sum) = a.checked_add(b)
        {
            return Some(Number(Repr::Int(sum, precision)));
        }
        self.float().add(&other.float(), self.common(other)).map(Self::of)
    }

    /// Difference; `None` for infinities of one sign.
    pub fn sub(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, precision)) = self.ints(other)
            && let Some(difference) = a.checked_sub(b)
        {
            return Some(Number(Repr::Int(difference, precision)));
        }
        self.float().add(&other.float().neg(), self.common(other)).map(Self::of)
    }

    /// Product; `None` for zero times infinity.
    pub fn mul(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, precision)) = self.ints(other)
            && let Some(product) = a.checked_mul(b)
            && (product != 0 || (a >= 0 && b >= 0))
        {
            return Some(Number(Repr::Int(product, precision)));
        }
        // Exact as far as the widest precision goes, whatever the factors had.
        let product = self.float().mul(&other.float(), PRECISION)?;
        let precision = self.common(other).max(product.needed());
        Some(Self::of(product.with_precision(precision)))
    }

    /// Quotient: infinite when dividing by zero, `None` for zero by zero and
    /// infinity by infinity.
    pub fn div(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, precision)) = self.ints(other)
            && a != 0
            && let Some(0) = a.checked_rem(b)
            && let Some(quotient) = a.checked_div(b)
        {
            return Some(Number(Repr::Int(quotient, precision)));
        }
        self.float().div(&other.float(), self.common(other)).map(Self::of)
    }

    /// Remainder with the sign of the dividend, which is also what is left
    /// after dividing by zero; `None` where there is none.
    pub fn rem(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, precision)) = self.ints(other)
            && let Some(rest) = a.checked_rem(b)
        {
            return Some(Number(Repr::Int(rest, precision)));
        }
        let (a, b) = (self.float(), other.float());
        if a.is_infinite() || b.is_infinite() {
            return None;
        }
        if b.is_zero() {
            return Some(self.clone());
        }
        let quotient = a.div(&b, self.common(other))?;
        let (whole, _) = quotient.truncated()?;
        let whole = Float::whole(quotient.negative, whole, COUNTED).with_precision(a.precision);
        let taken = b.mul(&whole, a.precision)?;
        a.add(&taken.neg(), a.precision).map(Self::of)
    }

    /// The number with its sign turned.
    #[must_use]
    pub fn neg(&self) -> Self {
        match &self.0 {
            Repr::Int(i, precision) if *i != 0 && *i != i64::MIN => Number(Repr::Int(-*i, *precision)),
            _ => Self::of(self.float().neg()),
        }
    }

    /// The distance from zero.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.float().negative { self.neg() } else { self.clone() }
    }

    /// The next whole number down.
    #[must_use]
    pub fn floor(&self) -> Self {
        self.to_whole(true)
    }

    /// The next whole number up.
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.to_whole(false)
    }

    fn to_whole(&self, down: bool) -> Self {
        let float = self.float();
        if self.is_integer() {
            return if float.is_zero() {
                Self::of(Float::zero(false, float.precision))
            } else {
                self.clone()
            };
        }
        let Some((mut magnitude, fraction)) = float.truncated() else { return self.clone() };
        if fraction && float.negative == down {
            magnitude += 1u32;
        }
        let negative = float.negative && magnitude.bits() > 0;
        Self::of(Float::whole(negative, magnitude, float.precision))
    }

    /// Parses the digits of a whole number in a base from 2 to 36.
    pub fn parse_radix(text: &str, base: u32) -> Option<Self> {
        let digits = BigUint::parse_bytes(text.as_bytes(), base)?;
        Some(Self::of(Float::whole(false, digits, COUNTED)))
    }
}

impl From<i64> for Number {
    fn from(i: i64) -> Self {
        Number(Repr::Int(i, COUNTED))
    }
}

impl From<usize> for Number {
    fn from(i: usize) -> Self {
        i64::try_from(i).map_or_else(|_| Self::of(Float::whole(false, i.into(), COUNTED)), Self::from)
    }
}

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(i) = text.parse::<i64>()
            && (i != 0 || !text.starts_with('-'))
        {
            return Ok(Self::written(i));
        }
        Float::parse(text, PRECISION).map(Self::of).ok_or(())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(i, _) => i.fmt(f),
            Repr::Big(float) => float.fmt(f),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fractions are equal when they are written alike: `pow(10, -1) == 0.1`,
/// although they have different precisions.
/// As values have numbers.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value.as_number().cloned().ok_or_else(|| D::Error::custom("a number is required"))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Int(a, _), Repr::Int(b, _)) => a == b,
            (Repr::Big(a), Repr::Big(b))
                if a.precision != b.precision && !a.is_integer() && !b.is_integer() =>
            {
                a.to_string() == b.to_string()
            }
            _ => self.compare(other).is_eq(),
        }
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.compare(other) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        text.parse().expect("a number")
    }

    fn shown(result: Option<Number>) -> String {
        result.expect("a number").to_string()
    }

    #[test]
    fn arithmetic_has_no_surprises() {
        assert_eq!(shown(n("0.1").add(&n("0.2"))), "0.3");
        assert_eq!(shown(n("9223372036854775807").add(&n("1"))), "9223372036854775808");
        assert_eq!(shown(n("10").div(&n("4"))), "2.5");
        assert_eq!(n("1e3").to_string(), "1000");
        assert_eq!(shown(n("-7").rem(&n("3"))), "-1");
        assert_eq!(shown(n("5.5").rem(&n("2"))), "1.5");
        assert_eq!(shown(n("1").div(&n("0"))), "+Inf");
        assert_eq!(shown(n("1").rem(&n("0"))), "1");
        assert!(n("0").div(&n("0")).is_none());
        assert_eq!(n("2.0").as_i64(), Some(2));
        assert_eq!((n("-1.5").floor(), n("-1.5").ceil()), (n("-2"), n("-1")));
    }

    #[test]
    fn a_result_has_the_precision_of_its_operands() {
        let counted = |i: i64| Number::from(i);
        assert_eq!(shown(counted(1).div(&counted(3))), "0.33333333333333333334");
        assert_eq!(shown(n("1").div(&counted(3))).len(), 157);
        let float = |f: f64| Number::from_f64(f).expect("finite");
        assert_eq!(shown(float(1.0).div(&float(3.0))), "0.3333333333333333");
    }

    #[test]
    fn absurd_exponents_are_refused() {
        assert!("1e999999999".parse::<Number>().is_err());
        assert!("".parse::<Number>().is_err());
    }
}
