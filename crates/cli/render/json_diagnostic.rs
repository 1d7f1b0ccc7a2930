//! A problem in Terraform's JSON: with the place and the line it stands on.

use serde_json::{Value as Json, json};
use tenantctl_core::diag::{Diagnostic, Diagnostics, Severity, SourceMap, Span};

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
    let code = source.text.get(first..last)?;
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
        "context": Json::Null,
        "code": code,
        "start_line": start_line,
        "highlight_start_offset": start - first,
        "highlight_end_offset": end - first,
        "values": values,
    });
    Some((range, snippet))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(report(&problem.into(), &sources)["valid"], false);
    }
}
