//! `offboard`: lets a tenant go, in steps: it is suspended and what it has is
//! exported; that is held for the retention time; then it is deleted, with a
//! proof of what was.
//!
//! Guarantees: nothing is deleted before its time, nor without being named in
//! the proof; each step can be repeated.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value as Json, json};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::edit::{self, Change};
use tenantctl_core::config::{Platform, Seated};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops;
use tenantctl_core::state::{AuditEntry, Dependencies, WorkspaceState};
use tenantctl_core::value::exact;

use super::apply::{self, Verb};
use super::{states, tenant_file};
use crate::args::{ApplyCommand, OffboardCommand, PlanArgs, SelectArgs, TakenByApply};
use crate::error::{self, Exit};
use crate::render::{count, json_state};
use crate::session::{self, Session};

/// Days for which a tenant's objects are held unless told otherwise.
const RETENTION: u16 = 30;

/// A tenant on its way out.
struct Leaving {
    /// As the configuration has it, wherever it runs.
    seated: Vec<Seated>,
    /// What the state has of it.
    states: Vec<WorkspaceState>,
}

/// Runs the command.
pub(super) async fn run(session: &Session, args: &OffboardCommand) -> Result<Exit, Diagnostics> {
    let platform = session.look(&args.config)?;
    let leaving = match find(session, args, &platform) {
        // The same command again, after it was done.
        Err(_) if args.delete && path(session, args, "deleted").is_file() => {
            told(session, args, &path(session, args, "deleted"), "was deleted already");
            return Ok(Exit::Success);
        }
        found => found?,
    };
    if args.delete { delete(session, args, leaving).await } else { suspend(session, args, leaving).await }
}

fn find(session: &Session, args: &OffboardCommand, platform: &Platform) -> Result<Leaving, Diagnostics> {
    platform.is_whole(&args.name)?;
    let seated: Vec<Seated> =
        platform.seated().into_iter().filter(|seated| *seated.tenant == *args.name).collect();
    let store = states::store(session)?;
    let known = store.list().map_err(|e| error::state(&e))?;
    let own: Vec<WorkspaceName> = known.into_iter().filter(|name| states::is_of(name, &args.name)).collect();
    if seated.is_empty() && own.is_empty() {
        let error = Diagnostic::error("Unknown tenant", format!("There is no tenant {:?}.", args.name));
        return Err(error.suggest(&args.name, platform.tenant_names().map(|name| &**name)).into());
    }
    Ok(Leaving { seated, states: states::read(&*store, &own)? })
}

/// Suspends, exports, and says until when the rest is held.
async fn suspend(session: &Session, args: &OffboardCommand, leaving: Leaving) -> Result<Exit, Diagnostics> {
    let Some(seated) = leaving.seated.first() else {
        let detail = format!(
            "{:?} is not in the configuration any more, so that nothing says how it would be suspended.",
            args.name
        );
        let hint =
            format!("To delete what is left of it: tenantctl offboard {} -delete -retention=0", args.name);
        return Err(Diagnostic::error("Not in the configuration", detail).hint(hint).into());
    };
    let until = match (&seated.delete_after, args.retention) {
        (Some(until), None) => until.to_string(),
        (_, days) => after(days.unwrap_or(RETENTION))?,
    };
    let changes = [Change::new(["suspended"], "true"), Change::new(["delete_after"], edit::quoted(&until))];
    let written = tenant_file::change(session, &args.config, seated, &changes)?;
    if written.is_changed {
        session.output.status(&format!("Suspended {} in {}.", args.name, written.path.display()));
    }
    let exit = Box::pin(apply::run(session, &command(args, &leaving), Verb::Apply)).await;
    if exit != Exit::Success {
        return Ok(exit);
    }
    let Leaving { states, .. } = find(session, args, &session.look(&args.config)?)?;
    let place = export(session, args, "export", &states)?;
    record(session, "offboard suspend", &states, &format!("held until {until}"))?;
    if args.run.json {
        session.output.json(&json!({
            "format_version": "1.0",
            "type": "suspended",
            "tenant": args.name,
            "delete_after": until,
            "export": place.display().to_string(),
        }));
    } else {
        session.output.line(&format!(
            "\n{name} is suspended. What it has was exported to {place} and is held until {until}.\nAfter that: tenantctl offboard {name} -delete",
            name = args.name,
            place = place.display(),
        ));
    }
    Ok(Exit::Success)
}

