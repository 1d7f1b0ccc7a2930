//! Regular expressions as RE2 has them, on top of the regex crate.
//!
//! Guarantees: what RE2 takes means the same here, what it refuses is refused:
//! `\d`, `\s`, `\w` and `\b` are ASCII, `[` in a class is a plain character,
//! `\Q..\E` quotes, a brace that begins no count is itself, and groups of one
//! name may stand side by side. Matching takes linear time, whatever the
//! pattern.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Captures, Regex};

/// The most that a count in braces may ask for.
const MOST_REPEATED: u32 = 1000;

const NO_SUCH_GROUP: &str = "after \"(?\" only a name or the flags i, m, s and U are supported";

/// A compiled pattern and the names of its groups, the first group first.
pub(super) struct Pattern {
    pub(super) regex: Regex,
    pub(super) names: Vec<Option<String>>,
}

impl Pattern {
    /// Compiles a pattern; else why it is none, as a phrase.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let mut translation = Translation::of(pattern);
        translation.run()?;
        let regex = Regex::new(&translation.out).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The last line says what is wrong; those before quote the pattern.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        })?;
        Ok(Pattern { regex, names: translation.names })
    }

    /// Appends a replacement with `$1`, `$name` and `${name}` filled in; a
    /// group that is not there is empty.
    pub(super) fn expand(&self, captures: &Captures<'_>, with: &str, out: &mut String) {
        let mut rest = with;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            match reference(rest) {
                Some((name, after)) => {
                    out.push_str(self.group(captures, name));
                    rest = after;
                }
                None => out.push('$'),
            }
        }
        out.push_str(rest);
    }

    fn group<'t>(&self, captures: &Captures<'t>, name: &str) -> &'t str {
        let text = |index: usize| captures.get(index).map(|found| found.as_str());
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return name.parse().ok().and_then(text).unwrap_or_default();
        }
        let of_name = self.names.iter().enumerate().filter(|(_, other)| other.as_deref() == Some(name));
        of_name.map(|(index, _)| index + 1).find_map(text).unwrap_or_default()
    }
}

/// A name or number after a dollar, in braces or as far as it goes.
fn reference(text: &str) -> Option<(&str, &str)> {
    let of_name = |c: char| c == '_' || c.is_alphanumeric();
    let (name, rest) = match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => text.split_at(text.find(|c| !of_name(c)).unwrap_or(text.len())),
    };
    (!name.is_empty() && name.chars().all(of_name)).then_some((name, rest))
}

/// What a repetition would repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Something,
    Repetition,
}

/// A pattern on its way into the regex crate's notation.
struct Translation<'p> {
    chars: Peekable<Chars<'p>>,
    out: String,
    names: Vec<Option<String>>,
    before: Before,
}

