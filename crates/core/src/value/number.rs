//! Numbers of the language: decimal, of any size, without float surprises.
//!
//! Guarantees: integers are exact at any size; `0.1 + 0.2` is `0.3`; a
//! division that does not come out even is rounded to [`PRECISION`] digits,
//! the precision Terraform's 512-bit floats have.
//! Must not: go through `f64` for arithmetic.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, FromPrimitive, RoundingMode, ToPrimitive, Zero};

/// Significant decimal digits kept by a division that does not come out even.
const PRECISION: u64 = 155;

/// A number. Small integers, nearly all there are, take no allocation.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    Int(i64),
    /// Never holds a value that fits `Int`, so that equal numbers are equal.
    Big(Arc<BigDecimal>),
}

impl Number {
    fn big(&self) -> BigDecimal {
        match &self.0 {
            Repr::Int(i) => BigDecimal::from(*i),
            Repr::Big(b) => (**b).clone(),
        }
    }

    fn from_big(big: BigDecimal) -> Self {
        let big = big.normalized();
        if big.is_integer()
            && let Some(i) = big.to_i64()
        {
            return Number(Repr::Int(i));
        }
        Number(Repr::Big(Arc::new(big)))
    }

    /// The number nearest to a float; `None` for NaN and infinities.
    pub fn from_f64(float: f64) -> Option<Self> {
        BigDecimal::from_f64(float).map(Self::from_big)
    }

    /// The value as `i64` when it is a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(i) => Some(*i),
            Repr::Big(_) => None,
        }
    }

    /// The nearest float.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(i) => *i as f64,
            Repr::Big(b) => b.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// Whether there is no fractional part.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Big(b) => b.is_integer(),
        }
    }

    /// Sum.
    pub fn add(&self, other: &Self) -> Self {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Number(Repr::Int(sum));
        }
        Self::from_big(self.big() + other.big())
    }

    /// Difference.
    pub fn sub(&self, other: &Self) -> Self {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Number(Repr::Int(difference));
        }
        Self::from_big(self.big() - other.big())
    }

    /// Product.
    pub fn mul(&self, other: &Self) -> Self {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
        {
            return Number(Repr::Int(product));
        }
        Self::from_big(self.big() * other.big())
    }

    /// Quotient; `None` when dividing by zero.
    pub fn div(&self, other: &Self) -> Option<Self> {
        let divisor = other.big();
        if divisor.is_zero() {
            return None;
        }
        Some(Self::from_big((self.big() / divisor).with_prec(PRECISION)))
    }

    /// Remainder with the sign of the dividend; `None` for a zero divisor.
    pub fn rem(&self, other: &Self) -> Option<Self> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0) {
            return a.checked_rem(*b).map(|r| Number(Repr::Int(r)));
        }
        let divisor = other.big();
        if divisor.is_zero() {
            return None;
        }
        Some(Self::from_big(self.big() % divisor))
    }

    /// The number with its sign turned.
    pub fn neg(&self) -> Self {
        Self::from_big(-self.big())
    }

    /// The distance from zero.
    pub fn abs(&self) -> Self {
        Self::from_big(self.big().abs())
    }

    /// The next whole number down.
    pub fn floor(&self) -> Self {
        Self::from_big(self.big().with_scale_round(0, RoundingMode::Floor))
    }

    /// The next whole number up.
    pub fn ceil(&self) -> Self {
        Self::from_big(self.big().with_scale_round(0, RoundingMode::Ceiling))
    }

    /// Parses an integer in a base from 2 to 36.
    pub fn parse_radix(text: &str, base: u32) -> Option<Self> {
        BigInt::parse_bytes(text.as_bytes(), base).map(|i| Self::from_big(BigDecimal::from(i)))
    }
}

impl From<i64> for Number {
    fn from(i: i64) -> Self {
        Number(Repr::Int(i))
    }
}

impl From<usize> for Number {
    fn from(i: usize) -> Self {
        i64::try_from(i).map_or_else(|_| Self::from_big(BigDecimal::from(i as u64)), |i| Number(Repr::Int(i)))
    }
}

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(i) = text.parse::<i64>()
            && !text.starts_with('+')
        {
            return Ok(Number(Repr::Int(i)));
        }
        // An exponent of millions would expand to that many digits.
        let exponent = text.split_once(['e', 'E']).map_or(Ok(0), |(_, e)| e.parse::<i64>());
        let digits_only = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        if !digits_only || !exponent.is_ok_and(|e| e.abs() <= 10_000) {
            return Err(());
        }
        BigDecimal::from_str(text).map(Self::from_big).map_err(|_| ())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(i) => i.fmt(f),
            Repr::Big(b) => f.write_str(&b.to_plain_string()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
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
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(b),
            _ => self.big().cmp(&other.big()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        text.parse().expect("a number")
    }

    #[test]
    fn arithmetic_is_decimal_and_exact() {
        assert_eq!(n("0.1").add(&n("0.2")), n("0.3"));
        assert_eq!(n("9223372036854775807").add(&n("1")).to_string(), "9223372036854775808");
        assert_eq!(n("10").div(&n("4")).expect("not zero").to_string(), "2.5");
        assert_eq!(n("1e3").to_string(), "1000");
        assert_eq!(n("-7").rem(&n("3")).expect("not zero").to_string(), "-1");
        assert!(n("1").div(&n("0")).is_none());
        assert_eq!(n("2.0").as_i64(), Some(2));
    }

    #[test]
    fn absurd_exponents_are_refused() {
        assert!("1e999999999".parse::<Number>().is_err());
        assert!("".parse::<Number>().is_err());
        assert!("inf".parse::<Number>().is_err());
    }
}