/// Deletes what the retention time is over for.
async fn delete(session: &Session, args: &OffboardCommand, leaving: Leaving) -> Result<Exit, Diagnostics> {
    check(args, &leaving)?;
    let pending = Pending::begin(session, args, &leaving.states)?;
    if leaving.states.iter().any(|state| !state.resources.is_empty()) {
        let exit = Box::pin(apply::run(session, &command(args, &leaving), Verb::Destroy)).await;
        if exit != Exit::Success {
            pending.stopped(session, &leaving.states)?;
            return Ok(exit);
        }
    }
    let engine = states::engine(session, "offboard", args.run.wait)?;
    let left: Vec<WorkspaceName> = leaving.states.iter().map(|state| state.name.clone()).collect();
    let after = states::read(&*engine.store, &left)?;
    if let Some(state) = after.iter().find(|state| !state.resources.is_empty() || !state.open.is_empty()) {
        let words = count(state.resources.len(), "object");
        let detail = format!("{} still has {words}, so that nothing can be proved.", state.name);
        return Err(Diagnostic::error("Not deleted", detail).hint("Run the command again.").into());
    }
    let place = prove(session, args, &pending.objects, &after)?;
    record(session, "offboard delete", &after, &format!("proof in {}", place.display()))?;
    if let Some(seated) = leaving.seated.first() {
        let path = tenant_file::remove(session, seated)?;
        session.output.status(&format!("Took {} out of {}.", args.name, path.display()));
    }
    for workspace in &left {
        ops::delete(&engine, workspace, false).await?;
    }
    pending.end()?;
    told(session, args, &place, "is deleted");
    Ok(Exit::Success)
}

/// What there was when the deletion began: kept on disk until all is gone, so
/// that the proof names all of it however often the deletion was interrupted.
struct Pending {
    path: PathBuf,
    objects: Vec<Json>,
}

impl Pending {
    /// Of a deletion that begins, or goes on.
    fn begin(
        session: &Session,
        args: &OffboardCommand,
        states: &[WorkspaceState],
    ) -> Result<Self, Diagnostics> {
        let path = path(session, args, "deleting");
        let mut objects = match fs::read(&path) {
            Ok(bytes) => {
                let known = serde_json::from_slice::<Json>(&bytes).ok();
                let known =
                    known.and_then(|mut known| Some(known.get_mut("deleting")?.as_array_mut()?.split_off(0)));
                known.ok_or_else(|| {
                    let detail = format!("{} is not what an earlier run wrote there.", path.display());
                    let hint =
                        "It says what there was before that run. Without it, the proof names what is left.";
                    Diagnostic::error("Cannot read", detail).hint(hint)
                })?
            }
            Err(problem) if problem.kind() == ErrorKind::NotFound => {
                keep_earlier(session, args)?;
                Vec::new()
            }
            Err(problem) => return Err(error::file("Cannot read", &path, &problem).into()),
        };
        let known = addresses(&objects);
        for state in states {
            let now = shown(state);
            if addresses(std::slice::from_ref(&now)).iter().any(|address| !known.contains(address)) {
                objects.push(now);
            }
        }
        let document = json!({ "format_version": "1.0", "tenant": args.name, "deleting": objects });
        write(session, args, "deleting", &document)?;
        Ok(Pending { path, objects })
    }

    /// Of a deletion that did not come to its end: forgotten, unless something
    /// went.
    fn stopped(self, session: &Session, before: &[WorkspaceState]) -> Result<(), Diagnostics> {
        let names: Vec<WorkspaceName> = before.iter().map(|state| state.name.clone()).collect();
        let now = states::read(&*states::store(session)?, &names)?;
        let sizes =
            |states: &[WorkspaceState]| states.iter().map(|state| state.resources.len()).sum::<usize>();
        if sizes(&now) == sizes(before) { self.end() } else { Ok(()) }
    }

    fn end(self) -> Result<(), Diagnostics> {
        Ok(fs::remove_file(&self.path)
            .map_err(|problem| error::file("Cannot remove", &self.path, &problem))?)
    }
}

/// Of each object in documents of states: where it is, and its address.
fn addresses(documents: &[Json]) -> HashSet<(String, String)> {
    fn collect(workspace: &str, json: &Json, all: &mut HashSet<(String, String)>) {
        let items = |name: &str| json[name].as_array().into_iter().flatten();
        for resource in items("resources") {
            let key = format!("{} {}", resource["address"], resource["deposed_key"]);
            all.insert((workspace.to_owned(), key));
        }
        items("child_modules").for_each(|module| collect(workspace, module, all));
    }
    let mut all = HashSet::new();
    for document in documents {
        collect(&document["workspace"].to_string(), &document["values"]["root_module"], &mut all);
    }
    all
}

/// A tenant of that name was deleted before: its proof is kept beside the new one.
fn keep_earlier(session: &Session, args: &OffboardCommand) -> Result<(), Diagnostics> {
    let old = path(session, args, "deleted");
    let Ok(bytes) = fs::read(&old) else { return Ok(()) };
    let proof: Json = serde_json::from_slice(&bytes).unwrap_or_default();
    let at = proof["deleted_at"].as_str().unwrap_or("earlier").replace(':', "");
    let new = path(session, args, &format!("deleted-{at}"));
    Ok(fs::rename(&old, &new).map_err(|problem| error::file("Cannot rename", &old, &problem))?)
}

/// Says that it is gone, and what proves it.
fn told(session: &Session, args: &OffboardCommand, place: &Path, what: &str) {
    if args.run.json {
        let proof = place.display().to_string();
        session.output.json(&json!({
            "format_version": "1.0", "type": "deleted", "tenant": args.name, "proof": proof,
        }));
    } else {
        let (name, place) = (&args.name, place.display());
        session.output.line(&format!("\n{name} {what}. The proof of it is {place}."));
    }
}