impl<'p> Translation<'p> {
    fn of(pattern: &'p str) -> Self {
        Translation {
            chars: pattern.chars().peekable(),
            out: String::with_capacity(pattern.len() + 16),
            names: Vec::new(),
            before: Before::Something,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.chars.next() {
            match c {
                '*' | '+' | '?' => self.repetition(&c.to_string())?,
                '{' => match count(self.chars.clone())? {
                    Some(count) => {
                        self.chars.find(|c| *c == '}');
                        self.repetition(&count)?;
                    }
                    None => self.something(r"\{"),
                },
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                _ => self.something(c.encode_utf8(&mut [0; 4])),
            }
        }
        Ok(())
    }

    fn something(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Something;
    }

    fn repetition(&mut self, operator: &str) -> Result<(), String> {
        if self.before == Before::Repetition {
            return Err(format!("{operator:?} repeats a repetition"));
        }
        self.out.push_str(operator);
        if self.chars.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        self.before = Before::Repetition;
        Ok(())
    }

    /// What follows an opening parenthesis: a name, flags, or nothing of that.
    fn group(&mut self) -> Result<(), String> {
        if self.chars.next_if_eq(&'?').is_none() {
            self.names.push(None);
            self.something("(");
            return Ok(());
        }
        let mut ahead = self.chars.clone();
        let is_named = match ahead.next() {
            Some('P') => ahead.next() == Some('<'),
            other => other == Some('<'),
        };
        if !is_named {
            return self.flags();
        }
        self.chars = ahead;
        let mut name = String::new();
        loop {
            match self.chars.next() {
                Some('>') if !name.is_empty() => break,
                Some(c) if c == '_' || c.is_ascii_alphanumeric() => name.push(c),
                _ => return Err("a group's name is made of letters, digits and underscores".into()),
            }
        }
        self.names.push(Some(name));
        self.something("(");
        Ok(())
    }

    /// `(?i)`, `(?s-i:`, `(?:`.
    fn flags(&mut self) -> Result<(), String> {
        let (mut on, mut off, mut is_off) = (String::new(), String::new(), false);
        let end = loop {
            match self.chars.next() {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    on.retain(|other| other != flag);
                    off.retain(|other| other != flag);
                    if is_off { &mut off } else { &mut on }.push(flag);
                }
                Some('-') if !is_off => is_off = true,
                Some(end @ (':' | ')')) => break end,
                _ => return Err(NO_SUCH_GROUP.into()),
            }
        };
        if is_off && off.is_empty() || end == ')' && on.is_empty() && off.is_empty() {
            return Err(NO_SUCH_GROUP.into());
        }
        let minus = if off.is_empty() { "" } else { "-" };
        self.something(&format!("(?{on}{minus}{off}{end}"));
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.chars.next() {
            None => Err("it ends in the middle of an escape".into()),
            Some('Q') => {
                self.quoted();
                Ok(())
            }
            Some('b') => {
                self.something(r"(?-u:\b)");
                Ok(())
            }
            Some('B') => {
                self.something(r"(?-u:\B)");
                Ok(())
            }
            Some(escape @ ('A' | 'z')) => {
                self.something(&format!("\\{escape}"));
                Ok(())
            }
            Some(escape) => {
                let text = self.character(escape, false)?;
                self.something(&text);
                Ok(())
            }
        }
    }

    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                return;
            }
            self.something(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// An escape that stands for characters, in a class or outside.
    fn character(&mut self, escape: char, in_class: bool) -> Result<String, String> {
        Ok(match (escape, in_class) {
            ('d', false) => "[0-9]".into(),
            ('d', true) => "0-9".into(),
            ('D', _) => "[^0-9]".into(),
            ('s', false) => r"[\t\n\f\r ]".into(),
            ('s', true) => r"\t\n\f\r ".into(),
            ('S', _) => r"[^\t\n\f\r ]".into(),
            ('w', false) => "[0-9A-Za-z_]".into(),
            ('w', true) => "0-9A-Za-z_".into(),
            ('W', _) => "[^0-9A-Za-z_]".into(),
            ('p' | 'P', _) => self.property(escape == 'P')?,
            ('x', _) => self.hexadecimal()?,
            ('a' | 'f' | 'n' | 'r' | 't' | 'v', _) => format!("\\{escape}"),
            ('0'..='7', _) => self.octal(escape)?,
            (other, _) if other.is_ascii() && !other.is_ascii_alphanumeric() => {
                format!("\\x{:02x}", u32::from(other))
            }
            _ => return Err(format!("there is no escape \"\\{}\"", escape.escape_default())),
        })
    }

    /// `\0`, `\12`: a number other than zero needs a second digit, since alone
    /// it would go back to a group.
    fn octal(&mut self, first: char) -> Result<String, String> {
        let mut code = first.to_digit(8).unwrap_or_default();
        let mut digits = 1;
        while digits < 3
            && let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(8))
        {
            self.chars.next();
            code = code * 8 + digit;
            digits += 1;
        }
        match digits == 1 && first != '0' {
            true => Err("going back to a group is not supported".into()),
            false => Ok(format!("\\x{{{code:x}}}")),
        }
    }

    /// `\x41`, `\x{1F600}`.
    fn hexadecimal(&mut self) -> Result<String, String> {
        let mut digits = String::new();
        if self.chars.next_if_eq(&'{').is_some() {
            while let Some(digit) = self.chars.next_if(char::is_ascii_hexdigit) {
                digits.push(digit);
            }
            self.chars.next_if_eq(&'}').ok_or("a character's number is not closed")?;
        } else {
            for _ in 0..2 {
                digits.extend(
                    self.chars.next_if(char::is_ascii_hexdigit).ok_or("\\x needs two digits")?.to_lowercase(),
                );
            }
        }
        Ok(format!("\\x{{{digits}}}"))
    }

    /// `\pL`, `\p{Greek}`, `\p{^Greek}`: categories and scripts.
    fn property(&mut self, negated: bool) -> Result<String, String> {
        let unknown = || "there is no such class of characters".to_owned();
        let mut name = String::new();
        match self.chars.next() {
            Some('{') => loop {
                match self.chars.next() {
                    Some('}') => break,
                    Some(c) => name.push(c),
                    None => return Err(unknown()),
                }
            },
            Some(c) => name.push(c),
            None => return Err(unknown()),
        }
        let (name, inverted) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (&*name, false),
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ')) {
            return Err(unknown());
        }
        let letter = if negated == inverted { 'p' } else { 'P' };
        let by = ["gc", "sc"].into_iter().map(|kind| format!("\\{letter}{{{kind}={name}}}"));
        by.into_iter().find(|class| Regex::new(class).is_ok()).ok_or_else(unknown)
    }

    /// A class in brackets, whole.
    fn class(&mut self) -> Result<(), String> {
        self.something("[");
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        // A bracket right at the start is a member of the class.
        if self.chars.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(c) = self.chars.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => match named_class(self.chars.clone()) {
                    Some(name) => {
                        self.chars.nth(name.chars().count() - 2);
                        self.out.push_str(&name);
                    }
                    None => self.out.push_str(r"\["),
                },
                '\\' => {
                    let escape = self.chars.next().ok_or("it ends in the middle of an escape")?;
                    let text = self.character(escape, true)?;
                    self.out.push_str(&text);
                }
                '&' | '~' => self.out.extend(['\\', c]),
                c => self.out.push(c),
            }
        }
        Err("a class of characters is not closed".into())
    }
}

