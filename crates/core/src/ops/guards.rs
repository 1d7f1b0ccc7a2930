//! What many plans may not do together: claim one name in the world twice, or
//! go beyond the platform's guard.

use std::collections::{HashMap, HashSet};

use super::plan::state_error;
use super::{Engine, Outcome};
use crate::addr::WorkspaceName;
use crate::config::{Guard, Platform};
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::{Action, Change, Plan, PlanMode};
use crate::provider::{Registry, SharedProvider};
use crate::state::{StateError, WorkspaceState};
use crate::value::Value;

/// Takes back plans that claim what another has: all of them but for one that
/// had it before.
pub(super) fn refuse_claims(registry: &Registry, outcomes: &mut [Outcome<Plan>]) {
    let mut claims: HashMap<(Option<&str>, String), Vec<Claim<'_>>> = HashMap::new();
    for (at, outcome) in outcomes.iter().enumerate() {
        for change in outcome.result.iter().flat_map(|plan| &plan.changes) {
            if matches!(change.action, Action::Delete | Action::Forget) {
                continue;
            }
            let Some(provider) = registry.get(&change.provider) else { continue };
            let kind = &change.key.address.kind;
            let identity = provider.identity(kind, &change.after).filter(|_| change.connection.is_known());
            let identity = identity.map(|name| (Some(&**kind), name, Some(&change.connection)));
            let names = provider.claims(kind, &change.after).into_iter().map(|name| (None, name, None));
            for (kind, name, connection) in identity.into_iter().chain(names) {
                claims.entry((kind, name)).or_default().push(Claim { at, change, connection, provider });
            }
        }
    }
    let mut problems: Vec<(usize, Diagnostic)> = Vec::new();
    for ((_, name), claims) in &claims {
        for (i, claim) in claims.iter().enumerate() {
            let rival = |other: &&Claim<'_>| other.at != claim.at && other.connection == claim.connection;
            let Some(other) = claims[..i].iter().chain(&claims[i + 1..]).find(rival) else { continue };
            if claim.held(name) {
                continue;
            }
            let place = |claim: &Claim<'_>| outcomes[claim.at].workspace.clone();
            let (mine, others) = (place(claim), place(other));
            let detail = format!("{mine} and {others} both claim {name}, which only one may have.");
            let address = format!("{mine}:{}", claim.change.key.address);
            let mut problem = Diagnostic::error("Claimed twice", detail).address(address);
            problem.span = claim.change.span;
            problems.push((claim.at, problem));
        }
    }
    problems.sort_by(|a, b| (a.0, &a.1.detail).cmp(&(b.0, &b.1.detail)));
    for (at, problem) in problems {
        outcomes[at].result = None;
        outcomes[at].diagnostics.push(problem);
    }
}

/// An object that claims a name.
struct Claim<'p> {
    /// Whose plan it is in.
    at: usize,
    change: &'p Change,
    /// Where the name counts; everywhere without one.
    connection: Option<&'p Value>,
    provider: &'p SharedProvider,
}

impl Claim<'_> {
    /// Whether the object had the name before this plan.
    fn held(&self, name: &str) -> bool {
        let before = &self.change.before;
        let kind = &self.change.key.address.kind;
        !before.is_null()
            && (self.provider.identity(kind, before).as_deref() == Some(name)
                || self.provider.claims(kind, before).iter().any(|claimed| claimed == name))
    }
}

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
            "{destroyed} of {objects} objects would be destroyed, which is more than {most} percent."
        ));
    }
    let touched: HashSet<&str> =
        plans.iter().filter(|plan| plan.has_changes()).filter_map(|plan| plan.tenant.as_deref()).collect();
    let (touched, tenants) = (touched.len(), platform.tenant_names().count());
    if let Some(most) = max_tenants.filter(|most| touched > *most as usize) {
        refuse(format!("{touched} tenants would be changed, which is more than {most}."));
    }
    if let Some(most) = max_tenant_percent.filter(|most| touched * 100 > tenants * *most as usize) {
        refuse(format!(
            "{touched} of {tenants} tenants would be changed, which is more than {most} percent."
        ));
    }
    problems
}

/// Refuses to take from tenants what they share.
pub(super) fn still_used(engine: &Engine, platform: &Platform) -> Result<(), Diagnostics> {
    let own = platform.shared_workspace();
    let mut known = engine.store.list().map_err(|e| state_error(&e))?;
    known.retain(|name| Some(name) != own.as_ref());
    let states = engine.store.load(&known).map_err(|e| state_error(&e))?;
    // One that cannot be read may have objects.
    let is_used = |state: &Result<WorkspaceState, StateError>| {
        state.as_ref().map_or(true, |state| !state.resources.is_empty())
    };
    let used: Vec<&str> = known
        .iter()
        .zip(&states)
        .filter(|(_, state)| is_used(state))
        .map(|(name, _)| name.as_str())
        .collect();
    let Some(first) = used.first() else { return Ok(()) };
    let detail = format!("{} workspaces of tenants still have objects, {first} among them.", used.len());
    Err(Diagnostic::error("Still in use", detail)
        .hint("Destroy the tenants first, or all together: tenantctl destroy")
        .into())
}

/// Objects that there are before a plan.
fn existing(plan: &Plan) -> usize {
    plan.changes.iter().filter(|change| !change.before.is_null()).count()
}

/// Workspaces that the state has and the configuration has not.
pub fn unconfigured(platform: &Platform, known: Vec<WorkspaceName>) -> Vec<WorkspaceName> {
    if !platform.is_fleet() {
        return Vec::new();
    }
    let seated = platform.seated().into_iter().map(|seated| seated.workspace);
    let configured: HashSet<WorkspaceName> = seated.chain(platform.shared_workspace()).collect();
    known.into_iter().filter(|name| !configured.contains(name)).collect()
}

/// Says that there are such workspaces.
pub fn left_over(left: &[WorkspaceName]) -> Option<Diagnostic> {
    let first = left.first()?;
    let shown: Vec<&str> = left.iter().take(10).map(WorkspaceName::as_str).collect();
    let more = if left.len() > 10 { format!(" and {} more", left.len() - 10) } else { String::new() };
    let (noun, verb) = if left.len() == 1 { ("workspace", "is") } else { ("workspaces", "are") };
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
