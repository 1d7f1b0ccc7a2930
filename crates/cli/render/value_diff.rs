//! The difference between two values, as text of the configuration language
//! with a symbol before each line that comes, changes or goes.
//!
//! Guarantees: nothing that carries a mark is shown unless asked for; what
//! does not change is counted, not printed, and what two attributes share is
//! printed once; no text of a value can act on the terminal.
//! Must not: know resources or plans.

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use tenantctl_core::value::{Entries, Kind, Path, PathStep, Value};

use super::scalar::{self, SENSITIVE, UNKNOWN};
use super::text::count;
use super::{Mark, Style};

/// Attributes that tell objects apart: shown even when they do not change.
const NAMING: [&str; 2] = ["id", "name"];

/// Where a value is put: the column of its symbol, what stands before it and
/// after it on its line.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) at: usize,
    pub(super) label: &'p str,
    pub(super) tail: &'p str,
}

/// Writes differences, one below the other.
pub(crate) struct ValueDiff<'d> {
    text: String,
    style: Style,
    /// Paths whose change needs a new object.
    forcing: &'d [Path],
}

impl<'d> ValueDiff<'d> {
    /// Nothing written yet.
    pub(crate) fn new(style: Style, forcing: &'d [Path]) -> Self {
        ValueDiff { text: String::new(), style, forcing }
    }

    /// What was written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The attributes of a whole object, below its opening line.
    pub(crate) fn attributes(&mut self, at: usize, before: &Value, after: &Value) {
        let none = Entries::new();
        let old = before.as_entries().unwrap_or(&none);
        let new = after.as_entries().unwrap_or(&none);
        self.entries(at, old, new, &Path::root(), false);
    }

    /// One named value.
    pub(crate) fn named(&mut self, at: usize, name: &str, before: &Value, after: &Value) {
        let label = format!("{name} = ");
        let place = Place { at, label: &label, tail: "" };
        self.pair(place, Some(before), Some(after), &Path::root().attribute(name));
    }

    /// A value as it is, without symbols.
    pub(crate) fn plain(&mut self, at: usize, name: &str, value: &Value) {
        let label = if name.is_empty() { String::new() } else { format!("{name} = ") };
        self.whole(Place { at, label: &label, tail: "" }, Mark::Same, value, "");
    }

    /// An object's attributes as they are, without symbols.
    pub(crate) fn plain_attributes(&mut self, at: usize, value: &Value) {
        if let Some(entries) = value.as_entries() {
            self.all(at, Mark::Same, entries, false);
        }
    }

    /// Whether only the fact that there is a value may be shown.
    fn is_hidden(&self, value: &Value) -> bool {
        !self.style.show_sensitive && !value.marks().is_empty()
    }

