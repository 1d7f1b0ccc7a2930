//! What many plans may not do together: go beyond the platform's guard, or
//! lose tenants that the configuration has no more.

use std::collections::HashSet;

use super::Engine;
use super::plan::state_error;
use crate::addr::WorkspaceName;
use crate::config::{Guard, Platform};
use crate::diag::{Diagnostic, Diagnostics, agree};
use crate::plan::{Plan, PlanMode};
use crate::state::{StateError, WorkspaceState};

/// Says where plans go beyond the platform's guard. What a destroy of `named`
/// tenants removes is what was asked for.
pub fn guard(platform: &Platform, plans: &[Plan], named: bool) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let guard = platform.guard();
    let mut refuse = |detail: String| {
        let hint = "Plan fewer tenants at a time, raise the guard, or pass -ignore-guard if this is meant.";
        problems.push(Diagnostic::error("Guard reached", detail).at(guard.span).hint(hint));
    };
    let Guard { max_destroy_percent, max_tenant_percent, max_tenants, .. } = guard;
    let objects: usize = plans.iter().map(existing).sum();
    let is_asked = |plan: &&Plan| named && plan.mode == PlanMode::Destroy;
    let destroyed: usize =
        plans.iter().filter(|plan| !is_asked(plan)).map(|plan| plan.counts().destroy).sum();
    if let Some(most) = max_destroy_percent.filter(|most| destroyed * 100 > objects * *most as usize) {
        refuse(format!(
            "{destroyed} of {objects} {} would be destroyed, which is more than {most} percent.",
            agree(objects, "object", "objects")
        ));
    }
    let touched: HashSet<&str> =
        plans.iter().filter(|plan| plan.has_changes()).filter_map(|plan| plan.tenant.as_deref()).collect();
    let (touched, tenants) = (touched.len(), platform.tenant_names().count());
    if let Some(most) = max_tenants.filter(|most| touched > *most as usize) {
        let noun = agree(touched, "tenant", "tenants");
        refuse(format!("{touched} {noun} would be changed, which is more than {most}."));
    }
    if let Some(most) = max_tenant_percent.filter(|most| touched * 100 > tenants * *most as usize) {
        refuse(format!(
            "{touched} of {tenants} {} would be changed, which is more than {most} percent.",
            agree(tenants, "tenant", "tenants")
        ));
    }
    problems
}

/// Refuses to take from tenants what they share: from all but those whose own
/// objects go in the same run.
pub(super) fn still_used(
    engine: &Engine,
    platform: &Platform,
    going: &HashSet<&WorkspaceName>,
) -> Result<(), Diagnostics> {
    let own = platform.shared_workspace();
    let mut known = engine.store.list().map_err(|e| state_error(&e))?;
    known.retain(|name| Some(name) != own.as_ref() && !going.contains(name));
    let states = engine.store.load(&known).map_err(|e| state_error(&e))?;
    // One that cannot be read may have objects.
    let is_used = |state: &Result<WorkspaceState, StateError>| {
        state.as_ref().map_or(true, |state| !state.resources.is_empty() || !state.open.is_empty())
    };
    let used: Vec<&str> = known
        .iter()
        .zip(&states)
        .filter(|(_, state)| is_used(state))
        .map(|(name, _)| name.as_str())
        .collect();
    let Some(first) = used.first() else { return Ok(()) };
    let detail = match used.len() - 1 {
        0 => format!("The workspace {first} still has objects."),
        more => format!("The workspace {first} and {more} more of tenants still have objects."),
    };
    let hint = if going.is_empty() {
        "Destroy the tenants first, or all together: tenantctl destroy"
    } else {
        "What tenants share goes once nobody has objects any more: set right what keeps them, or let those \
         without configuration go by tenantctl offboard NAME, and run this again."
    };
    Err(Diagnostic::error("Still in use", detail).hint(hint).into())
}

/// Objects that there are before a plan.
fn existing(plan: &Plan) -> usize {
    plan.unchanged + plan.changes.iter().filter(|change| !change.before.is_null()).count()
}

/// Workspaces that the state has and the configuration has not.
pub fn unconfigured(platform: &Platform, known: Vec<WorkspaceName>) -> Vec<WorkspaceName> {
    if !platform.is_fleet() {
        return Vec::new();
    }
    let seated = platform.seated().into_iter().map(|seated| seated.workspace);
    let configured: HashSet<WorkspaceName> = seated.chain(platform.shared_workspace()).collect();
    // Of a tenant of which it is not known where it runs, whatever has its name.
    let unseated: HashSet<&str> = platform.unseated().map(|name| &**name).collect();
    let is_known = |name: &WorkspaceName| configured.contains(name) || unseated.contains(tenant_of(name));
    known.into_iter().filter(|name| !is_known(name)).collect()
}

/// Says that there are such workspaces.
pub fn left_over(left: &[WorkspaceName]) -> Option<Diagnostic> {
    let first = left.first()?;
    let shown: Vec<&str> = left.iter().take(10).map(WorkspaceName::as_str).collect();
    let more = if left.len() > 10 { format!(" and {} more", left.len() - 10) } else { String::new() };
    let (noun, verb) = (agree(left.len(), "workspace", "workspaces"), agree(left.len(), "is", "are"));
    let detail = format!(
        "{} {noun} of the state {verb} not in the configuration: {}{more}. Nothing of theirs is deleted.",
        left.len(),
        shown.join(", "),
    );
    let hint = format!("Put the tenants back, or let them go: tenantctl offboard {}", tenant_of(first));
    Some(Diagnostic::warning("Tenants without configuration", detail).hint(hint))
}

fn tenant_of(workspace: &WorkspaceName) -> &str {
    workspace.as_str().split('/').next().unwrap_or_default()
}
