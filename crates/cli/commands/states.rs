//! Reading states for the commands that only look. None of them needs the
//! configuration, so that they work after it is gone.

use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::state::{StateStore, WorkspaceState};

use crate::error;
use crate::render;
use crate::session::Session;

/// The states of these tenants; of all, when none is named.
///
/// # Errors
/// When a tenant has no state, or one cannot be read.
pub(super) fn load(session: &Session, tenants: &[String]) -> Result<Vec<WorkspaceState>, Diagnostics> {
    let sealer = session.sealer()?;
    let store = session.store(&sealer)?;
    let known = store.list().map_err(|e| error::state(&e))?;
    if let Some(missing) = tenants.iter().find(|tenant| !known.iter().any(|name| is_of(name, tenant))) {
        let problem = Diagnostic::error("Unknown tenant", format!("There is no state of {missing:?}."));
        return Err(problem.suggest(missing, known.iter().map(WorkspaceName::as_str)).into());
    }
    let wanted: Vec<WorkspaceName> = known
        .into_iter()
        .filter(|name| tenants.is_empty() || tenants.iter().any(|tenant| is_of(name, tenant)))
        .collect();
    read(&*store, &wanted)
}

/// Reads these workspaces.
///
/// # Errors
/// When one cannot be read.
pub(super) fn read(
    store: &dyn StateStore,
    wanted: &[WorkspaceName],
) -> Result<Vec<WorkspaceState>, Diagnostics> {
    let mut states = Vec::with_capacity(wanted.len());
    let mut problems = Diagnostics::new();
    for (name, result) in wanted.iter().zip(store.load(wanted).map_err(|e| error::state(&e))?) {
        match result {
            Ok(state) => states.push(state),
            Err(problem) => problems.push(error::state(&problem).address(name)),
        }
    }
    if problems.is_empty() { Ok(states) } else { Err(problems) }
}

/// The one state that is meant; `None` when nothing was ever applied.
///
/// # Errors
/// When there are several and none is named.
pub(super) fn single(
    session: &Session,
    tenant: Option<&String>,
) -> Result<Option<WorkspaceState>, Diagnostics> {
    let mut states = load(session, tenant.map(std::slice::from_ref).unwrap_or_default())?;
    if states.len() > 1 {
        let number = render::count(states.len(), "workspace");
        let first = states.first().map(|state| state.name.to_string()).unwrap_or_default();
        return Err(Diagnostic::error("Which tenant?", format!("There are {number} to choose from."))
            .hint(format!("Name one: -tenant={first}"))
            .into());
    }
    Ok(states.pop())
}

/// Whether a workspace is a tenant's: `acme` and `acme/staging` are acme's.
fn is_of(name: &WorkspaceName, tenant: &str) -> bool {
    name.as_str() == tenant || name.as_str().split('/').next() == Some(tenant)
}
