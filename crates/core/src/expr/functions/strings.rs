//! Functions over text, but for patterns and format strings.
//!
//! Guarantees: a character is a grapheme cluster, as a reader sees it; upper
//! and lower case go letter by letter and never change how many there are.

use unicode_segmentation::UnicodeSegmentation as _;

use super::FunctionContext;
use super::declare::Want::{Number as Num, String as Str, Strings};
use super::declare::{
    Fault, Function, Param, Returns, check_count, check_size, fault, integer, items, param, strings, text,
};
use crate::value::{Type, Value};

const TEXT: &[Param] = &[param("str", Str)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chomp", TEXT, Returns::String, |args, _| {
        Ok(text(args, 0).trim_end_matches(['\r', '\n']).into())
    }),
    Function::new("endswith", &[param("str", Str), param("suffix", Str)], Returns::Bool, |args, _| {
        Ok(text(args, 0).ends_with(text(args, 1)).into())
    }),
    Function::new("indent", &[param("spaces", Num), param("str", Str)], Returns::String, indent),
    Function::new("join", &[param("separator", Str)], Returns::String, join).rest(param("lists", Strings), 1),
    Function::new("lower", TEXT, Returns::String, |args, _| {
        Ok(text(args, 0).chars().map(lower).collect::<String>().into())
    }),
    Function::new("split", &[param("separator", Str), param("str", Str)], Returns::Strings, split),
    Function::new(
        "startswith",
        &[param("str", Str).open(), param("prefix", Str).open()],
        Returns::Bool,
        |args, _| Ok(startswith(args)),
    ),
    Function::new("strcontains", &[param("str", Str), param("substr", Str)], Returns::Bool, |args, _| {
        Ok(text(args, 0).contains(text(args, 1)).into())
    }),
    Function::new("strrev", TEXT, Returns::String, |args, _| {
        Ok(text(args, 0).graphemes(true).rev().collect::<String>().into())
    }),
    Function::new(
        "substr",
        &[param("str", Str), param("offset", Num), param("length", Num)],
        Returns::String,
        substr,
    ),
    Function::new("title", TEXT, Returns::String, |args, _| Ok(title(text(args, 0)).into())),
    Function::new("trim", &[param("str", Str), param("cutset", Str)], Returns::String, |args, _| {
        Ok(text(args, 0).trim_matches(|c| text(args, 1).contains(c)).into())
    }),
    Function::new("trimprefix", &[param("str", Str), param("prefix", Str)], Returns::String, |args, _| {
        let whole = text(args, 0);
        Ok(whole.strip_prefix(text(args, 1)).unwrap_or(whole).into())
    }),
    Function::new("trimspace", TEXT, Returns::String, |args, _| Ok(text(args, 0).trim().into())),
    Function::new("trimsuffix", &[param("str", Str), param("suffix", Str)], Returns::String, |args, _| {
        let whole = text(args, 0);
        Ok(whole.strip_suffix(text(args, 1)).unwrap_or(whole).into())
    }),
    Function::new("upper", TEXT, Returns::String, |args, _| {
        Ok(text(args, 0).chars().map(upper).collect::<String>().into())
    }),
];

