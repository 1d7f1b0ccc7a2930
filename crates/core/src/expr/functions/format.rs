//! `format` and `formatlist`: format strings with verbs.
//!
//! Guarantees: width, precision, flags and explicit argument numbers work as
//! in Terraform; with an unknown argument the result is an unknown whose
//! known beginning is kept. Width and precision are bounded.

use unicode_segmentation::UnicodeSegmentation as _;

use super::FunctionContext;
use super::declare::Want::{Any, String as Str};
use super::declare::{Fault, Function, Returns, check_size, failure, fault, param, text};
use super::json::{encode, quote};
use super::numbers::decimal;
use crate::value::{Kind, Number, Type, Unknown, Value};

/// The widest field and the longest precision.
const MAX_WIDTH: usize = 1 << 20;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("format", &[param("format", Str)], Returns::String, format)
        .rest(param("args", Any).unknown().nullable(), 0),
    Function::new("formatlist", &[param("format", Str)], Returns::Strings, formatlist)
        .rest(param("args", Any).open().nullable(), 0),
];

/// A verb with all that modifies it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verb {
    pub(super) plus: bool,
    pub(super) space: bool,
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) minus: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) mode: char,
    /// The argument that it names, from 0.
    pub(super) index: Option<usize>,
}

enum Piece<'a> {
    Text(&'a str),
    Verb(Verb),
}

