//! One unit of plan and state, and whose it is.
//!
//! Must not: know state or networks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::model::{Module, Settings};
use super::tenancy::{Facts, Seat, Tenancy};
use crate::addr::WorkspaceName;
use crate::diag::{Diagnostics, Span};
use crate::expr::{Expr, Reference};
use crate::value::Value;

/// What a selection means.
#[derive(Debug, Default)]
pub struct Selected {
    /// Instances with their variables settled, the platform's own first.
    pub instances: Vec<Instance>,
    /// Those whose settings are not right, and why.
    pub failed: Vec<(WorkspaceName, Diagnostics)>,
}

/// A tenant in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// Its name.
    pub tenant: Arc<str>,
    /// Its tier's name.
    pub tier: Arc<str>,
    /// Its tier's isolation.
    pub isolation: Arc<str>,
    /// Its environment; `None` when the platform declares none.
    pub environment: Option<Arc<str>>,
    /// Its labels, from all layers.
    pub labels: BTreeMap<Arc<str>, String>,
    /// Regimes it is under.
    pub compliance: Vec<Arc<str>>,
    /// It is on its way out.
    pub suspended: bool,
    /// RFC 3339: nothing of it may be deleted before.
    pub delete_after: Option<Arc<str>>,
    /// Its workspace.
    pub workspace: WorkspaceName,
    /// Where the tenant is declared.
    pub span: Span,
}

/// One unit of plan and state: a module with its variables settled.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its workspace.
    pub workspace: WorkspaceName,
    /// The tenant it is of.
    pub seated: Option<Arc<Seated>>,
    /// The root module.
    pub module: Arc<Module>,
    /// Values of the root module's variables, converted, and their places.
    pub variables: Settings,
    /// Expressions over what the platform passes on, of the variables that hold
    /// some of it.
    pub shared: BTreeMap<Arc<str>, Expr>,
    /// What the platform passes on, as far as it is known.
    pub passed: Value,
    /// Settings and what the engine says of the instance, as they are given,
    /// whether the blueprint takes them or not: for policies. Of a plain root,
    /// what its variables were given.
    pub facts: Facts,
    /// The platform's root directory.
    pub root: PathBuf,
}

impl Instance {
    /// Names of what the platform passes on that it refers to.
    pub fn shared_names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for expr in self.shared.values() {
            expr.for_each_reference(&mut |reference, _| {
                if let Reference::Shared(name) = reference {
                    names.insert(&**name);
                }
            });
        }
        names
    }

    /// Whether policies can ask of such a variable.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.variables.contains_key(name) || self.facts.names().any(|known| **known == *name)
    }
}

pub(super) fn seated(tenancy: &Tenancy, seat: Seat<'_>) -> Seated {
    let labels = tenancy.labels(seat).value();
    let text = |value: &Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_plain_json().map(|json| json.to_string()).unwrap_or_default(),
    };
    Seated {
        tenant: seat.tenant.name.name.clone(),
        tier: seat.tier.name.name.clone(),
        isolation: tenancy.isolation(seat.tier),
        environment: seat.environment.map(|environment| environment.name.name.clone()),
        labels: labels
            .as_entries()
            .into_iter()
            .flat_map(|entries| entries.iter().map(|(name, value)| (name.clone(), text(value))))
            .collect(),
        compliance: tenancy.regimes(Some(seat.tenant)),
        suspended: seat.tenant.suspended,
        delete_after: seat.tenant.delete_after.as_ref().map(|at| at.name.clone()),
        workspace: seat_workspace(seat),
        span: seat.tenant.name.span,
    }
}

pub(super) fn seat_workspace(seat: Seat<'_>) -> WorkspaceName {
    let tenant = &seat.tenant.name.name;
    match seat.environment {
        None => workspace(tenant),
        Some(environment) => workspace(&format!("{tenant}/{}", environment.name.name)),
    }
}

pub(super) fn workspace(name: &str) -> WorkspaceName {
    // Names of tenants and environments are checked when they are read; the
    // others are constants.
    #[allow(clippy::expect_used, clippy::unwrap_used, reason = "checked when read")]
    name.parse().expect("a checked name")
}
