//! Functions over moments in time, which are RFC 3339 text.
//!
//! Guarantees: the offset of a timestamp is kept; the only clock is the
//! moment of the plan in [`FunctionContext`]. `timestamp` is in `impure`.

use std::cmp::Ordering;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Returns, fault, param, quoting, text};
use crate::value::{Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("formatdate", &[param("format", Str), param("time", Str)], Returns::String, formatdate),
    Function::new("plantimestamp", &[], Returns::String, |_, context| {
        // Without a plan, as when only checking, there is no moment of it yet.
        Ok(if context.timestamp.is_empty() {
            Value::unknown_not_null(Type::String)
        } else {
            context.timestamp.into()
        })
    }),
    Function::new("timeadd", &[param("timestamp", Str), param("duration", Str)], Returns::String, timeadd),
    Function::new(
        "timecmp",
        &[param("timestamp_a", Str), param("timestamp_b", Str)],
        Returns::Number,
        timecmp,
    ),
];

/// A moment as a clock at some offset shows it.
struct Moment {
    local: DateTime,
    /// Seconds east of UTC.
    offset: i32,
}

impl Moment {
    fn offset_text(&self, colon: &str) -> String {
        let minutes = self.offset.abs() / 60;
        let sign = if self.offset < 0 { '-' } else { '+' };
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    fn or_z(&self, colon: &str) -> String {
        if self.offset == 0 { "Z".into() } else { self.offset_text(colon) }
    }

    fn show(&self) -> String {
        format!("{}{}", self.local.strftime("%Y-%m-%dT%H:%M:%S"), self.or_z(":"))
    }
}

fn moment(args: &[Value], index: usize) -> Result<Moment, Fault> {
    let given = text(args, index);
    parse(given).ok_or_else(|| {
        quoting(
            index,
            format!("{given:?} is not an RFC 3339 timestamp like \"2026-01-31T12:00:00Z\""),
            "is not an RFC 3339 timestamp",
        )
    })
}

/// Strict RFC 3339: all of it, and `T` in between.
fn parse(text: &str) -> Option<Moment> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, zone) = time.split_at_checked(8)?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let digits = zone.strip_prefix('.').map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, zone) = match digits {
        Some(0) => return None,
        Some(n) => zone.get(1..)?.split_at(n),
        None => ("", zone),
    };
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let [hour, minute, second] = [hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?];
    let time = Time::new(hour, minute, second, nanoseconds(fraction)?).ok()?;
    Some(Moment { local: date.to_datetime(time), offset: offset(zone)? })
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (slot, width) in found.iter_mut().zip(widths) {
        *slot = fixed(parts.next()?, width)?;
    }
    parts.next().is_none().then_some(found)
}

fn fixed(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse().ok()
}

fn offset(zone: &str) -> Option<i32> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    (hours < 24 && minutes < 60).then(|| i32::try_from(hours * 3600 + minutes * 60).ok().map(|s| s * sign))?
}

fn timeadd(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let moment = moment(args, 0)?;
    let given = text(args, 1);
    let duration = duration(given).ok_or_else(|| {
        quoting(1, format!("{given:?} is not a duration like \"1h30m\""), "is not a duration like \"1h30m\"")
    })?;
    let local = moment.local.checked_add(duration).ok().filter(|t| (0..=9999).contains(&t.year()));
    let local = local.ok_or_else(|| fault(1, "leads out of the years 0 to 9999"))?;
    Ok(Moment { local, ..moment }.show().into())
}

/// A sum of numbers with units, as in `-1h30m` or `1.5s`.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut total = 0i128;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        total = total.checked_add(nanos(number, unit)?)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let total = i64::try_from(if negative { -total } else { total }).ok()?;
    Some(SignedDuration::from_nanos(total))
}

fn nanos(number: &str, unit: &str) -> Option<i128> {
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Beyond nanoseconds of an hour there is nothing left to add.
    let fraction = fraction.get(..15).unwrap_or(fraction);
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10i128.pow(u32::try_from(fraction.len()).ok()?);
    whole.checked_mul(unit)?.checked_add(parts.checked_mul(unit)? / scale)
}

