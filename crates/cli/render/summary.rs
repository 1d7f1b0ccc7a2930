//! The last lines: how much a plan would do to each tenant, and what an apply
//! did.

use std::collections::HashSet;
use std::fmt::Write as _;

use tenantctl_core::ops::{Applied, Outcome};
use tenantctl_core::plan::{Counts, Plan, PlanMode};

use super::plan::numbers;
use super::text::{count, names};
use super::{Table, Theme};

/// More tenants than this make no table.
const MOST_ROWS: usize = 20;

/// A table of all tenants, then the sum.
pub(super) fn plans(plans: &[Plan], theme: Theme) -> String {
    let mut text = String::new();
    if (2..=MOST_ROWS).contains(&plans.len()) {
        let mut table = Table::new(&["tenant", "tier", "add", "change", "destroy"]);
        for plan in plans {
            let Counts { add, change, destroy, .. } = plan.counts();
            let tier = plan.tier.clone().unwrap_or_else(|| "-".into());
            table.row([
                plan.workspace.to_string(),
                tier,
                add.to_string(),
                change.to_string(),
                destroy.to_string(),
            ]);
        }
        let _ = write!(text, "\n{}", table.render(2));
    }
    let total = plans.iter().map(Plan::counts).fold(Counts::default(), std::ops::Add::add);
    let across = tenants(plans);
    let _ = writeln!(text, "\n{} {} across {across}.", theme.bold("Plan:"), numbers(total));
    text
}

/// How many tenants plans are about, and in how many places when they run in
/// several; workspaces, when it is not about tenants.
pub(crate) fn tenants(plans: &[Plan]) -> String {
    let of_tenants = plans.iter().filter(|plan| plan.tenant.is_some()).count();
    let distinct: HashSet<&str> = plans.iter().filter_map(|plan| plan.tenant.as_deref()).collect();
    match (of_tenants, distinct.len()) {
        (0, _) => count(plans.len(), "workspace"),
        (all, tenants) if all == tenants => count(tenants, "tenant"),
        (all, tenants) => format!("{} in {}", count(tenants, "tenant"), count(all, "instance")),
    }
}

/// What an apply came to; `fleet` when there is more than the one workspace of
/// a plain root.
pub(crate) fn applied(outcomes: &[Outcome<Applied>], mode: PlanMode, fleet: bool, theme: Theme) -> String {
    let total =
        outcomes.iter().filter_map(|o| o.result.as_ref()).fold(Counts::default(), |sum, a| sum + a.done);
    let failed: Vec<&Outcome<Applied>> = outcomes.iter().filter(|o| !is_complete(o)).collect();
    let Counts { add, change, destroy, import, forget } = total;
    let noun = if mode == PlanMode::Destroy { "Destroy" } else { "Apply" };
    let imported = if import > 0 { format!("{import} imported, ") } else { String::new() };
    let forgotten = if forget > 0 { format!(", {forget} forgotten") } else { String::new() };
    let numbers = match mode {
        PlanMode::Destroy => format!("Resources: {destroy} destroyed{forgotten}."),
        _ => format!("Resources: {imported}{add} added, {change} changed, {destroy} destroyed{forgotten}."),
    };
    let across =
        if fleet { format!(" Workspaces: {}.", outcomes.len() - failed.len()) } else { String::new() };
    if failed.is_empty() {
        return format!("\n{} {numbers}{across}\n", theme.good(&format!("{noun} complete!")));
    }
    let mut text = format!("\n{} {numbers}{across}\n", theme.bad(&format!("{noun} incomplete.")));
    if fleet {
        text.push_str(&failures(&failed));
    }
    text
}

/// Whether every step of a workspace was done.
pub(crate) fn is_complete(outcome: &Outcome<Applied>) -> bool {
    outcome.result.as_ref().is_some_and(|applied| applied.complete) && !outcome.diagnostics.has_errors()
}

fn failures(failed: &[&Outcome<Applied>]) -> String {
    if failed.len() > MOST_ROWS {
        let all = names(failed.iter().map(|o| o.workspace.as_str()), 70);
        return format!("\n{}: {all}\n", count(failed.len(), "incomplete tenant"));
    }
    let mut table = Table::new(&["incomplete", "done", "not reached", "reason"]);
    for outcome in failed {
        let done = outcome.result.as_ref().map(|a| a.done).unwrap_or_default();
        let skipped = outcome.result.as_ref().map_or(0, |a| a.skipped);
        let reason = outcome.diagnostics.iter().find(|d| d.severity == tenantctl_core::diag::Severity::Error);
        table.row([
            outcome.workspace.to_string(),
            (done.add + done.change + done.destroy).to_string(),
            skipped.to_string(),
            reason.map_or_else(|| "stopped".into(), |d| d.summary.clone()),
        ]);
    }
    format!("\n{}", table.render(2))
}
