//! Choosing and reading states for the commands that are about states. None of
//! them needs the configuration, so that they work after it is gone.

use std::sync::Arc;

use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::passed_on;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::event::EventSink;
use tenantctl_core::ops::Engine;
use tenantctl_core::state::{StateStore, WorkspaceState};

use crate::args::LockArgs;
use crate::error;
use crate::providers;
use crate::render;
use crate::render::reporter::Human;
use crate::session::Session;

/// The store of states.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn store(session: &Session) -> Result<Arc<dyn StateStore>, Diagnostics> {
    session.store(&session.sealer()?)
}

/// The engine for a command that changes states and calls no provider.
///
/// # Errors
/// When the store cannot be opened.
pub(super) fn engine(session: &Session, operation: &str, lock: LockArgs) -> Result<Engine, Diagnostics> {
    let sealer = session.sealer()?;
    let (output, sources) = (session.output.clone(), Arc::clone(&session.sources));
    let events: Arc<dyn EventSink> =
        Arc::new(Human::new(output, sources, false, session.compact_warnings, false));
    let registry = providers::real(&session.settings);
    let mut engine = session.engine(operation, registry, &sealer, events, 1)?;
    engine.lock_timeout = lock.lock_timeout;
    Ok(engine)
}

/// The workspaces of these tenants; all, when none is named.
///
/// # Errors
/// When a tenant has no state.
pub(super) fn chosen(store: &dyn StateStore, tenants: &[String]) -> Result<Vec<WorkspaceName>, Diagnostics> {
    let known = store.list().map_err(|e| error::state(&e))?;
    if let Some(missing) = tenants.iter().find(|tenant| !known.iter().any(|name| is_of(name, tenant))) {
        let problem = Diagnostic::error("Unknown tenant", format!("There is no state of {missing:?}."));
        return Err(problem.suggest(missing, known.iter().map(WorkspaceName::as_str)).into());
    }
    let is_meant = |name: &WorkspaceName| tenants.is_empty() || tenants.iter().any(|t| is_of(name, t));
    Ok(known.into_iter().filter(is_meant).collect())
}

/// The one workspace that is meant.
///
/// # Errors
/// When there is none, or there are several and none is named.
pub(super) fn known(store: &dyn StateStore, tenant: Option<&str>) -> Result<WorkspaceName, Diagnostics> {
    let tenants: Vec<String> = tenant.map(str::to_owned).into_iter().collect();
    let mut names = chosen(store, &tenants)?;
    if let Some(exact) = tenant.and_then(|tenant| names.iter().position(|name| name.as_str() == tenant)) {
        return Ok(names.swap_remove(exact));
    }
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err(Diagnostic::error("No state", "Nothing was ever applied here.").into()),
        _ => Err(several(&names)),
    }
}

fn several(names: &[WorkspaceName]) -> Diagnostics {
    let number = render::count(names.len(), "workspace");
    let first = names.first().map(WorkspaceName::as_str).unwrap_or_default();
    Diagnostic::error("Which tenant?", format!("There are {number} to choose from."))
        .hint(format!("Name one: -tenant={first}"))
        .into()
}

/// The states of these tenants; of all, when none is named.
///
/// # Errors
/// When a tenant has no state, or one cannot be read.
pub(super) fn load(session: &Session, tenants: &[String]) -> Result<Vec<WorkspaceState>, Diagnostics> {
    let store = store(session)?;
    let wanted = chosen(&*store, tenants)?;
    let states = read(&*store, &wanted);
    let notices = store.notices().into_iter();
    session.report(notices.map(|words| Diagnostic::warning("State repaired", error::sentence(&words))));
    states
}

/// Reads these workspaces, as users know them: without what a platform passes on
/// to its tenants.
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
            Ok(mut state) => {
                state.outputs.retain(|name, _| passed_on(name).is_none());
                states.push(state);
            }
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
        return Err(several(&states.iter().map(|state| state.name.clone()).collect::<Vec<_>>()));
    }
    Ok(states.pop())
}

/// Whether a workspace is a tenant's: `acme` and `acme/staging` are acme's.
pub(super) fn is_of(name: &WorkspaceName, tenant: &str) -> bool {
    name.as_str() == tenant || name.as_str().split('/').next() == Some(tenant)
}
