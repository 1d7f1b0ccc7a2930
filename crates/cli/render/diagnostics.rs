//! Problems as text: what, where with the line underlined, why, and what to do.
//!
//! Guarantees: a problem that many tenants share is shown once, with their
//! names; no line of several words is longer than 80 columns, except lines of
//! the user's own files.

use std::collections::HashMap;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Message, Renderer, Snippet};
use indexmap::IndexMap;
use tenantctl_core::diag::{Diagnostic, Severity, SourceMap, Span};

use super::Theme;
use super::text::{count, names, printable, wrap};

/// The width of prose; what stands before it takes up to nine columns.
const PROSE: usize = 68;

/// Of problems of one kind so many are shown whole; nobody reads more.
const MOST_ALIKE: usize = 20;

/// Problems in order, one text.
pub(crate) fn render(
    all: &[Diagnostic],
    sources: &SourceMap,
    theme: Theme,
    compact_warnings: bool,
) -> String {
    let (warnings, errors): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        all.iter().partition(|d| d.severity == Severity::Warning);
    let compact = compact_warnings && !warnings.is_empty();
    let mut text = String::new();
    if compact {
        text.push_str(&short(&warnings));
    }
    let full: Vec<Diagnostic> = if compact { errors.into_iter().cloned().collect() } else { all.to_vec() };
    let mut alike: IndexMap<(Severity, &str), usize> = IndexMap::new();
    for (diagnostic, addresses) in merged(&full) {
        let number = alike.entry((diagnostic.severity, &diagnostic.summary)).or_default();
        *number += 1;
        if *number <= MOST_ALIKE {
            text.push_str(&one(diagnostic, &addresses, sources, theme));
            text.push('\n');
        }
    }
    for ((severity, summary), number) in alike.into_iter().filter(|(_, number)| *number > MOST_ALIKE) {
        let word = if severity == Severity::Error { "error" } else { "warning" };
        let words = format!(
            "{word}: {summary}: {number} of this kind, of which {MOST_ALIKE} are shown; -json has them all.\n\n"
        );
        text.push_str(&words);
    }
    text
}

fn short(warnings: &[&Diagnostic]) -> String {
    let mut summaries: Vec<&str> = warnings.iter().map(|d| d.summary.as_str()).collect();
    summaries.sort_unstable();
    summaries.dedup();
    let lines: Vec<String> = summaries.iter().map(|summary| format!("warning: {summary}\n")).collect();
    lines.concat()
}