/// Refuses to delete what is not suspended or held still.
fn check(args: &OffboardCommand, leaving: &Leaving) -> Result<(), Diagnostics> {
    if args.retention == Some(0) {
        return Ok(());
    }
    let name = &args.name;
    let Some(seated) = leaving.seated.first() else {
        let detail = format!("{name:?} is not in the configuration any more, where its retention time was.");
        let error = Diagnostic::error("Retention time not known", detail);
        return Err(error.hint("Pass -retention=0 to delete what is left of it now.").into());
    };
    let Some(until) = seated.delete_after.as_deref().filter(|_| seated.suspended) else {
        let detail = format!("{name:?} is not suspended, and nothing of it was exported.");
        let error = Diagnostic::error("Not suspended", detail).at(seated.span);
        return Err(error.hint(format!("Begin with: tenantctl offboard {name}")).into());
    };
    let time: Timestamp = until.parse().map_err(|_| {
        let detail = format!("delete_after is {until:?}, which is no time such as 2027-01-31T00:00:00Z.");
        Diagnostic::error("Invalid time", detail).at(seated.span)
    })?;
    if Timestamp::now() < time {
        let detail = format!("{name:?} is held until {until}.");
        let error = Diagnostic::error("Retention time not over", detail).at(seated.span);
        return Err(error.hint("Pass -retention=0 to delete it now all the same.").into());
    }
    Ok(())
}

fn after(days: u16) -> Result<String, Diagnostic> {
    let hours = i64::from(days) * 24;
    let time = Timestamp::now().checked_add(hours.hours());
    let time = time.map_err(|problem| Diagnostic::error("Invalid retention", format!("{problem}.")))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn command(args: &OffboardCommand, leaving: &Leaving) -> ApplyCommand {
    let select = if leaving.seated.is_empty() {
        let gone = leaving.states.iter().map(|state| state.name.clone()).collect();
        SelectArgs { gone, ..SelectArgs::default() }
    } else {
        SelectArgs { tenants: vec![args.name.clone()], ..SelectArgs::default() }
    };
    ApplyCommand {
        file: None,
        auto_approve: args.auto_approve,
        taken: TakenByApply::default(),
        plan: PlanArgs::plain(),
        select,
        config: args.config.clone(),
        run: args.run.clone(),
    }
}

/// A state, sensitive values hidden.
fn shown(state: &WorkspaceState) -> Json {
    let mut lists = Dependencies::default();
    let json = json_state::state(state, &mut lists, false);
    lists.filled(json)
}

/// Writes what the state holds of a tenant, sensitive values hidden.
fn export(
    session: &Session,
    args: &OffboardCommand,
    what: &str,
    states: &[WorkspaceState],
) -> Result<PathBuf, Diagnostics> {
    let workspaces: Vec<Json> = states.iter().map(shown).collect();
    let document = json!({
        "format_version": "1.0",
        "tenant": args.name,
        "exported_at": session::now(),
        "workspaces": workspaces,
    });
    write(session, args, what, &document)
}

/// Writes what there was, and that it is gone.
fn prove(
    session: &Session,
    args: &OffboardCommand,
    objects: &[Json],
    after: &[WorkspaceState],
) -> Result<PathBuf, Diagnostics> {
    let now: Vec<Json> = after
        .iter()
        .map(|state| json!({ "workspace": state.name, "lineage": state.lineage, "serial": state.serial, "objects": 0 }))
        .collect();
    let document = json!({
        "format_version": "1.0",
        "tenant": args.name,
        "deleted_at": session::now(),
        "deleted_by": session.settings.who,
        "deleted": objects,
        "left": now,
    });
    write(session, args, "deleted", &document)
}

fn write(
    session: &Session,
    args: &OffboardCommand,
    what: &str,
    document: &Json,
) -> Result<PathBuf, Diagnostics> {
    let path = path(session, args, what);
    tenant_file::replace(&path, &exact::text(format!("{document:#}\n")))?;
    Ok(path)
}

/// Where a document about the tenant is written.
fn path(session: &Session, args: &OffboardCommand, what: &str) -> PathBuf {
    let dir = args.export.clone().unwrap_or_else(|| session.state_dir().join("offboarded"));
    let path = dir.join(format!("{}-{what}.json", args.name));
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

fn record(
    session: &Session,
    operation: &str,
    states: &[WorkspaceState],
    detail: &str,
) -> Result<(), Diagnostics> {
    let entry = AuditEntry {
        at: session::now(),
        who: session.settings.who.clone(),
        operation: operation.to_owned(),
        workspaces: states.iter().map(|state| state.name.clone()).collect(),
        detail: detail.to_owned(),
        complete: true,
        ..AuditEntry::default()
    };
    Ok(states::store(session)?.record(&[entry], true).map_err(|e| error::state(&e))?)
}