/// `[:name:]` after its first bracket; nothing when it does not end.
fn named_class(mut rest: Peekable<Chars<'_>>) -> Option<String> {
    rest.next_if_eq(&':')?;
    let mut name = String::from("[:");
    // No name is longer; to look for the end further on would take forever.
    for c in rest.take(64) {
        name.push(c);
        if name.len() > 3 && name.ends_with(":]") {
            return Some(name);
        }
    }
    None
}

/// A count in braces after the opening one: `{2}`, `{2,}`, `{2,5}`. Anything
/// else is nothing but text.
fn count(rest: Peekable<Chars<'_>>) -> Result<Option<String>, String> {
    let mut inner = String::new();
    let mut is_closed = false;
    for c in rest {
        match c {
            '}' => {
                is_closed = true;
                break;
            }
            ',' | '0'..='9' => inner.push(c),
            _ => break,
        }
    }
    if !is_closed {
        return Ok(None);
    }
    let inner = &*inner;
    let (least, most) = inner.split_once(',').map_or((inner, None), |(least, most)| (least, Some(most)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(least) || most.is_some_and(|most| !most.is_empty() && !is_number(most)) {
        return Ok(None);
    }
    let number = |text: &str| text.parse().ok().filter(|n: &u32| *n <= MOST_REPEATED);
    let wrong = || format!("a count goes from 0 to {MOST_REPEATED}, the smaller number first");
    let least = number(least).ok_or_else(wrong)?;
    match most {
        Some(most) if !most.is_empty() => {
            let most = number(most).filter(|most| *most >= least).ok_or_else(wrong)?;
            Ok(Some(format!("{{{least},{most}}}")))
        }
        Some(_) => Ok(Some(format!("{{{least},}}"))),
        None => Ok(Some(format!("{{{least}}}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, text: &str, with: &str) -> String {
        let pattern = Pattern::new(pattern).expect(pattern);
        let captures = pattern.regex.captures(text).expect("a match");
        let mut out = String::new();
        pattern.expand(&captures, with, &mut out);
        out
    }

    #[test]
    fn what_re2_takes_is_taken() {
        for (pattern, text, found) in [
            ("x{,3}", "x{,3}", "x{,3}"),
            ("x{", "x{", "x{"),
            ("x{1,2", "x{1,2", "x{1,2"),
            ("{", "{", "{"),
            ("x{02}", "xxx", "xx"),
            (r"\123\07\0", "S\u{7}\0", "S\u{7}\0"),
            (r"\p{^Greek}\P{^Greek}", "αaα", "aα"),
            ("[[:alpha]+", "a:p", "a:p"),
            ("(?P<1a>a)", "a", "a"),
            (r"\b{start}", "b{start}", "{start}"),
            ("(?ii-s:A)", "a", "a"),
            (r"\_\%\x41\x{1F600}", "_%A😀", "_%A😀"),
            (r"\Qa+\E+", "a++", "a++"),
        ] {
            let matched = Pattern::new(pattern).expect(pattern).regex.find(text);
            assert_eq!(matched.map(|m| m.as_str()), Some(found), "{pattern}");
        }
    }

    #[test]
    fn what_re2_refuses_is_refused() {
        for pattern in [
            "a**",
            "a++",
            "a?*",
            "a{2}{3}",
            "a*?*",
            "a{1001}",
            "a{2,1}",
            "(?x)a",
            "(?R)a",
            "(?u)a",
            "(?-)a",
            "(?)a",
            "(?P<a.b>a)",
            "(?P<é>a)",
            "(?P<>a)",
            "(?=a)",
            r"\u00e9",
            r"\q",
            r"\1",
            r"\p{sc=Greek}",
            r"\p{Alphabetic}",
            r"[\Qa\E]",
            "[a",
            "*",
            r"a\",
        ] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_replacement_names_groups() {
        assert_eq!(replaced("(a)(b)?", "a", "[$1$2$3$0]"), "[aa]");
        assert_eq!(replaced("(?P<n>a)|(?P<n>b)", "b", "${n}$n$$n$-${"), "bb$n$-${");
        assert_eq!(replaced("(a)", "a", "$1x|${1}x"), "|ax");
    }
}
