//! What tests came to, as text and as JUnit's XML.

use std::fmt::Write as _;

use tenantctl_core::diag::{Diagnostic, Diagnostics, SourceMap};
use tenantctl_core::testing::{FileReport, RunReport, RunResult, Status};

use super::text::count;
use super::{Style, Theme, diagnostics, plan, state};

/// How a run or file ended, in a word.
pub(crate) fn word(status: Status) -> &'static str {
    match status {
        Status::Skip => "skip",
        Status::Pass => "pass",
        Status::Fail | Status::Error => "fail",
    }
}

fn coloured(status: Status, theme: Theme) -> String {
    match status {
        Status::Skip => theme.dim(word(status)),
        Status::Pass => theme.good(word(status)),
        Status::Fail | Status::Error => theme.bad(word(status)),
    }
}

/// The line of a file.
pub(crate) fn file(report: &FileReport, theme: Theme) -> String {
    format!("{}... {}", report.path.display(), coloured(report.status(), theme))
}

/// The line of a run.
pub(crate) fn run(report: &RunReport, theme: Theme) -> String {
    format!("  run {:?}... {}", report.name, coloured(report.status, theme))
}

/// What a run came to.
pub(crate) fn result(result: &RunResult, style: Style) -> String {
    match result {
        RunResult::Plan(made) => plan::page(made, style),
        RunResult::State(made) => state::workspace(made, style),
    }
}

/// What is said of objects that could not be removed.
pub(crate) fn leftovers(report: &FileReport) -> Option<Diagnostic> {
    if report.leftovers.is_empty() {
        return None;
    }
    let names: Vec<String> = report.leftovers.iter().map(ToString::to_string).collect();
    let detail = format!(
        "{} left {} that could not be removed: {}.",
        report.path.display(),
        count(names.len(), "object"),
        names.join(", ")
    );
    Some(Diagnostic::error("Objects left by a test", detail).hint("Remove them by hand."))
}

/// How many runs ended in which way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) errored: usize,
    pub(crate) skipped: usize,
}

/// Counts the runs of files.
pub(crate) fn totals<'a>(runs: impl IntoIterator<Item = &'a RunReport>) -> Totals {
    let mut totals = Totals::default();
    for run in runs {
        match run.status {
            Status::Skip => totals.skipped += 1,
            Status::Pass => totals.passed += 1,
            Status::Fail => totals.failed += 1,
            Status::Error => totals.errored += 1,
        }
    }
    totals
}

/// The last line.
pub(crate) fn summary(reports: &[FileReport], theme: Theme) -> String {
    let totals = totals(reports.iter().flat_map(|report| &report.runs));
    let good = reports.iter().all(|report| report.status() <= Status::Pass);
    let title = if good { theme.good("Success!") } else { theme.bad("Failure!") };
    let failed = totals.failed + totals.errored;
    let skipped = if totals.skipped > 0 { format!(", {} skipped", totals.skipped) } else { String::new() };
    format!("{title} {} passed, {failed} failed{skipped}.", totals.passed)
}

/// The results as JUnit's XML: a suite for each file, a case for each run.
pub(crate) fn junit(reports: &[FileReport], sources: &SourceMap) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        let totals = totals(&report.runs);
        let path = escaped(&report.path.display().to_string());
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{path}\" tests=\"{}\" skipped=\"{}\" failures=\"{}\" errors=\"{}\">",
            report.runs.len(),
            totals.skipped,
            totals.failed,
            totals.errored
        );
        report.runs.iter().for_each(|run| case(&mut xml, run, &path, sources));
        let left: Diagnostics = report.cleanup.iter().cloned().chain(leftovers(report)).collect();
        if !left.is_empty() {
            let _ = writeln!(xml, "    <system-err>{}</system-err>", escaped(&words(&left, sources)));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, run: &RunReport, path: &str, sources: &SourceMap) {
    let _ = write!(xml, "    <testcase name=\"{}\" classname=\"{path}\"", escaped(&run.name));
    let (tag, message) = match run.status {
        Status::Pass => return xml.push_str("/>\n"),
        Status::Skip => {
            xml.push_str(">\n      <skipped message=\"An earlier run was in error.\"/>\n    </testcase>\n");
            return;
        }
        Status::Fail => ("failure", "Test run failed"),
        Status::Error => ("error", "Encountered an error"),
    };
    let text = escaped(&words(&run.diagnostics, sources));
    let _ = write!(xml, ">\n      <{tag} message=\"{message}\">{text}</{tag}>\n    </testcase>\n");
}

fn words(problems: &Diagnostics, sources: &SourceMap) -> String {
    let all: Vec<Diagnostic> = problems.iter().cloned().collect();
    diagnostics::render(&all, sources, Theme::default(), false)
}

/// Text as XML has it; characters that XML cannot have are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> FileReport {
        let run = |name: &str, status| RunReport {
            name: name.into(),
            status,
            diagnostics: match status {
                Status::Fail => Diagnostic::error("Test assertion failed", "1 < 2 & \"x\"").into(),
                _ => Diagnostics::new(),
            },
            result: None,
        };
        FileReport {
            path: "a.tftest.hcl".into(),
            runs: vec![run("good", Status::Pass), run("bad", Status::Fail), run("late", Status::Skip)],
            cleanup: Diagnostics::new(),
            leftovers: Vec::new(),
        }
    }

    #[test]
    fn the_summary_counts_runs() {
        let text = summary(&[report()], Theme::default());
        assert_eq!(text, "Failure! 1 passed, 1 failed, 1 skipped.");
        assert_eq!(summary(&[], Theme::default()), "Success! 0 passed, 0 failed.");
    }

    #[test]
    fn xml_is_escaped() {
        insta::assert_snapshot!(junit(&[report()], &SourceMap::default()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="a.tftest.hcl" tests="3" skipped="1" failures="1" errors="0">
            <testcase name="good" classname="a.tftest.hcl"/>
            <testcase name="bad" classname="a.tftest.hcl">
              <failure message="Test run failed">error: Test assertion failed
         |
         = 1 &lt; 2 &amp; &quot;x&quot;

        </failure>
            </testcase>
            <testcase name="late" classname="a.tftest.hcl">
              <skipped message="An earlier run was in error."/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
