//! Names in the world that two tenants claim: a host name, a namespace, a
//! bucket.
//!
//! Guarantees: what a plan claims is taken from it when it is made, so that the
//! plans of a large fleet need not be kept whole to be compared; what nobody
//! plans in this run (tenants that were not selected, or not right, or have no
//! configuration any more) counts as its state has it, which is looked at only
//! for names that are new.

mod recorded;

use std::collections::{HashMap, HashSet};
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
    /// Drawn from name and place: claims of one have the same.
    number: u32,
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
struct Place {
    kind: Arc<str>,
    connection: Value,
    number: u32,
}

impl Place {
    fn new(kind: &Arc<str>, connection: &Value) -> Self {
        let mut number = crc32fast::Hasher::new();
        number.update(kind.as_bytes());
        number.update(&serde_json::to_vec(connection).unwrap_or_default());
        Place { kind: kind.clone(), connection: connection.clone(), number: number.finalize() }
    }

    fn is(&self, kind: &str, connection: &Value) -> bool {
        *self.kind == *kind && self.connection == *connection
    }
}

/// Places one after the other: mostly the same as the one before, and then it is
/// in memory once.
#[derive(Default)]
struct Places(Option<Arc<Place>>);

impl Places {
    fn of(&mut self, kind: &Arc<str>, connection: &Value) -> Arc<Place> {
        let known = self.0.take().filter(|place| place.is(kind, connection));
        let place = known.unwrap_or_else(|| Arc::new(Place::new(kind, connection)));
        self.0.insert(place).clone()
    }
}

impl Claim {
    /// Whether it is of the same name at the same place.
    fn rivals(&self, other: &Self) -> bool {
        let is_here = match (&self.place, &other.place) {
            (None, None) => true,
            (Some(here), Some(there)) => Arc::ptr_eq(here, there) || here.is(&there.kind, &there.connection),
            _ => false,
        };
        is_here && self.name == other.name
    }
}

/// The number of a name at a place.
fn number(name: &str, place: Option<&Place>) -> u32 {
    let mut number = crc32fast::Hasher::new();
    number.update(&place.map_or(0, |place| place.number).to_le_bytes());
    number.update(name.as_bytes());
    number.finalize()
}

/// What a plan claims.
pub(super) fn of(registry: &Registry, plan: &Plan) -> Vec<Claim> {
    let stays = |change: &&Change| !matches!(change.action, Action::Delete | Action::Forget);
    let mut claims = Vec::new();
    let mut places = Places::default();
    for change in plan.changes.iter().filter(stays) {
        let Some(provider) = registry.get(&change.provider) else { continue };
        let kind = &change.key.address.kind;
        let identity = provider.identity(kind, &change.after).filter(|_| change.connection.is_known());
        let identity = identity.map(|name| (name, Some(places.of(kind, &change.connection))));
        let names = provider.claims(kind, &change.after).into_iter().map(|name| (name, None));
        claims.extend(identity.into_iter().chain(names).map(|(name, place)| Claim {
            held: is_held(&**provider, change, &name),
            number: number(&name, place.as_deref()),
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
    for alike in alike(claims) {
        for (workspace, claim) in &alike {
            let is_rival =
                |(other, theirs): &&(&WorkspaceName, &Claim)| other != workspace && theirs.rivals(claim);
            let Some((other, theirs)) = alike.iter().find(is_rival).filter(|_| !claim.held) else {
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

/// Claims of one number, where there are several, by workspace.
fn alike(claims: &[(WorkspaceName, Vec<Claim>)]) -> Vec<Vec<(&WorkspaceName, &Claim)>> {
    let each =
        || claims.iter().flat_map(|(workspace, claims)| claims.iter().map(move |claim| (workspace, claim)));
    // Nearly every name of a fleet is claimed once.
    let mut numbers: Vec<u32> = each().map(|(_, claim)| claim.number).collect();
    numbers.sort_unstable();
    let twice: HashSet<u32> =
        numbers.windows(2).filter_map(|pair| (pair[0] == pair[1]).then_some(pair[0])).collect();
    let mut groups: HashMap<u32, Vec<_>> = HashMap::new();
    for (workspace, claim) in each().filter(|(_, claim)| twice.contains(&claim.number)) {
        groups.entry(claim.number).or_default().push((workspace, claim));
    }
    groups.into_values().collect()
}
