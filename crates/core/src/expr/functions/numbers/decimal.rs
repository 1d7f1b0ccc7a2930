//! Numbers under the verbs of `format`.
//!
//! Guarantees: decimal digits are rounded exactly, half to even; nothing goes
//! through a float.

use bigdecimal::num_bigint::BigInt;

use super::super::format::Verb;
use crate::value::Number;

/// `0.d1d2d3... * 10^point`, without zeros at either end.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Of a finite number.
    fn of(number: &Number) -> Self {
        let text = number.to_string();
        let (negative, text) = text.strip_prefix('-').map_or((false, &*text), |rest| (true, rest));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        let leading = digits.iter().take_while(|d| **d == 0).count();
        let mut decimal = Decimal {
            negative,
            point: signed(whole.len()) - signed(leading),
            digits: digits[leading..].to_vec(),
        };
        decimal.trim();
        decimal
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    /// Keeps this many digits, counted from the first.
    fn round(&mut self, keep: i64) {
        let Ok(keep) = usize::try_from(keep) else {
            self.digits.clear();
            return self.trim();
        };
        if keep >= self.digits.len() {
            return;
        }
        let rest = self.digits.split_off(keep);
        let odd = self.digits.last().is_some_and(|d| d % 2 == 1);
        let up = rest[0] > 5 || rest[0] == 5 && (rest.len() > 1 || odd);
        if up {
            self.increment();
        }
        self.trim();
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            *digit += 1;
            if *digit < 10 {
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
        self.point += 1;
    }

    fn digit(&self, position: i64) -> char {
        let digit = usize::try_from(position).ok().and_then(|p| self.digits.get(p));
        char::from(b'0' + digit.copied().unwrap_or(0))
    }

    /// Plain notation with this many places.
    fn plain(&self, places: usize) -> String {
        let whole: String = (0..self.point).map(|i| self.digit(i)).collect();
        let mut out = if whole.is_empty() { "0".to_owned() } else { whole };
        if places > 0 {
            out.push('.');
            out.extend((0..signed(places)).map(|i| self.digit(self.point + i)));
        }
        out
    }

    /// Scientific notation with this many places.
    fn scientific(&self, places: usize, e: char) -> String {
        let mut out = String::from(self.digit(0));
        if places > 0 {
            out.push('.');
            out.extend((1..=signed(places)).map(|i| self.digit(i)));
        }
        let exponent = self.exponent();
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{out}{e}{sign}{:02}", exponent.abs())
    }

    fn exponent(&self) -> i64 {
        if self.digits.is_empty() { 0 } else { self.point - 1 }
    }

    /// The shorter of the two notations, as `%g` picks it.
    fn general(&mut self, precision: Option<usize>, e: char) -> String {
        let mut limit = 6;
        if let Some(precision) = precision {
            let precision = signed(precision.max(1));
            self.round(precision);
            limit = precision;
            let count = signed(self.digits.len());
            if limit > count && count >= self.point {
                limit = count.max(1);
            }
        }
        let exponent = self.exponent();
        if exponent < -4 || exponent >= limit {
            return self.scientific(self.digits.len().saturating_sub(1), e);
        }
        let places = signed(self.digits.len()) - self.point;
        self.plain(usize::try_from(places).unwrap_or(0))
    }
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What `%v` makes of a number.
pub(in super::super) fn shortest(number: &Number) -> String {
    if number.is_infinite() {
        return number.to_string();
    }
    let mut decimal = Decimal::of(number);
    let text = decimal.general(None, 'e');
    if decimal.negative { format!("-{text}") } else { text }
}

/// A number under a verb: its sign (or prefix) and the rest. Infinity goes with
/// none that asks for whole numbers.
pub(in super::super) fn format(verb: &Verb, number: &Number) -> Result<(&'static str, String), String> {
    if number.is_infinite() {
        return match verb.mode {
            'e' | 'E' | 'f' | 'g' | 'G' => Ok(("", number.to_string())),
            mode => Err(format!("\"%{mode}\" requires a whole number")),
        };
    }
    let mut decimal = Decimal::of(number);
    let negative = decimal.negative;
    let places = verb.precision.unwrap_or(6);
    let body = match verb.mode {
        'f' => {
            decimal.round(decimal.point.saturating_add(signed(places)));
            decimal.plain(places)
        }
        'e' | 'E' => {
            decimal.round(signed(places).saturating_add(1));
            decimal.scientific(places, verb.mode)
        }
        'g' | 'G' => decimal.general(verb.precision, if verb.mode == 'g' { 'e' } else { 'E' }),
        // No whole number is less than zero and zero.
        _ => {
            let negative = negative && !decimal.digits.is_empty();
            return integer(verb, number).map(|body| (sign(verb, negative), body));
        }
    };
    Ok((sign(verb, negative), body))
}

fn sign(verb: &Verb, negative: bool) -> &'static str {
    match verb {
        _ if negative => "-",
        _ if verb.plus => "+",
        _ if verb.space => " ",
        _ => "",
    }
}

fn integer(verb: &Verb, number: &Number) -> Result<String, String> {
    if !number.is_integer() {
        return Err(format!("\"%{}\" requires a whole number", verb.mode));
    }
    let decimal = number.abs().to_string();
    let (radix, prefix) = match verb.mode {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits = match radix {
        10 => decimal,
        _ => BigInt::parse_bytes(decimal.as_bytes(), 10).unwrap_or_default().to_str_radix(radix),
    };
    let digits = if verb.mode == 'X' { digits.to_uppercase() } else { digits };
    let zeros = verb.precision.unwrap_or(0).saturating_sub(digits.len());
    let prefix = if verb.sharp { prefix } else { "" };
    Ok(format!("{prefix}{}{digits}", "0".repeat(zeros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_notation() {
        let cases = [
            ("0", "0"),
            ("100000", "100000"),
            ("1000000", "1e+06"),
            ("1234567.5", "1.2345675e+06"),
            ("0.0001", "0.0001"),
            ("-0.00001", "-1e-05"),
        ];
        for (number, expected) in cases {
            assert_eq!(shortest(&number.parse().expect("a number")), expected);
        }
    }

    /// Found by the fuzzer: infinity has no digits.
    #[test]
    fn infinity_is_a_word() {
        for mode in "eEfgGvdxXobt".chars() {
            let verb = Verb { mode, precision: Some(2), ..Verb::default() };
            let made = format(&verb, &Number::infinity(true));
            assert_eq!(made.ok(), "eEfgG".contains(mode).then(|| ("", "-Inf".to_owned())), "{mode}");
        }
        assert_eq!(shortest(&Number::infinity(false)), "+Inf");
    }

    #[test]
    fn rounding_is_half_to_even_and_carries() {
        let cases = [
            ("0.125", 2, "0.12"),
            ("0.375", 2, "0.38"),
            ("9.99", 1, "10.0"),
            ("0.5", 0, "0"),
            ("0.06", 1, "0.1"),
        ];
        for (number, places, expected) in cases {
            let verb = Verb { mode: 'f', precision: Some(places), ..Verb::default() };
            let made = format(&verb, &number.parse().expect("a number"));
            assert_eq!(made, Ok(("", expected.to_owned())), "{number}");
        }
    }
}