/// Problems that differ only in the object concerned become one.
fn merged(all: &[Diagnostic]) -> Vec<(&Diagnostic, Vec<&str>)> {
    let mut places = HashMap::new();
    let mut groups: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
    for diagnostic in all {
        let key = (&diagnostic.summary, &diagnostic.detail, diagnostic.span, &diagnostic.hint);
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((diagnostic, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.extend(diagnostic.address.as_deref());
    }
    groups
}

fn one(diagnostic: &Diagnostic, addresses: &[&str], sources: &SourceMap, theme: Theme) -> String {
    let renderer = if theme.is_coloured() { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.summary));
    let mut group = Group::with_title(title).elements(snippets(diagnostic, sources));
    for message in messages(diagnostic, addresses) {
        group = group.element(message);
    }
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

fn snippets(diagnostic: &Diagnostic, sources: &SourceMap) -> Vec<Element<'static>> {
    let places = diagnostic.span.iter().map(|span| (*span, None));
    let related = diagnostic.related.iter().map(|(span, words)| (*span, Some(words.clone())));
    let all: Vec<(Span, Option<String>)> = places.chain(related).collect();
    let mut files: Vec<_> = Vec::new();
    for (span, _) in &all {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    files
        .into_iter()
        .filter_map(|file| {
            let source = sources.get(file)?;
            let text = sources.shown(file)?;
            let mut snippet = Snippet::source(text.to_string()).path(source.path.display().to_string());
            for (span, words) in all.iter().filter(|(span, _)| span.file == file) {
                // The first mark in a file has the file's name shown.
                let first = words.is_none() || diagnostic.span.is_none_or(|own| own.file != file);
                let kind = if first { AnnotationKind::Primary } else { AnnotationKind::Context };
                snippet = snippet.annotation(kind.span(bounded(*span, &source.text)).label(words.clone()));
            }
            Some(snippet.into())
        })
        .collect()
}

/// The place cut to its first line, and to what there is of the text.
fn bounded(span: Span, text: &str) -> std::ops::Range<usize> {
    let start = floor(text, span.start as usize);
    let end = floor(text, span.end as usize).max(start);
    let line = text[start..end].find('\n').map_or(end, |at| start + at);
    start..line
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn messages(diagnostic: &Diagnostic, addresses: &[&str]) -> Vec<Message<'static>> {
    let prose = |text: &str| wrap(&text.lines().map(printable).collect::<Vec<_>>().join("\n"), PROSE);
    let mut all = Vec::new();
    if !diagnostic.detail.is_empty() {
        all.push(Level::NOTE.no_name().message(prose(&diagnostic.detail)));
    }
    if let Some(place) = concerned(diagnostic, addresses) {
        all.push(Level::NOTE.with_name("in").message(prose(&place)));
    }
    if !diagnostic.values.is_empty() {
        let lines: Vec<String> =
            diagnostic.values.iter().map(|(name, value)| printable(&format!("{name} is {value}"))).collect();
        all.push(Level::NOTE.with_name("where").message(lines.join("\n")));
    }
    if let Some(hint) = &diagnostic.hint {
        all.push(Level::HELP.message(prose(hint)));
    }
    all
}

fn concerned(diagnostic: &Diagnostic, addresses: &[&str]) -> Option<String> {
    let path = diagnostic.path.as_ref().map(ToString::to_string).filter(|path| !path.is_empty());
    match (addresses, path) {
        ([], None) => None,
        ([], Some(path)) => Some(path),
        ([single], Some(path)) => Some(format!("{single}, attribute {path}")),
        ([single], None) => Some((*single).to_owned()),
        (several, path) => {
            let attribute = path.map(|path| format!(", attribute {path}")).unwrap_or_default();
            Some(format!(
                "{}: {}{attribute}",
                count(several.len(), "object"),
                names(several.iter().copied(), 180)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "tenant \"acme\" {\n  tier = \"startr\"\n}\n\ntier \"starter\" {}\n";

    fn shown(all: &[Diagnostic]) -> String {
        let sources = SourceMap::default();
        sources.add("platform.tf", TEXT);
        render(all, &sources, Theme::default(), false)
    }

    fn span(words: &str) -> Span {
        let start = TEXT.find(words).expect("in the text");
        let end = start + words.len();
        Span {
            start: u32::try_from(start).expect("short"),
            end: u32::try_from(end).expect("short"),
            ..Span::default()
        }
    }

    #[test]
    fn a_place_is_underlined() {
        let problem = Diagnostic::error("Unknown tier", "The platform has no tier \"startr\".")
            .at(span("\"startr\""))
            .related(span("\"starter\""), "a tier")
            .hint("Did you mean \"starter\"?");
        insta::assert_snapshot!(shown(&[problem]), @r#"
        error: Unknown tier
         --> platform.tf:2:10
          |
        2 |   tier = "startr"
          |          ^^^^^^^^
        ...
        5 | tier "starter" {}
          |      --------- a tier
          |
          = The platform has no tier "startr".
          = help: Did you mean "starter"?
        "#);
    }

    #[test]
    fn no_place_is_no_matter() {
        let problem = Diagnostic::warning(
            "Slow service",
            "The service took longer to answer than it usually does, which may mean that it is overloaded.",
        )
        .address("acme:dns_record.www");
        insta::assert_snapshot!(shown(&[problem]), @r"
        warning: Slow service
         |
         = The service took longer to answer than it usually does, which may
           mean that it is overloaded.
         = in: acme:dns_record.www
        ");
    }

    #[test]
    fn one_problem_of_many_tenants_is_shown_once() {
        let problem = |tenant: &str| {
            let mut problem = Diagnostic::error("Invalid index", "The list has 1 element.")
                .address(format!("{tenant}:a.b"));
            problem.values.push(("var.zones".into(), "list of string with 1 elements".into()));
            problem.at(span("tier = \"startr\""))
        };
        insta::assert_snapshot!(shown(&[problem("acme"), problem("globex")]), @r#"
        error: Invalid index
         --> platform.tf:2:3
          |
        2 |   tier = "startr"
          |   ^^^^^^^^^^^^^^^
          |
          = The list has 1 element.
          = in: 2 objects: acme:a.b, globex:a.b
          = where: var.zones is list of string with 1 elements
        "#);
    }

    #[test]
    fn warnings_can_be_short() {
        let all = [Diagnostic::warning("Slow", "Long."), Diagnostic::warning("Slow", "Longer.")];
        let text = render(&all, &SourceMap::default(), Theme::default(), true);
        assert_eq!(text, "warning: Slow\n");
    }
}