    fn forces(&self, path: &Path, whole: bool) -> &'static str {
        let hit = self.forcing.iter().any(|p| p == path || (whole && p.starts_with(path)));
        if hit { " # forces replacement" } else { "" }
    }

    /// Either side may be missing; equal sides are printed unchanged.
    pub(super) fn pair(
        &mut self,
        place: Place<'_>,
        before: Option<&Value>,
        after: Option<&Value>,
        path: &Path,
    ) {
        let before = before.filter(|v| !v.is_null());
        let after = after.filter(|v| !v.is_null());
        match (before, after) {
            (None, None) => {}
            (None, Some(new)) => self.whole(place, Mark::Add, new, self.forces(path, true)),
            (Some(old), None) => {
                let tail = if place.tail.is_empty() { " -> null" } else { place.tail };
                self.whole(Place { tail, ..place }, Mark::Remove, old, self.forces(path, true));
            }
            (Some(old), Some(new)) if old == new => self.whole(place, Mark::Same, new, ""),
            (Some(old), Some(new)) => self.changed(place, old, new, path),
        }
    }

    fn changed(&mut self, place: Place<'_>, old: &Value, new: &Value, path: &Path) {
        let note = self.forces(path, false);
        if self.is_hidden(old) || self.is_hidden(new) {
            let secrecy = match (self.is_hidden(old), self.is_hidden(new)) {
                (true, false) => " # no longer sensitive",
                (false, true) => " # sensitive from now on",
                _ => "",
            };
            let note = format!("{secrecy}{}", self.forces(path, true));
            return self.line(place, Mark::Change, SENSITIVE, &note);
        }
        if !new.is_known() {
            let tail = format!(" -> {UNKNOWN}{}", place.tail);
            let note = self.forces(path, true);
            return self.replaced_whole(Place { tail: &tail, ..place }, old, note);
        }
        if let (Some(a), Some(b)) = (old.as_entries(), new.as_entries()) {
            let of_map = matches!(new.kind(), Kind::Map(_));
            self.open(place, Mark::Change, "{", note);
            self.entries(place.at + 4, a, b, path, of_map);
            return self.close(place, "}");
        }
        if let (Some(a), Some(b)) = (old.as_items(), new.as_items()) {
            let sets = matches!((old.kind(), new.kind()), (Kind::Set(_), Kind::Set(_)));
            self.open(place, Mark::Change, "[", note);
            self.items(place.at + 4, a, b, path, sets);
            return self.close(place, "]");
        }
        self.changed_scalar(place, old, new, path);
    }

    fn changed_scalar(&mut self, place: Place<'_>, old: &Value, new: &Value, path: &Path) {
        let note = self.forces(path, true);
        if let (Some(a), Some(b)) = (scalar::json(old), scalar::json(new))
            && a != b
        {
            self.open(place, Mark::Change, "jsonencode(", note);
            let inner = Place { at: place.at + 4, label: "", tail: "" };
            // Paths do not lead into texts.
            let forcing = std::mem::take(&mut self.forcing);
            self.changed(inner, &a, &b, &Path::root());
            self.forcing = forcing;
            return self.close(place, ")");
        }
        if scalar::json(old).is_some()
            && let Some(text) = scalar::text(new)
        {
            let tail = format!(" -> {text}{}", place.tail);
            return self.replaced_whole(Place { tail: &tail, ..place }, old, note);
        }
        if (scalar::lines(old).is_some() || scalar::lines(new).is_some())
            && let (Some(a), Some(b)) = (old.as_str(), new.as_str())
        {
            self.open(place, Mark::Change, "<<-EOT", note);
            self.text_lines(place.at + 4, a, b);
            return self.close(place, "EOT");
        }
        match (scalar::text(old), scalar::text(new)) {
            (Some(a), Some(b)) => self.line(place, Mark::Change, &format!("{a} -> {b}"), note),
            _ => {
                self.whole(place, Mark::Remove, old, "");
                self.whole(place, Mark::Add, new, note);
            }
        }
    }

    /// A value that is given up for one that is not known yet.
    fn replaced_whole(&mut self, place: Place<'_>, old: &Value, note: &str) {
        if let Some(parsed) = scalar::json(old) {
            self.open(place, Mark::Change, "jsonencode(", note);
            self.whole(Place { at: place.at + 4, label: "", tail: "" }, Mark::Remove, &parsed, "");
            return self.close(place, ")");
        }
        if scalar::text(old).is_some() {
            return self.whole(place, Mark::Change, old, note);
        }
        self.container(place, Mark::Change, Mark::Remove, old, note);
    }

    /// A value with everything in it, all under one symbol.
    fn whole(&mut self, place: Place<'_>, mark: Mark, value: &Value, note: &str) {
        if self.is_hidden(value) {
            return self.line(place, mark, SENSITIVE, note);
        }
        if let Some(parsed) = scalar::json(value) {
            self.open(place, mark, "jsonencode(", note);
            self.whole(Place { at: place.at + 4, label: "", tail: "" }, mark, &parsed, "");
            return self.close(place, ")");
        }
        if let Some(lines) = scalar::lines(value) {
            self.open(place, mark, "<<-EOT", note);
            lines.iter().for_each(|line| self.bare(place.at + 6, line));
            return self.close(place, "EOT");
        }
        match scalar::text(value) {
            Some(text) => self.line(place, mark, &text, note),
            None => self.container(place, mark, mark, value, note),
        }
    }

    fn container(&mut self, place: Place<'_>, mark: Mark, inner: Mark, value: &Value, note: &str) {
        if let Some(entries) = value.as_entries() {
            self.open(place, mark, "{", note);
            self.all(place.at + 4, inner, entries, matches!(value.kind(), Kind::Map(_)));
            return self.close(place, "}");
        }
        self.open(place, mark, "[", note);
        for item in value.as_items().unwrap_or_default() {
            self.whole(Place { at: place.at + 4, label: "", tail: "," }, inner, item, "");
        }
        self.close(place, "]");
    }

    fn all(&mut self, at: usize, mark: Mark, entries: &Entries, of_map: bool) {
        let shown: Vec<_> = entries.iter().filter(|(_, v)| of_map || !v.is_null()).collect();
        let width = widest(shown.iter().map(|(name, _)| &***name), of_map);
        for (name, value) in shown {
            let label = label(name, of_map, width);
            self.whole(Place { at, label: &label, tail: "" }, mark, value, "");
        }
    }

    fn entries(&mut self, at: usize, old: &Entries, new: &Entries, path: &Path, of_map: bool) {
        let mut names: Vec<&Arc<str>> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        let null = Value::NULL;
        let sides = |name: &str| (old.get(name).unwrap_or(&null), new.get(name).unwrap_or(&null));
        let mut all: Vec<_> = names.into_iter().map(|name| (name, sides(name))).collect();
        all.retain(|(_, (before, after))| !before.is_null() || !after.is_null());
        let total = all.len();
        all.retain(|(name, (before, after))| !of_map && NAMING.contains(&&***name) || before != after);
        let width = widest(all.iter().map(|(name, _)| &***name), of_map);
        let top = path.steps().is_empty();
        for (i, (name, (before, after))) in all.iter().enumerate() {
            let label = label(name, of_map, width);
            let place = Place { at, label: &label, tail: "" };
            let path = path.step(PathStep::Attribute((*name).clone()));
            let may_repeat = top && (has_parts(before) || has_parts(after));
            let earlier = if may_repeat { &all[..i] } else { &[] };
            match earlier.iter().find(|(_, sides)| *sides == (*before, *after)) {
                Some((other, _)) => self.twin(place, before, after, other),
                None => self.pair(place, Some(before), Some(after), &path),
            }
        }
        self.hidden(at, total - all.len(), if of_map { "element" } else { "attribute" });
    }

    /// What another attribute of the object shows already.
    fn twin(&mut self, place: Place<'_>, before: &Value, after: &Value, other: &str) {
        let mark = match (before.is_null(), after.is_null()) {
            (true, _) => Mark::Add,
            (_, true) => Mark::Remove,
            _ => Mark::Change,
        };
        self.line(place, mark, &format!("(same as {other})"), "");
    }

    /// Says how much was left out.
    pub(super) fn hidden(&mut self, at: usize, number: usize, noun: &str) {
        if number > 0 {
            let words = format!("# ({} hidden)", count(number, &format!("unchanged {noun}")));
            let words = self.style.theme.dim(&words);
            self.bare(at + 2, &words);
        }
    }

    /// A line with a symbol.
    pub(super) fn marked(&mut self, at: usize, mark: Mark, text: impl Display) {
        self.finished(format_args!("{} {text}", self.style.theme.mark(mark, at)));
    }

    /// A line without.
    pub(super) fn bare(&mut self, at: usize, text: impl Display) {
        self.finished(format_args!("{:at$}{text}", ""));
    }

    /// Ends a line, without blanks at its end.
    fn finished(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(line);
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    fn line(&mut self, place: Place<'_>, mark: Mark, text: &str, note: &str) {
        let note = self.style.theme.warn(note);
        self.marked(place.at, mark, format_args!("{}{text}{}{note}", place.label, place.tail));
    }

    fn open(&mut self, place: Place<'_>, mark: Mark, bracket: &str, note: &str) {
        let note = self.style.theme.warn(note);
        self.marked(place.at, mark, format_args!("{}{bracket}{note}", place.label));
    }

    fn close(&mut self, place: Place<'_>, bracket: &str) {
        self.bare(place.at + 2, format_args!("{bracket}{}", place.tail));
    }
}

fn has_parts(value: &Value) -> bool {
    value.as_entries().is_some_and(|entries| !entries.is_empty())
        || value.as_items().is_some_and(|items| !items.is_empty())
}

fn label(name: &str, of_map: bool, width: usize) -> String {
    format!("{:width$} = ", scalar::key(name, of_map))
}

fn widest<'a>(names: impl Iterator<Item = &'a str>, of_map: bool) -> usize {
    names.map(|name| scalar::key(name, of_map).chars().count()).max().unwrap_or_default()
}
