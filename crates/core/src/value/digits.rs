//! The decimal digits of binary floats.
//!
//! Guarantees: exact, unless asked for the fewest that tell a number from its
//! neighbours.

use bigdecimal::Zero as _;
use bigdecimal::num_bigint::BigUint;

/// `0.d1d2d3… × 10^point`, without zeros at the end.
pub(super) struct Digits {
    pub(super) digits: Vec<u8>,
    pub(super) point: i64,
}

impl Digits {
    /// The exact digits of `mantissa × 2^exponent`.
    pub(super) fn of(mantissa: &BigUint, exponent: i64) -> Self {
        if mantissa.is_zero() {
            return Digits { digits: Vec::new(), point: 0 };
        }
        let power = exponent.unsigned_abs();
        let digits = if exponent >= 0 { mantissa << power } else { mantissa * power_of_five(power) };
        let digits = digits.to_string().into_bytes();
        let point = signed(digits.len() as u64) + exponent.min(0);
        let mut all = Digits { digits, point };
        all.trim();
        all
    }

    pub(super) fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
    }

    fn at(&self, i: usize) -> u8 {
        self.digits.get(i).copied().unwrap_or(b'0')
    }

    /// Keeps the fewest digits that stay between the bounds (on them, where
    /// `inclusive`).
    pub(super) fn shortest(mut self, lower: &Digits, upper: &Digits, inclusive: bool) -> Self {
        for i in 0..self.digits.len() {
            let (low, digit, high) = (lower.at(i), self.at(i), upper.at(i));
            let down = low != digit || (inclusive && i + 1 == lower.digits.len());
            let up = digit != high && (inclusive || digit + 1 < high || i + 1 < upper.digits.len());
            if down || up {
                let nearer_up = self.rounds_up(i + 1);
                self.digits.truncate(i + 1);
                if up && (nearer_up || !down) {
                    self.increment();
                }
                self.trim();
                break;
            }
        }
        self
    }

    /// Whether what follows the first `keep` digits is more than half a unit,
    /// or half a unit after an odd digit.
    pub(super) fn rounds_up(&self, keep: usize) -> bool {
        match self.digits.get(keep) {
            None => false,
            Some(b'5') if keep + 1 == self.digits.len() => keep > 0 && self.digits[keep - 1] % 2 == 1,
            Some(digit) => *digit >= b'5',
        }
    }

    pub(super) fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
        self.point += 1;
    }

    pub(super) fn text(&self) -> String {
        let whole = usize::try_from(self.point).unwrap_or(0);
        let mut text: String = (0..whole).map(|i| char::from(self.at(i))).collect();
        if text.is_empty() {
            text.push('0');
        }
        if self.digits.len() > whole {
            text.push('.');
            text.extend((self.point..0).map(|_| '0'));
            text.extend(self.digits[whole..].iter().map(|d| char::from(*d)));
        }
        text
    }
}

pub(super) fn power_of_five(power: u64) -> BigUint {
    BigUint::from(5u32).pow(u32::try_from(power).unwrap_or(u32::MAX))
}

pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
