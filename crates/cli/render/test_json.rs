//! What tests came to, as one JSON object a line, in Terraform's notation.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tenantctl_core::diag::{Diagnostics, Severity, SourceMap};
use tenantctl_core::ops;
use tenantctl_core::provider::Registry;
use tenantctl_core::state::Dependencies;
use tenantctl_core::testing::{FileReport, RunResult, Status, TestFile};
use tenantctl_core::value::exact;

use super::{VERSION, json_diagnostic, json_plan, json_state, test};
use crate::output::Output;

/// The version of the lines' format: Terraform's.
const UI: &str = "1.2";

/// Writes lines to standard output.
pub(crate) struct Lines {
    output: Output,
    sources: Arc<SourceMap>,
    /// For what each run came to, where that is asked for.
    details: Option<Registry>,
}

/// What a line is about: the file, and the run if it is one's.
type About<'a> = (&'a FileReport, Option<&'a str>);

impl Lines {
    /// Writes there, the version first.
    pub(crate) fn new(output: Output, sources: Arc<SourceMap>, details: Option<Registry>) -> Self {
        let lines = Lines { output, sources, details };
        let version = json!({ "tenantctl": VERSION, "ui": UI });
        lines.put("info", "version", format!("tenantctl {VERSION}"), None, version);
        lines
    }

    /// Which files and runs there are.
    pub(crate) fn found(&self, files: &[TestFile]) {
        let runs: usize = files.iter().map(|file| file.runs().count()).sum();
        let all: Map<String, Json> = files
            .iter()
            .map(|file| (file.path.display().to_string(), file.runs().map(|name| json!(name)).collect()))
            .collect();
        let words =
            format!("Found {} and {}", super::count(files.len(), "file"), super::count(runs, "run block"));
        self.put("info", "test_abstract", words, None, json!({ "test_abstract": all }));
    }

    /// What came of a file.
    pub(crate) fn file(&self, report: &FileReport) {
        let status = report.status();
        let words = format!("{}... {}", report.path.display(), test::word(status));
        let file = json!({ "path": report.path, "status": name(status) });
        self.put("info", "test_file", words, Some((report, None)), json!({ "test_file": file }));
        for run in &report.runs {
            let about: About<'_> = (report, Some(&run.name));
            let words = format!("  {:?}... {}", run.name, test::word(run.status));
            let json = json!({ "path": report.path, "run": run.name, "status": name(run.status) });
            self.put("info", "test_run", words, Some(about), json!({ "test_run": json }));
            if let (Some(registry), Some(result)) = (&self.details, &run.result) {
                self.result(result, registry, about);
            }
            self.diagnostics(&run.diagnostics, Some(about));
        }
        self.diagnostics(&report.cleanup, Some((report, None)));
        if let Some(problem) = test::leftovers(report) {
            let names: Vec<Json> =
                report.leftovers.iter().map(|key| json!({ "instance": key.to_string() })).collect();
            let cleanup = json!({ "test_cleanup": { "failed_resources": names } });
            self.put("error", "test_cleanup", problem.detail, Some((report, None)), cleanup);
        }
    }

    /// What a run came to.
    fn result(&self, result: &RunResult, registry: &Registry, about: About<'_>) {
        let mut lists = Dependencies::default();
        let (kind, what, json) = match result {
            RunResult::Plan(made) => {
                ("test_plan", "plan", json_plan::plan(made, registry, &mut lists, false))
            }
            RunResult::State(made) => {
                let mut state = (**made).clone();
                ops::complete(registry, &mut state);
                ("test_state", "state", json_state::state(&state, &mut lists, false))
            }
        };
        let words = format!("-verbose flag enabled, printing {what}");
        let line = line("info", kind, words, Some(about), json!({ kind: json }));
        self.output.document(&exact::text(line.to_string()), &lists);
    }

    /// Problems, one a line.
    pub(crate) fn diagnostics(&self, all: &Diagnostics, about: Option<About<'_>>) {
        for problem in all.iter() {
            let (level, title) = match problem.severity {
                Severity::Error => ("error", "Error"),
                Severity::Warning => ("warn", "Warning"),
            };
            let words = format!("{title}: {}", problem.summary);
            let json = json!({ "diagnostic": json_diagnostic::diagnostic(problem, &self.sources) });
            self.put(level, "diagnostic", words, about, json);
        }
    }

    /// The last line.
    pub(crate) fn summary(&self, reports: &[FileReport]) {
        let totals = test::totals(reports.iter().flat_map(|report| &report.runs));
        let status = reports.iter().map(FileReport::status).max().unwrap_or(Status::Pass);
        let json = json!({
            "status": name(status),
            "passed": totals.passed,
            "failed": totals.failed,
            "errored": totals.errored,
            "skipped": totals.skipped,
        });
        let words = test::summary(reports, super::Theme::default());
        self.put("info", "test_summary", words, None, json!({ "test_summary": json }));
    }

    fn put(&self, level: &str, kind: &str, message: String, about: Option<About<'_>>, more: Json) {
        self.output.json(&line(level, kind, message, about, more));
    }
}

fn line(level: &str, kind: &str, message: String, about: Option<About<'_>>, more: Json) -> Json {
    let mut json = json!({
        "@level": level,
        "@message": message,
        "@module": "tenantctl.ui",
        "@timestamp": crate::session::now(),
        "type": kind,
    });
    if let Some((report, run)) = about {
        json["@testfile"] = json!(report.path);
        if let Some(run) = run {
            json["@testrun"] = json!(run);
        }
    }
    if let (Json::Object(line), Json::Object(more)) = (&mut json, more) {
        line.extend(more);
    }
    json
}

/// How a run or file ended, as Terraform names it.
fn name(status: Status) -> &'static str {
    match status {
        Status::Skip => "skip",
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Error => "error",
    }
}
