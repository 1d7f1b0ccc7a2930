//! Kubernetes quantities: `500m`, `1.5Gi`, `2e3`.
//!
//! Guarantees: two spellings are equal exactly when the numbers are; text that
//! is no quantity, or too precise or too large to tell, is equal to nothing.

/// Whether both are quantities, and of one size.
pub(super) fn same(a: &str, b: &str) -> bool {
    matches!((nanos(a), nanos(b)), (Some(a), Some(b)) if a == b)
}

/// The quantity in billionths.
fn nanos(text: &str) -> Option<i128> {
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let decimals = i32::try_from(fraction.len()).ok()?;
    let (multiplier, exponent) = suffix_value(suffix)?;
    let scaled = scale(mantissa.checked_mul(multiplier)?, exponent.checked_add(9)?.checked_sub(decimals)?)?;
    Some(if negative { -scaled } else { scaled })
}

/// A suffix as a binary multiplier and a power of ten.
fn suffix_value(suffix: &str) -> Option<(i128, i32)> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(power) = BINARY.iter().position(|s| *s == suffix) {
        return Some((1i128 << (10 * (power + 1)), 0));
    }
    let exponent = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => suffix.strip_prefix(['e', 'E'])?.parse().ok()?,
    };
    Some((1, exponent))
}

/// Times a power of ten; `None` when it does not come out even.
fn scale(number: i128, exponent: i32) -> Option<i128> {
    let power = 10i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        return number.checked_mul(power);
    }
    (number % power == 0).then(|| number / power)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn spellings_of_one_size_are_equal() {
        let equal = [
            ("1000m", "1"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("2e3", "2k"),
            ("2E3", "2000"),
            ("1E", "1000P"),
            ("-1", "-1000m"),
            ("+1", "1.0"),
            ("0", "0Gi"),
            ("8Ei", "8192Pi"),
        ];
        for (a, b) in equal {
            assert!(same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let different = [
            ("1", "2"),
            ("1G", "1Gi"),
            ("1", "1m"),
            ("a", "a"),
            ("", ""),
            ("1.2.3", "1.2.3"),
            ("1e999", "1e999"),
            ("m", "m"),
            ("1 ", "1"),
        ];
        for (a, b) in different {
            assert!(!same(a, b), "{a} and {b}");
        }
    }
}