/// The capital of a letter, or the letter where that would be two (`ß`).
fn upper(c: char) -> char {
    let mut capital = c.to_uppercase();
    match (capital.next(), capital.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// The letter that begins a word: of two letters in one, only the first is a
/// capital.
fn capital(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        c => upper(c),
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn title(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|c| {
            let starts = !inside;
            inside = match c.is_ascii() {
                true => c.is_ascii_alphanumeric() || c == '_',
                // Other punctuation does not part words, only space does.
                false => !c.is_whitespace(),
            };
            if starts { capital(c) } else { c }
        })
        .collect()
}

fn indent(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (spaces, text) = (integer(args, 0)?, text(args, 1));
    let spaces = usize::try_from(spaces).map_err(|_| fault(0, "must not be negative"))?;
    let lines = text.matches('\n').count();
    check_size(spaces.checked_mul(lines).and_then(|n| n.checked_add(text.len())))?;
    if lines == 0 {
        return Ok(text.into());
    }
    Ok(text.replace('\n', &format!("\n{:spaces$}", "")).into())
}

fn join(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    for i in 1..args.len() {
        for (position, item) in items(args, i).iter().enumerate() {
            let part = item.as_str();
            parts.push(part.ok_or_else(|| fault(i, format!("the element at {position} is null")))?);
        }
    }
    let separator = text(args, 0);
    let between = separator.len().checked_mul(parts.len());
    let content = parts.iter().try_fold(0usize, |all, part| all.checked_add(part.len()));
    check_size(between.zip(content).and_then(|(a, b)| a.checked_add(b)))?;
    Ok(parts.join(separator).into())
}

fn split(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (separator, text) = (text(args, 0), text(args, 1));
    let parts = if separator.is_empty() { text.len() } else { text.matches(separator).count() };
    check_count(Some(parts))?;
    Ok(match separator {
        "" => strings(text.chars().map(String::from)),
        _ => strings(text.split(separator)),
    })
}

/// What is known of the beginning may be enough.
fn startswith(args: &[Value]) -> Value {
    let known = args.first().map(Value::known).unwrap_or_default();
    let begins = known.prefix.as_deref().unwrap_or_default();
    let whole = args.first().and_then(Value::as_str);
    match (whole, args.get(1).and_then(Value::as_str)) {
        (Some(whole), Some(prefix)) => whole.starts_with(prefix).into(),
        (None, Some(prefix)) if begins.starts_with(prefix) => true.into(),
        (None, Some(prefix)) if !prefix.starts_with(begins) => false.into(),
        _ => Value::unknown_not_null(Type::Bool),
    }
}

fn substr(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (offset, length) = (integer(args, 1)?, integer(args, 2)?);
    let text = text(args, 0);
    let start = match usize::try_from(offset) {
        Ok(start) => start,
        Err(_) => {
            let back = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            text.graphemes(true).count().saturating_sub(back)
        }
    };
    // Any negative length stands for the rest.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(text.graphemes(true).skip(start).take(length).collect::<String>().into())
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
            ("chomp", json!(["a\r\n\n"]), Ok(json!("a"))),
            ("chomp", json!([null]), Err("null")),
            ("endswith", json!(["abc", "bc"]), Ok(json!(true))),
            ("endswith", json!(["abc"]), Err("missing a value for \"suffix\"")),
            ("indent", json!([2, "a\nb"]), Ok(json!("a\n  b"))),
            ("indent", json!([i64::MAX, "a"]), Ok(json!("a"))),
            ("indent", json!([999_999_999_999_i64, "a\nb"]), Err("larger than 64 MiB")),
            ("indent", json!([-1, "a"]), Err("negative")),
            ("join", json!([",", ["a", 1], ["b"]]), Ok(json!("a,1,b"))),
            ("join", json!([",", [null]]), Err("element at 0 is null")),
            ("lower", json!(["ÀB"]), Ok(json!("àb"))),
            ("lower", json!([[]]), Err("a string")),
            ("split", json!([",", "a,b,"]), Ok(json!(["a", "b", ""]))),
            ("split", json!([",", ""]), Ok(json!([""]))),
            ("split", json!(["", "añ"]), Ok(json!(["a", "ñ"]))),
            ("split", json!([",", null]), Err("null")),
            ("startswith", json!(["abc", "b"]), Ok(json!(false))),
            ("startswith", json!([[], "b"]), Err("a string")),
            ("strcontains", json!(["abc", "b"]), Ok(json!(true))),
            ("strcontains", json!(["abc", null]), Err("null")),
            ("strrev", json!(["ab👩\u{200d}👧"]), Ok(json!("👩\u{200d}👧ba"))),
            ("strrev", json!([{}]), Err("a string")),
            ("substr", json!(["hello", 1, 3]), Ok(json!("ell"))),
            ("substr", json!(["hello", -3, -1]), Ok(json!("llo"))),
            ("substr", json!(["hello", -9, 2]), Ok(json!("he"))),
            ("substr", json!(["hello", 0.5, 2]), Err("whole number")),
            ("title", json!(["hello wörld-x _a don't"]), Ok(json!("Hello Wörld-X _a Don'T"))),
            ("title", json!([null]), Err("null")),
            ("trim", json!(["?!a!?", "!?"]), Ok(json!("a"))),
            ("trim", json!(["a"]), Err("missing")),
            ("trimprefix", json!(["aab", "a"]), Ok(json!("ab"))),
            ("trimprefix", json!(["a", []]), Err("a string")),
            ("trimspace", json!([" \t\na "]), Ok(json!("a"))),
            ("trimspace", json!([null]), Err("null")),
            ("trimsuffix", json!(["abb", "b"]), Ok(json!("ab"))),
            ("trimsuffix", json!(["a", null]), Err("null")),
            ("upper", json!(["straße"]), Ok(json!("STRAßE"))),
            ("upper", json!([[]]), Err("a string")),
        ]);
    }

    #[test]
    fn joining_an_unknown_is_unknown() {
        let list = Value::tuple(["a".into(), Value::unknown(Type::String)]);
        let joined = call("join", &[",".into(), list], &context()).expect("join");
        assert_eq!(joined, Value::unknown_not_null(Type::String));
    }
}
