//! What a run came to for each workspace, as a file for automation: JSON, or
//! JUnit's XML for what reads test results.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostics, Severity};
use tenantctl_core::ops::{Applied, Outcome};
use tenantctl_core::plan::{Counts, Plan};

use super::VERSION;
use super::test::escaped;

/// How it went with one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There was nothing to do.
    Unchanged,
    /// There is something to do, and it was only planned.
    Planned,
    /// All of it was done.
    Succeeded,
    /// It could not be planned, or not all of it was done.
    Failed,
    /// Its turn did not come.
    NotReached,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Unchanged => "unchanged",
            Verdict::Planned => "planned",
            Verdict::Succeeded => "succeeded",
            Verdict::Failed => "failed",
            Verdict::NotReached => "not reached",
        }
    }
}

struct Row {
    workspace: WorkspaceName,
    tenant: Option<String>,
    tier: Option<String>,
    environment: Option<String>,
    verdict: Verdict,
    reason: Option<String>,
    counts: Counts,
}

/// What a run came to.
#[derive(Default)]
pub(crate) struct Report(Vec<Row>);

impl Report {
    /// Takes in how the planning of a workspace went.
    pub(crate) fn planned(&mut self, workspace: &WorkspaceName, plan: Option<&Plan>, problems: &Diagnostics) {
        let plan = plan.filter(|_| !problems.has_errors());
        self.0.push(Row {
            workspace: workspace.clone(),
            tenant: plan.and_then(|plan| plan.tenant.clone()),
            tier: plan.and_then(|plan| plan.tier.clone()),
            environment: plan.and_then(|plan| plan.environment.clone()),
            verdict: match plan {
                None => Verdict::Failed,
                Some(plan) if plan.has_changes() => Verdict::Planned,
                Some(_) => Verdict::Unchanged,
            },
            reason: reason(problems),
            counts: plan.map(Plan::counts).unwrap_or_default(),
        });
    }

    /// Takes in how its apply went.
    pub(crate) fn applied(&mut self, outcome: &Outcome<Applied>) {
        let Some(row) = self.0.iter_mut().find(|row| row.workspace == outcome.workspace) else { return };
        row.reason = reason(&outcome.diagnostics);
        (row.verdict, row.counts) = match &outcome.result {
            Some(applied) if applied.complete => (Verdict::Succeeded, applied.done),
            Some(applied) => (Verdict::Failed, applied.done),
            None if row.reason.as_deref() == Some("Not reached") => (Verdict::NotReached, Counts::default()),
            None => (Verdict::Failed, Counts::default()),
        };
    }

    /// The file's text, by the end of its name.
    pub(crate) fn text(&self, operation: &str, is_xml: bool) -> String {
        if is_xml { self.junit(operation) } else { format!("{:#}\n", self.json(operation)) }
    }

    fn json(&self, operation: &str) -> Json {
        let rows: Vec<Json> = self
            .0
            .iter()
            .map(|row| {
                json!({
                    "workspace": row.workspace,
                    "tenant": row.tenant,
                    "tier": row.tier,
                    "environment": row.environment,
                    "result": row.verdict.word(),
                    "reason": row.reason,
                    "add": row.counts.add,
                    "change": row.counts.change,
                    "destroy": row.counts.destroy,
                })
            })
            .collect();
        json!({
            "format_version": "1.0",
            "tenantctl_version": VERSION,
            "operation": operation,
            "workspaces": rows,
        })
    }

    fn junit(&self, operation: &str) -> String {
        let number = |verdict| self.0.iter().filter(|row| row.verdict == verdict).count();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{operation}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            self.0.len(),
            number(Verdict::Failed),
            number(Verdict::NotReached)
        );
        for row in &self.0 {
            let name = escaped(row.workspace.as_str());
            let class = escaped(row.tier.as_deref().unwrap_or("platform"));
            let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\"");
            let message = escaped(row.reason.as_deref().unwrap_or_default());
            let inner = match row.verdict {
                Verdict::Failed => format!("<failure message=\"{message}\"/>"),
                Verdict::NotReached => format!("<skipped message=\"{message}\"/>"),
                _ => {
                    xml.push_str("/>\n");
                    continue;
                }
            };
            let _ = writeln!(xml, ">\n      {inner}\n    </testcase>");
        }
        xml.push_str("  </testsuite>\n</testsuites>\n");
        xml
    }
}

/// The first error, in a word.
fn reason(problems: &Diagnostics) -> Option<String> {
    problems.iter().find(|problem| problem.severity == Severity::Error).map(|problem| problem.summary.clone())
}