fn timecmp(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let instant = |m: Moment| m.local.checked_sub(SignedDuration::from_secs(m.offset.into())).ok();
    let (a, b) = (instant(moment(args, 0)?), instant(moment(args, 1)?));
    Ok(match a.cmp(&b) {
        Ordering::Less => -1i64,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
    .into())
}

fn formatdate(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let moment = moment(args, 1)?;
    let mut out = String::new();
    let mut rest = text(args, 0);
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("''") {
            out.push('\'');
            rest = after;
            continue;
        }
        if let Some(quoted) = rest.strip_prefix('\'') {
            rest = literal(quoted, &mut out)?;
            continue;
        }
        let end = rest.find(|c| c != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match first.is_ascii_alphabetic() {
            true => out.push_str(&part(run, &moment)?),
            false => out.push_str(run),
        }
        rest = after;
    }
    Ok(out.into())
}

/// Quoted text, in which a quote is doubled; gives what follows it.
fn literal<'a>(mut rest: &'a str, out: &mut String) -> Result<&'a str, Fault> {
    loop {
        let end = rest.find('\'').ok_or_else(|| fault(0, "has a quote that is not closed"))?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok(rest),
        }
    }
}

fn part(run: &str, moment: &Moment) -> Result<String, Fault> {
    let local = moment.local;
    let half = match (local.hour() % 12, local.hour() < 12) {
        (0, morning) => (12, morning),
        other => other,
    };
    let with = |directives: &str| local.strftime(directives).to_string();
    Ok(match run {
        "YYYY" => with("%Y"),
        "YY" => with("%y"),
        "MMMM" => with("%B"),
        "MMM" => with("%b"),
        "MM" => with("%m"),
        "M" => local.month().to_string(),
        "DD" => with("%d"),
        "D" => local.day().to_string(),
        "EEEE" => with("%A"),
        "EEE" => with("%a"),
        "hh" => with("%H"),
        "h" => local.hour().to_string(),
        "HH" => format!("{:02}", half.0),
        "H" => half.0.to_string(),
        "AA" => if half.1 { "AM" } else { "PM" }.into(),
        "aa" => if half.1 { "am" } else { "pm" }.into(),
        "mm" => with("%M"),
        "m" => local.minute().to_string(),
        "ss" => with("%S"),
        "s" => local.second().to_string(),
        "ZZZZZ" => moment.offset_text(":"),
        "ZZZZ" => moment.offset_text(""),
        "ZZZ" if moment.offset == 0 => "UTC".into(),
        "ZZZ" => moment.offset_text(""),
        "Z" => moment.or_z(":"),
        other => {
            let shown: String = other.chars().take(8).collect();
            let message = format!("{shown:?} is no part of a date; quote plain text like 'at'");
            return Err(quoting(0, message, "has a letter that is no part of a date"));
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;

    #[test]
    fn cases() {
        let at = "2018-01-02T23:12:01Z";
        check(&[
            ("formatdate", json!(["DD MMM YYYY hh:mm ZZZ", at]), Ok(json!("02 Jan 2018 23:12 UTC"))),
            (
                "formatdate",
                json!(["EEEE, DD-MMM-YY HH:mm:ss aa Z", "2018-01-02T00:12:01-08:00"]),
                Ok(json!("Tuesday, 02-Jan-18 12:12:01 am -08:00")),
            ),
            ("formatdate", json!(["h 'o''clock' ZZZZ", at]), Ok(json!("23 o'clock +0000"))),
            ("formatdate", json!(["DDD", at]), Err("\"DDD\" is no part")),
            ("formatdate", json!(["'x", at]), Err("not closed")),
            ("formatdate", json!(["D", "2018-01-02"]), Err("not an RFC 3339")),
            ("plantimestamp", json!([]), Ok(json!("2026-01-02T03:04:05Z"))),
            ("plantimestamp", json!([1]), Err("too many")),
            ("timeadd", json!(["2017-11-22T00:00:00Z", "10m"]), Ok(json!("2017-11-22T00:10:00Z"))),
            (
                "timeadd",
                json!(["2017-11-22T00:00:00.5+01:00", "-1.5h1s"]),
                Ok(json!("2017-11-21T22:29:59+01:00")),
            ),
            ("timeadd", json!(["2017-11-22T00:00:00Z", "0"]), Ok(json!("2017-11-22T00:00:00Z"))),
            ("timeadd", json!(["2017-11-22T00:00:00Z", "10"]), Err("not a duration")),
            ("timeadd", json!(["2017-11-22T00:00:00Z", ""]), Err("not a duration")),
            ("timeadd", json!(["9999-12-31T23:59:59Z", "1h"]), Err("leads out")),
            ("timecmp", json!(["2017-11-22T01:00:00Z", "2017-11-22T00:00:00-01:00"]), Ok(json!(0))),
            ("timecmp", json!(["2017-11-22T00:00:00Z", "2017-11-22T01:00:00Z"]), Ok(json!(-1))),
            ("timecmp", json!(["x", "2017-11-22T01:00:00Z"]), Err("\"x\" is not")),
        ]);
    }
}
