//! What a run came to for each workspace, as a file for automation: JSON, or
//! JUnit's XML for what reads test results.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostics, Severity, SourceMap};
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
    reason: Option<Reason>,
    counts: Counts,
}

/// Why it went no other way.
struct Reason {
    /// In a word, the same each time.
    summary: String,
    detail: String,
    /// File and line.
    place: Option<String>,
}

/// What a run came to.
pub(crate) struct Report {
    rows: Vec<Row>,
    sources: Arc<SourceMap>,
}

impl Report {
    /// Nothing in it yet; places are those in these files.
    pub(crate) fn new(sources: Arc<SourceMap>) -> Self {
        Report { rows: Vec::new(), sources }
    }

    /// Takes in how the planning of a workspace went. Whose it is, a plan says;
    /// where there is none, `whose` does: tenant, tier and environment.
    pub(crate) fn planned(
        &mut self,
        workspace: &WorkspaceName,
        plan: Option<&Plan>,
        problems: &Diagnostics,
        whose: impl FnOnce() -> [Option<String>; 3],
    ) {
        let plan = plan.filter(|_| !problems.has_errors());
        let [tenant, tier, environment] = match plan {
            Some(plan) => [plan.tenant.clone(), plan.tier.clone(), plan.environment.clone()],
            None => whose(),
        };
        self.rows.push(Row {
            workspace: workspace.clone(),
            tenant,
            tier,
            environment,
            verdict: match plan {
                None => Verdict::Failed,
                Some(plan) if plan.has_changes() => Verdict::Planned,
                Some(_) => Verdict::Unchanged,
            },
            reason: reason(problems, &self.sources),
            counts: plan.map(Plan::counts).unwrap_or_default(),
        });
    }

    /// Takes in how its apply went.
    pub(crate) fn applied(&mut self, outcome: &Outcome<Applied>) {
        let Some(row) = self.rows.iter_mut().find(|row| row.workspace == outcome.workspace) else { return };
        row.reason = reason(&outcome.diagnostics, &self.sources);
        let is_not_reached = row.reason.as_ref().is_some_and(|reason| reason.summary == "Not reached");
        (row.verdict, row.counts) = match &outcome.result {
            Some(applied) if applied.complete => (Verdict::Succeeded, applied.done),
            Some(applied) => (Verdict::Failed, applied.done),
            None if is_not_reached => (Verdict::NotReached, Counts::default()),
            None => (Verdict::Failed, Counts::default()),
        };
    }

    /// The file's text, by the end of its name.
    pub(crate) fn text(&self, operation: &str, is_xml: bool) -> String {
        if is_xml { self.junit(operation) } else { format!("{:#}\n", self.json(operation)) }
    }

    fn json(&self, operation: &str) -> Json {
        let rows: Vec<Json> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "workspace": row.workspace,
                    "tenant": row.tenant,
                    "tier": row.tier,
                    "environment": row.environment,
                    "result": row.verdict.word(),
                    "reason": row.reason.as_ref().map(|reason| &reason.summary),
                    "detail": row.reason.as_ref().map(|reason| &reason.detail),
                    "place": row.reason.as_ref().and_then(|reason| reason.place.as_ref()),
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
        let number = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{operation}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            self.rows.len(),
            number(Verdict::Failed),
            number(Verdict::NotReached)
        );
        for row in &self.rows {
            let name = escaped(row.workspace.as_str());
            let class = escaped(row.tier.as_deref().unwrap_or(if row.tenant.is_some() {
                "tenant"
            } else {
                "platform"
            }));
            let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\"");
            let (message, text) = row.reason.as_ref().map(Reason::words).unwrap_or_default();
            let (message, text) = (escaped(&message), escaped(&text));
            let inner = match row.verdict {
                Verdict::Failed => format!("<failure message=\"{message}\">{text}</failure>"),
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

/// The first error.
fn reason(problems: &Diagnostics, sources: &SourceMap) -> Option<Reason> {
    let problem = problems.iter().find(|problem| problem.severity == Severity::Error)?;
    Some(Reason {
        summary: problem.summary.clone(),
        detail: problem.detail.clone(),
        place: problem.span.and_then(|span| sources.place(span)),
    })
}

impl Reason {
    /// In a word, and in full.
    fn words(&self) -> (String, String) {
        let place = self.place.iter().map(|place| format!("{place}: ")).collect::<String>();
        (self.summary.clone(), format!("{place}{}", self.detail))
    }
}
