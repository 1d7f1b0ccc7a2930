//! A problem in Terraform's JSON: with the place and the line it stands on.

use serde_json::{Value as Json, json};
use tenantctl_core::diag::{Diagnostic, Diagnostics, Severity, SourceMap, Span};
use tenantctl_core::syntax::lexer::{TokenKind, tokens};
use tenantctl_core::syntax::parse_file;

/// One problem.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap) -> Json {
    let mut json = json!({
        "severity": diagnostic.severity,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    });
    if let Some(hint) = &diagnostic.hint {
        json["hint"] = json!(hint);
    }
    if let Some(address) = &diagnostic.address {
        json["address"] = json!(address);
    }
    if let Some(path) = &diagnostic.path {
        json["attribute"] = json!(path);
    }
    if let Some((range, snippet)) = diagnostic.span.and_then(|span| place(span, diagnostic, sources)) {
        json["range"] = range;
        json["snippet"] = snippet;
    }
    json
}

/// What `validate -json` prints.
pub(crate) fn report(all: &Diagnostics, sources: &SourceMap) -> Json {
    let number = |severity| all.iter().filter(|d| d.severity == severity).count();
    let errors = number(Severity::Error);
    json!({
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": number(Severity::Warning),
        "diagnostics": all.iter().map(|d| diagnostic(d, sources)).collect::<Vec<_>>(),
    })
}

fn place(span: Span, diagnostic: &Diagnostic, sources: &SourceMap) -> Option<(Json, Json)> {
    let source = sources.get(span.file)?;
    let (start, end) = (span.start as usize, span.end as usize);
    let (start_line, start_column) = sources.line_column(span)?;
    let (end_line, end_column) = sources.line_column(Span { start: span.end, ..span })?;
    let first = source.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let rest = source.text.get(end..)?;
    let last = end + rest.find('\n').unwrap_or(rest.len());
    let shown = sources.shown(span.file)?;
    let code = shown.get(first..last)?;
    let values: Vec<Json> = diagnostic
        .values
        .iter()
        .map(|(name, value)| json!({ "traversal": name, "statement": format!("is {value}") }))
        .collect();
    let range = json!({
        "filename": source.path,
        "start": { "line": start_line, "column": start_column, "byte": start },
        "end": { "line": end_line, "column": end_column, "byte": end },
    });
    let snippet = json!({
        "context": context(span, &source.text),
        "code": code,
        "start_line": start_line,
        "highlight_start_offset": start - first,
        "highlight_end_offset": end - first,
        "values": values,
    });
    Some((range, snippet))
}

/// The header of the block at the top of the file that a place is in.
fn context(span: Span, text: &str) -> Option<String> {
    let body = parse_file(span.file, text, &mut Diagnostics::new());
    let block = body.blocks.iter().rev().find(|block| block.kind.span.start < span.start)?;
    let before = text.get(block.kind.span.start as usize..span.start as usize)?;
    let mut depth = 0_usize;
    let is_over = tokens(before).into_iter().any(|token| match token.kind {
        TokenKind::BraceOpen => {
            depth += 1;
            false
        }
        TokenKind::BraceClose => {
            depth = depth.saturating_sub(1);
            depth == 0
        }
        _ => false,
    });
    let labels = block.labels.iter().map(|label| format!(" {:?}", &*label.name));
    (!is_over).then(|| format!("{}{}", block.kind.name, labels.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_has_ended_is_no_context() {
        for (text, words, expected) in [
            ("a \"x\" {\n  b {}\n  c = 1\n}\n", "c =", Some("a \"x\"")),
            ("a \"x\" {\n  b = {}\n}\nfoo bar\n", "bar", None),
        ] {
            let start = u32::try_from(text.find(words).expect("in the text")).expect("short");
            let found = context(Span { start, end: start + 1, ..Span::default() }, text);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_place_is_given_by_line_and_by_byte() {
        let sources = SourceMap::default();
        let file = sources.add("main.tf", "a = 1\nb = x\n");
        let problem =
            Diagnostic::error("No such thing", "There is no x.").at(Span { file, start: 10, end: 11 });
        let json = diagnostic(&problem, &sources);
        assert_eq!(json["range"]["start"], json!({ "line": 2, "column": 5, "byte": 10 }));
        assert_eq!(json["snippet"]["code"], "b = x");
        assert_eq!(json["snippet"]["highlight_start_offset"], 4);
        assert_eq!(json["snippet"]["context"], Json::Null);
        assert_eq!(report(&problem.into(), &sources)["valid"], false);
    }

    #[test]
    fn the_context_is_the_block_at_the_top() {
        let text = "a \"b\" \"c\" {\n  d = { e = \"${f}\" }\n  g {\n    h = 1\n  }\n}\n\ni = 1\nj {}\n";
        let of = |words: &str| {
            let start = u32::try_from(text.find(words).expect("in the text")).expect("short");
            context(Span { start, end: start + 1, ..Span::default() }, text)
        };
        let block = Some("a \"b\" \"c\"".to_owned());
        for words in ["b\"", "d =", "f}", "g {", "h =", "}\n\ni"] {
            assert_eq!(of(words), block, "{words}");
        }
        for words in ["a ", "i =", "j {"] {
            assert_eq!(of(words), None, "{words}");
        }
    }
}
