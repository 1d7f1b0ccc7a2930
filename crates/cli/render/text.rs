//! Small things that all text needs: numbers with nouns, times, line breaks.

use std::time::Duration;

/// `1 tenant`, `3 tenants`: the noun in its singular form.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `8s`, `2m5s`, `1h0m7s`.
pub(crate) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

/// The text with line breaks so that no line of several words is longer than
/// `width`. Line breaks that are there stay.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 40);
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            wrapped.push('\n');
        }
        wrap_line(line, width, &mut wrapped);
    }
    wrapped
}

fn wrap_line(line: &str, width: usize, wrapped: &mut String) {
    if line.chars().count() <= width {
        wrapped.push_str(line);
        return;
    }
    let mut column = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
}

/// Names one after another, as many as fit, then how many are left.
pub(crate) fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>, width: usize) -> String {
    let total = all.len();
    let rest = |left: usize| if left == 0 { String::new() } else { format!(" and {left} more") };
    let mut text = String::new();
    for (i, name) in all.enumerate() {
        let separator = if i == 0 { "" } else { ", " };
        let longer = format!("{text}{separator}{name}");
        if i > 0 && longer.chars().count() + rest(total - i - 1).len() > width {
            return text + &rest(total - i);
        }
        text = longer;
    }
    text
}

/// Text in which nothing moves the cursor or changes the terminal.
pub(crate) fn printable(text: &str) -> String {
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return text.to_owned();
    }
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { format!("\\u{:04x}", c as u32) } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(count(1, "tenant"), "1 tenant");
        assert_eq!(count(0, "tenant"), "0 tenants");
        assert_eq!(elapsed(Duration::from_secs(3607)), "1h0m7s");
        assert_eq!(elapsed(Duration::from_secs(70)), "1m10s");
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(names(["aaaa", "b", "cccc"].into_iter(), 16), "aaaa and 2 more");
        assert_eq!(printable("a\u{1b}[1m"), "a\\u001b[1m");
    }
}
