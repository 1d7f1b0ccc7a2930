//! Reading YAML as Terraform does: YAML 1.1's words for bools, numbers of any
//! size, moments as RFC 3339 text, merge keys.
//!
//! Guarantees: reading is bounded in depth and in the growth of aliases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::super::declare::{Fault, failure, quoting};
use crate::value::{Kind, Number, Type, Value};

/// How deep collections may be in one another.
const MAX_DEPTH: u32 = 128;
/// How many values aliases may stand for.
const MAX_VALUES: usize = 1_000_000;

/// The value of a YAML text, which holds one document.
pub(super) fn decode(text: &str) -> Result<Value, Fault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        open_end: (!text.ends_with('\n')).then(|| text.chars().count()),
        at_end: false,
        anchors: HashMap::new(),
        values: 0,
        depth: 0,
    };
    let value = match reader.skip_to_document()? {
        false => return Err(malformed("there is no document in it")),
        true => {
            let event = reader.next()?;
            reader.node(event)?
        }
    };
    if reader.skip_to_document()? {
        return Err(malformed("there is more than one document in it"));
    }
    Ok(value)
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Where a text ends whose last line has no end.
    open_end: Option<usize>,
    /// Whether the last event reached as far as that.
    at_end: bool,
    /// What each anchor stands for; `None` inside its own definition.
    anchors: HashMap<usize, Option<(Value, usize)>>,
    /// Values so far, with those that aliases repeat.
    values: usize,
    depth: u32,
}

