//! Names in the world that two tenants claim: a host name, a namespace, a
//! bucket.
//!
//! Guarantees: what a plan claims is taken from it when it is made, so that the
//! plans of a large fleet need not be kept whole to be compared; what nobody
//! plans in this run (tenants that were not selected, or not right, or have no
//! configuration any more) counts as its state has it, which is looked at only
//! for names that are new.

mod recorded;

use std::collections::HashMap;
use std::sync::Arc;

use super::Outcome;
use crate::addr::{ResourceAddress, WorkspaceName};
use crate::diag::{Diagnostic, Span};
use crate::plan::{Action, Change, Plan};
use crate::provider::{Provider, Registry};
use crate::value::Value;

pub(super) use recorded::add as add_recorded;

/// An object that claims a name.
pub(super) struct Claim {
    name: String,
    /// Of what the name is the identity; none for a name that counts everywhere.
    place: Option<Arc<Place>>,
    address: ResourceAddress,
    span: Option<Span>,
    /// The object had the name before the plan.
    held: bool,
    /// It is not planned in this run.
    recorded: bool,
}

/// Where an identity counts: among the objects of a type that are reached alike.
#[derive(PartialEq)]
struct Place {
    kind: Arc<str>,
    connection: Value,
}

impl Claim {
    fn key(&self) -> (Option<&str>, &str) {
        (self.place.as_ref().map(|place| &*place.kind), &self.name)
    }
}

/// What a plan claims.
pub(super) fn of(registry: &Registry, plan: &Plan) -> Vec<Claim> {
    let stays = |change: &&Change| !matches!(change.action, Action::Delete | Action::Forget);
    let mut claims = Vec::new();
    // Mostly the same as the one before, and then it is in memory once.
    let mut last: Option<Arc<Place>> = None;
    for change in plan.changes.iter().filter(stays) {
        let Some(provider) = registry.get(&change.provider) else { continue };
        let kind = &change.key.address.kind;
        let identity = provider.identity(kind, &change.after).filter(|_| change.connection.is_known());
        let identity = identity.map(|name| {
            let known =
                last.take().filter(|place| place.kind == *kind && place.connection == change.connection);
            let place = || Arc::new(Place { kind: kind.clone(), connection: change.connection.clone() });
            (name, Some(last.insert(known.unwrap_or_else(place)).clone()))
        });
        let names = provider.claims(kind, &change.after).into_iter().map(|name| (name, None));
        claims.extend(identity.into_iter().chain(names).map(|(name, place)| Claim {
            held: is_held(&**provider, change, &name),
            name,
            place,
            address: change.key.address.clone(),
            span: change.span,
            recorded: false,
        }));
    }
    claims
}

fn is_held(provider: &dyn Provider, change: &Change, name: &str) -> bool {
    let (kind, before) = (&change.key.address.kind, &change.before);
    match change.action {
        Action::NoOp => true,
        _ if before.is_null() => false,
        _ => {
            provider.identity(kind, before).as_deref() == Some(name)
                || provider.claims(kind, before).iter().any(|claimed| claimed == name)
        }
    }
}

/// Takes back plans that claim what another has: all of them but for one that
/// had it before.
pub(super) fn refuse(claims: &[(WorkspaceName, Vec<Claim>)], outcomes: &mut [Outcome<Plan>]) {
    let mut problems: HashMap<&WorkspaceName, Vec<Diagnostic>> = HashMap::new();
    for rivals in rivals(claims) {
        for (workspace, claim) in &rivals {
            let is_rival = |(other, theirs): &&(&WorkspaceName, &Claim)| {
                other != workspace && theirs.place == claim.place
            };
            let Some((other, theirs)) = rivals.iter().find(is_rival).filter(|_| !claim.held) else {
                continue;
            };
            let detail =
                format!("{workspace} and {other} both claim {}, which only one may have.", claim.name);
            let address = format!("{workspace}:{}", claim.address);
            let mut problem = Diagnostic::error("Claimed twice", detail).address(address);
            problem.span = claim.span;
            if theirs.recorded {
                let tenant = other.as_str().split('/').next().unwrap_or_default();
                problem = problem.hint(format!(
                    "{other} has it by its state. If it is to give it up, plan both in one run, or apply \
                     -tenant={tenant} first; one that is gone goes by tenantctl offboard {tenant}."
                ));
            }
            problems.entry(workspace).or_default().push(problem);
        }
    }
    for outcome in outcomes {
        let Some(mut found) = problems.remove(&outcome.workspace) else { continue };
        found.sort_by(|a, b| a.detail.cmp(&b.detail));
        outcome.result = None;
        found.into_iter().for_each(|problem| outcome.diagnostics.push(problem));
    }
}

/// Claims of one name, where there are several, by workspace.
fn rivals(claims: &[(WorkspaceName, Vec<Claim>)]) -> Vec<Vec<(&WorkspaceName, &Claim)>> {
    let each =
        || claims.iter().flat_map(|(workspace, claims)| claims.iter().map(move |claim| (workspace, claim)));
    // Nearly every name is claimed once: only counted at first.
    let mut times: HashMap<_, u32> =
        HashMap::with_capacity(claims.iter().map(|(_, claims)| claims.len()).sum());
    each().for_each(|(_, claim)| *times.entry(claim.key()).or_default() += 1);
    let mut groups: HashMap<_, Vec<_>> = HashMap::new();
    for (workspace, claim) in each().filter(|(_, claim)| times[&claim.key()] > 1) {
        groups.entry(claim.key()).or_default().push((workspace, claim));
    }
    groups.into_values().collect()
}