fn parse(format: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (text, verb) = rest.split_at(at);
        pieces.push(Piece::Text(text));
        let (piece, after) = parse_verb(&verb[1..])?;
        pieces.push(piece);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn parse_verb(text: &str) -> Result<(Piece<'_>, &str), Fault> {
    if let Some(after) = text.strip_prefix('%') {
        return Ok((Piece::Text("%"), after));
    }
    let mut verb = Verb::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next() {
        match flag {
            '+' => verb.plus = true,
            ' ' => verb.space = true,
            '#' => verb.sharp = true,
            '0' => verb.zero = true,
            '-' => verb.minus = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    (verb.width, rest) = digits(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = digits(after)?;
        verb.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('[') {
        let (index, after) = digits(after)?;
        let after = after.strip_prefix(']').zip(index.filter(|i| *i > 0));
        let (after, index) = after.ok_or_else(|| fault(0, "an argument number must be like [1]"))?;
        (verb.index, rest) = (Some(index - 1), after);
    }
    let mode = rest.chars().next().ok_or_else(|| fault(0, "ends in the middle of a verb"))?;
    let after = &rest[mode.len_utf8()..];
    verb.mode = mode;
    match mode {
        'v' | 't' | 'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' | 's' | 'q' => {
            Ok((Piece::Verb(verb), after))
        }
        _ => Err(fault(0, format!("has the unsupported verb \"%{}\"", mode.escape_default()))),
    }
}

fn digits(text: &str) -> Result<(Option<usize>, &str), Fault> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    match (digits, digits.parse::<usize>()) {
        ("", _) => Ok((None, rest)),
        (_, Ok(n)) if n <= MAX_WIDTH => Ok((Some(n), rest)),
        _ => Err(fault(0, format!("has a width, precision or number greater than {MAX_WIDTH}"))),
    }
}

fn format(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let pieces = parse(text(args, 0))?;
    let mut marks = crate::value::Marks::NONE;
    for arg in &args[1..] {
        marks = marks.union(arg.deep_marks());
    }
    Ok(fill(&pieces, &args[1..])?.with_marks(marks))
}

/// The pieces with the arguments in place of the verbs.
fn fill(pieces: &[Piece<'_>], args: &[Value]) -> Result<Value, Fault> {
    let mut out = String::new();
    let mut known = true;
    let (mut next, mut used) = (0, 0);
    for piece in pieces {
        let verb = match piece {
            Piece::Text(text) if known => {
                out.push_str(text);
                continue;
            }
            Piece::Text(_) => continue,
            Piece::Verb(verb) => verb,
        };
        let index = verb.index.unwrap_or(next);
        next = index + 1;
        used = used.max(next);
        let arg = args.get(index).ok_or_else(|| {
            let count = args.len();
            failure(format!("\"%{}\" needs argument number {next}, but there are {count}", verb.mode))
        })?;
        known &= arg.is_wholly_known();
        if known {
            out.push_str(&one(verb, arg).map_err(|why| fault(index + 1, why))?);
            check_size(Some(out.len()))?;
        }
    }
    if used < args.len() {
        let what = if used == 0 { "the format has no verbs" } else { "the format does not use all" };
        return Err(fault(used + 1, format!("too many arguments; {what}")));
    }
    if known {
        return Ok(out.into());
    }
    Ok(Value::refined(Unknown::beginning(&out)))
}

/// One argument under one verb.
fn one(verb: &Verb, arg: &Value) -> Result<String, String> {
    if verb.mode == 'v' {
        return anything(verb, arg);
    }
    if arg.is_null() {
        return Err(format!("null cannot be formatted with \"%{}\"", verb.mode));
    }
    let as_type = |ty: Type| {
        let why = |e: crate::value::ConvertError| format!("unsuitable for \"%{}\": {}", verb.mode, e.message);
        arg.convert(&ty).map_err(why)
    };
    match verb.mode {
        's' | 'q' => {
            let value = as_type(Type::String)?;
            Ok(string(verb, value.as_str().unwrap_or_default()))
        }
        't' => {
            let value = as_type(Type::Bool)?;
            // Of all verbs, this one has no width.
            Ok(value.as_bool().unwrap_or_default().to_string())
        }
        _ => {
            let value = as_type(Type::Number)?;
            let number = value.as_number().cloned().unwrap_or_else(|| Number::from(0i64));
            let (sign, body) = decimal::format(verb, &number)?;
            // Zeros before a word would make it another one.
            let verb = Verb { zero: verb.zero && !number.is_infinite(), ..*verb };
            Ok(pad_number(&verb, sign, body))
        }
    }
}

fn anything(verb: &Verb, arg: &Value) -> Result<String, String> {
    let text = match arg.kind() {
        Kind::String(s) if !verb.sharp => s.to_string(),
        Kind::Number(n) if !verb.sharp => decimal::shortest(n),
        _ => encode(arg).map_err(Fault::into_message)?,
    };
    Ok(pad(verb, text))
}

fn string(verb: &Verb, text: &str) -> String {
    let text = match verb.precision {
        Some(most) => text.graphemes(true).take(most).collect(),
        None => text.to_owned(),
    };
    match verb.mode {
        'q' => {
            let mut quoted = String::new();
            quote(&text, &mut quoted);
            pad(verb, quoted)
        }
        _ => pad(verb, text),
    }
}

fn missing(verb: &Verb, text: &str) -> usize {
    verb.width.map_or(0, |width| width.saturating_sub(text.graphemes(true).count()))
}

fn pad(verb: &Verb, text: String) -> String {
    match (missing(verb, &text), verb.minus, verb.zero) {
        (0, ..) => text,
        (n, true, _) => text + &" ".repeat(n),
        (n, false, true) => "0".repeat(n) + &text,
        (n, false, false) => " ".repeat(n) + &text,
    }
}

/// Zeros go between the sign and the digits.
fn pad_number(verb: &Verb, sign: &str, body: String) -> String {
    let whole = format!("{sign}{body}");
    match (verb.zero && !verb.minus, missing(verb, &whole)) {
        (true, n) if n > 0 => format!("{sign}{}{body}", "0".repeat(n)),
        _ => pad(verb, whole),
    }
}

fn formatlist(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let pieces = parse(text(args, 0))?;
    let args = &args[1..];
    let is_list = |ty: &Type| matches!(ty, Type::List(_) | Type::Set(_) | Type::Tuple(_));
    let mut length: Option<usize> = None;
    for (i, arg) in args.iter().enumerate() {
        let Some(items) = arg.as_items() else {
            if arg.is_null() && is_list(&arg.ty()) {
                return Err(fault(i + 1, "must not be null"));
            }
            continue;
        };
        match length {
            Some(other) if other != items.len() => {
                let message = format!("has {} elements, where another list has {other}", items.len());
                return Err(fault(i + 1, message));
            }
            _ => length = Some(items.len()),
        }
    }
    // Whatever is unknown may turn out to be a list.
    let open = |arg: &Value| match arg.kind() {
        Kind::Unknown(u) => u.ty == Type::Dynamic || is_list(&u.ty),
        Kind::Set(_) => !arg.is_wholly_known(),
        _ => false,
    };
    if args.iter().any(open) {
        return Ok(Value::unknown_not_null(Type::list(Type::String)));
    }
    let length = length.unwrap_or(1);
    let mut out = Vec::with_capacity(length);
    let mut size = 0usize;
    for i in 0..length {
        let row: Vec<_> = args
            .iter()
            .map(|arg| match arg.as_items() {
                Some(items) => items.get(i).cloned().unwrap_or(Value::NULL),
                None => arg.clone(),
            })
            .collect();
        let marks = row.iter().fold(crate::value::Marks::NONE, |all, v| all.union(v.deep_marks()));
        let text = fill(&pieces, &row)?.with_marks(marks);
        size = size.saturating_add(text.as_str().map_or(0, str::len));
        check_size(Some(size))?;
        out.push(text);
    }
    Ok(Value::list(Type::String, out))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call;
    use super::super::testing::{check, context};
    use super::*;

    #[test]
    fn cases() {
        check(&[
            ("format", json!(["Hello, %s!", "x"]), Ok(json!("Hello, x!"))),
            (
                "format",
                json!(["%d %5d %-5d| %05d %+d", 1, 2, 3, -4, 5]),
                Ok(json!("1     2 3    | -0004 +5")),
            ),
            ("format", json!(["%.2f %f %08.3f", 1.005, 2, -3.25149]), Ok(json!("1.00 2.000000 -003.251"))),
            (
                "format",
                json!(["%e %.1e %g %g", 12345.678, 0.00051, 1_000_000, 0.5]),
                Ok(json!("1.234568e+04 5.1e-04 1e+06 0.5")),
            ),
            ("format", json!(["%x %X %#x %o %b", 255, 255, 255, 8, 5]), Ok(json!("ff FF 0xff 10 101"))),
            (
                "format",
                json!(["%q %5s|%-5s|%.1s %t", "a\"<", "é", "b", "cd", true]),
                Ok(json!("\"a\\\"\\u003c\"     é|b    |c true")),
            ),
            (
                "format",
                json!(["%v %v %v %#v", [1, "a"], "x", null, "x"]),
                Ok(json!("[1,\"a\"] x null \"x\"")),
            ),
            ("format", json!(["%[2]s %[1]s %s%%", "a", "b"]), Ok(json!("b a b%"))),
            ("format", json!(["%999999999d", 1]), Err("width, precision or number greater")),
            ("format", json!(["%d", 1.5]), Err("whole number")),
            ("format", json!(["%d", "x"]), Err("a number is required")),
            ("format", json!(["%s"]), Err("needs argument number 1")),
            ("format", json!(["a", 1]), Err("no verbs")),
            ("format", json!(["%z", 1]), Err("unsupported verb \"%z\"")),
            ("format", json!(["%", 1]), Err("middle of a verb")),
            ("format", json!(["%5%"]), Err("unsupported verb \"%%\"")),
            ("format", json!(["%s", null]), Err("null cannot be formatted")),
            ("formatlist", json!(["%s-%s", ["a", "b"], "x"]), Ok(json!(["a-x", "b-x"]))),
            ("formatlist", json!(["%s", "x"]), Ok(json!(["x"]))),
            ("formatlist", json!(["%s-%s", ["a", "b"], ["x"]]), Err("where another list has 2")),
            ("formatlist", json!(["%d", ["a"]]), Err("a number is required")),
        ]);
    }

    #[test]
    fn what_is_known_of_the_beginning_stays() {
        let made = call("format", &["%s-%s!".into(), "a".into(), Value::unknown(Type::String)], &context());
        let made = made.expect("unknown");
        let Kind::Unknown(unknown) = made.kind() else { panic!("known: {made:?}") };
        assert_eq!(unknown.prefix.as_deref(), Some("a-"));
    }

    #[test]
    fn marks_within_arguments_count() {
        let secret = Value::tuple([Value::from("s").sensitive()]);
        let made = call("format", &["%v".into(), secret.clone()], &context()).expect("format");
        assert!(made.is_sensitive());
        let made = call("formatlist", &["%v".into(), secret], &context()).expect("formatlist");
        assert!(made.is_sensitive());
    }
}