fn malformed(why: &str) -> Fault {
    quoting(0, format!("is not YAML: {why}"), "is not YAML")
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, Fault> {
        let wrong = |error: ScanError| {
            let place = error.marker();
            malformed(&format!("line {}, column {}: {}", place.line(), place.col() + 1, error.info()))
        };
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.at_end = self.open_end.is_some_and(|end| span.end.index() >= end);
                Ok(event)
            }
            Some(Err(error)) => Err(wrong(error)),
            None => Ok(Event::StreamEnd),
        }
    }

    /// Whether there is a document still.
    fn skip_to_document(&mut self) -> Result<bool, Fault> {
        loop {
            match self.next()? {
                Event::DocumentStart(_) => return Ok(true),
                Event::StreamEnd => return Ok(false),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>) -> Result<Value, Fault> {
        self.values += 1;
        let before = self.values;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                // The reader ends the last line of a block even where the text does not.
                let text = text.strip_suffix('\n').filter(|_| block && self.at_end).unwrap_or(&text);
                (anchor, scalar(text, style, tag.as_deref())?)
            }
            Event::Alias(anchor) => {
                let (value, count) = match self.anchors.get(&anchor) {
                    Some(Some(found)) => found.clone(),
                    Some(None) => return Err(malformed("an alias stands inside what it stands for")),
                    None => return Err(malformed("an alias stands for nothing")),
                };
                self.values += count;
                if self.values > MAX_VALUES {
                    return Err(failure(format!("its aliases stand for more than {MAX_VALUES} values")));
                }
                return Ok(value);
            }
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq")?;
                (anchor, self.within(anchor, Self::sequence)?)
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map")?;
                (anchor, self.within(anchor, Self::mapping)?)
            }
            _ => return Err(malformed("a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, Some((value.clone(), self.values - before + 1)));
        }
        Ok(value)
    }

    fn within(&mut self, anchor: usize, read: fn(&mut Self) -> Result<Value, Fault>) -> Result<Value, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(failure(format!("it is more than {MAX_DEPTH} levels deep")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn sequence(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::tuple(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    /// Later entries win, those of a merge key among them.
    fn mapping(&mut self) -> Result<Value, Fault> {
        let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Value::object(entries)),
                event => self.node(event)?,
            };
            let event = self.next()?;
            let value = self.node(event)?;
            match (key.as_str(), key.convert(&Type::String)) {
                (Some("<<"), _) => merge(&mut entries, &value)?,
                (_, Ok(name)) => match name.kind() {
                    Kind::String(name) => drop(entries.insert(name.clone(), value)),
                    _ => return Err(failure("null cannot be a key")),
                },
                _ => return Err(failure("only strings, numbers and bools can be keys")),
            }
        }
    }
}

fn merge(entries: &mut BTreeMap<Arc<str>, Value>, value: &Value) -> Result<(), Fault> {
    let not_merged = || failure(format!("a {} cannot be merged into a mapping", value.ty().friendly()));
    match value.kind() {
        Kind::Object(others) => entries.extend(others.iter().map(|(k, v)| (k.clone(), v.clone()))),
        Kind::Tuple(items) => {
            for item in items.iter() {
                let Kind::Object(others) = item.kind() else { return Err(not_merged()) };
                entries.extend(others.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        _ => return Err(not_merged()),
    }
    Ok(())
}

/// The name of one of YAML's own tags; other tags are refused.
fn own_tag(tag: &Tag) -> Result<&str, Fault> {
    let whole = format!("{}{}", tag.handle, tag.suffix);
    if tag.is_yaml_core_schema() {
        return Ok(&tag.suffix);
    }
    Err(quoting(0, format!("has the unsupported tag {whole}"), "has an unsupported tag"))
}

fn collection_tag(tag: Option<&Tag>, name: &str) -> Result<(), Fault> {
    match tag.map(own_tag).transpose()? {
        None => Ok(()),
        Some(tag) if tag == name => Ok(()),
        Some(tag) => Err(failure(format!("what is tagged !!{tag} is no such thing"))),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Fault> {
    let tag = tag.map(own_tag).transpose()?;
    let plain = style == ScalarStyle::Plain;
    let fits = |value: &Value, tag: &str| match tag {
        "int" | "float" => value.as_number().is_some(),
        "bool" => value.as_bool().is_some(),
        "timestamp" => moment(text).is_some(),
        _ => false,
    };
    match tag {
        None if plain => resolve(text),
        Some("null") if plain => Ok(Value::NULL),
        Some("binary") => match STANDARD.decode(text.replace(['\r', '\n'], "")) {
            Ok(_) => Ok(text.into()),
            Err(_) => Err(malformed("what is tagged !!binary is not Base64")),
        },
        Some(tag @ ("int" | "float" | "bool" | "timestamp")) if plain => {
            let value = resolve(text)?;
            if value.is_null() || fits(&value, tag) {
                return Ok(value);
            }
            let message = format!("has {text:?}, which is no {tag}");
            Err(quoting(0, message, "has text that is not what its tag says"))
        }
        None | Some("str" | "int" | "float" | "bool" | "null" | "timestamp") => Ok(text.into()),
        Some(other) => Err(failure(format!("it has the unsupported tag !!{other}"))),
    }
}

/// What plain text stands for.
fn resolve(text: &str) -> Result<Value, Fault> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::NULL,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => false.into(),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Number::infinity(false).into(),
        "-.inf" | "-.Inf" | "-.INF" => Number::infinity(true).into(),
        ".nan" | ".NaN" | ".NAN" => return Err(failure("there is no number for not-a-number")),
        _ => match number(text) {
            Some(number) => number.into(),
            None => moment(text).map_or_else(|| text.into(), Value::from),
        },
    })
}

fn number(text: &str) -> Option<Number> {
    let radix = |prefix: &str, base: u32| {
        let digits = text.strip_prefix(prefix)?;
        digits.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| Number::parse_radix(digits, base))?
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(number);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let begins = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let fits = unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    (begins && fits).then(|| text.parse().ok())?
}

/// A date, or a moment, as RFC 3339 text without fractions.
fn moment(text: &str) -> Option<String> {
    let digits = |text: &str, most: usize| -> Option<i16> {
        let fits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse().ok())?
    };
    let (day, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((&text[at..=at], &text[at + 1..]))),
        None => (text, None),
    };
    let mut parts = day.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let (year, month, day) = (digits(year, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let small = |n: i16| i8::try_from(n).ok();
    let date = jiff::civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let Some((separator, time)) = rest else {
        return Some(written(date.at(0, 0, 0, 0), "Z"));
    };
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) if separator != " " => (&time[..at], offset(&time[at..])?),
        None if separator == " " => (time, "Z".into()),
        _ => return None,
    };
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = parts.next().map(|s| s.split_once('.').unwrap_or((s, "0")))?;
    digits(fraction, 9).or_else(|| fraction.bytes().all(|b| b.is_ascii_digit()).then_some(0))?;
    let second = digits(second, 2)?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(written(date.to_datetime(time), &offset))
}

/// `Z` or `±hh:mm`, as it is written in RFC 3339.
fn offset(text: &str) -> Option<String> {
    let zero = matches!(text, "Z" | "+00:00" | "-00:00");
    let bytes = text.as_bytes();
    let valid = zero
        || matches!(bytes, [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|d| d.is_ascii_digit()) && *h1 <= b'2' && *m1 <= b'5');
    valid.then(|| if zero { "Z".into() } else { text.into() })
}

fn written(moment: DateTime, offset: &str) -> String {
    format!("{}{offset}", moment.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match decode(text) {
            Ok(value) => value.to_plain_json().expect("known").to_string(),
            Err(fault) => fault.into_message(),
        }
    }

    #[test]
    fn plain_text_is_resolved() {
        let cases = [
            ("yes", "true"),
            ("Off", "false"),
            ("017", "17"),
            ("0x1F", "31"),
            ("1_000", "\"1_000\""),
            ("2001-1-2", "\"2001-01-02T00:00:00Z\""),
            ("2001-12-14T21:59:43.10-05:00", "\"2001-12-14T21:59:43-05:00\""),
            ("2001-12-14 21:59:43.10 -5", "\"2001-12-14 21:59:43.10 -5\""),
            ("2001-13-01", "\"2001-13-01\""),
            ("'1'", "\"1\""),
            ("!!str 1", "\"1\""),
            ("!!null x", "null"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_merge_and_the_last_wins() {
        assert_eq!(read("a: 1\na: 2"), "{\"a\":2}");
        assert_eq!(
            read("x: &x {a: 1, b: 2}\nz: {b: 3, <<: *x}"),
            "{\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":2}}"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", "no document"),
            ("a\n---\nb", "more than one"),
            ("&a [*a]", "inside"),
            ("{~: 1}", "null cannot be a key"),
            ("{<<: 1}", "cannot be merged"),
            ("!x 1", "unsupported tag"),
            (".nan", "not-a-number"),
            ("[", "line"),
        ];
        for (text, part) in cases {
            let said = read(text);
            assert!(said.contains(part), "{text}: {said}");
        }
        assert!(decode(&"[".repeat(10_000)).is_err());
    }
}
