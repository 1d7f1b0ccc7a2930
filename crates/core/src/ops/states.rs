//! Changing states by hand: objects keep what they are, what is kept of them
//! changes.
//!
//! Guarantees: an operation happens as a whole or not at all, over all
//! workspaces that it is about; each leaves an entry in the record of who did
//! what. None of them calls a provider.

use std::collections::{BTreeMap, BTreeSet};

use super::locks::{self, hold};
use super::plan::state_error;
use super::{Engine, Scope, audit, loaded};
use crate::addr::{ResourceAddress, WorkspaceName};
use crate::diag::{Diagnostic, Diagnostics, agree};
use crate::event::Event;
use crate::plan::renamings;
use crate::state::{
    AuditEntry, Commit, Entry, RecordChange, RecordKey, ResourceRecord, WorkspaceLock, WorkspaceState,
};

/// Objects of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which workspace.
    pub workspace: WorkspaceName,
    /// What of it.
    pub scope: Scope,
}

/// What was, or would be, done to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// As it was.
    pub before: RecordKey,
    /// As it is; `None` when it is forgotten.
    pub after: Option<RecordKey>,
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The state was the same already.
    Same,
    /// It is what was pushed now.
    Done,
}

/// A workspace that is worked on.
struct Held {
    lock: Box<dyn WorkspaceLock>,
    state: WorkspaceState,
}

/// Locks and loads workspaces; in their order, so that no two wait for each
/// other.
async fn open(
    engine: &Engine,
    names: &[&WorkspaceName],
) -> Result<BTreeMap<WorkspaceName, Held>, Diagnostics> {
    let mut sorted: Vec<WorkspaceName> = names.iter().map(|name| (*name).clone()).collect();
    sorted.sort();
    sorted.dedup();
    let mut locked = Vec::with_capacity(sorted.len());
    for name in &sorted {
        locked.push(hold(engine, name).await.map_err(|e| state_error(&e))?);
    }
    let states = engine.store.load(&sorted).map_err(|e| state_error(&e))?;
    locks::tell(engine);
    let mut held = BTreeMap::new();
    for ((name, lock), state) in sorted.into_iter().zip(locked).zip(states) {
        let state = state.map_err(|e| state_error(&e).address(&name))?;
        held.insert(name, Held { lock, state });
    }
    Ok(held)
}

/// Writes changes of workspaces at once, and who made them.
fn write(engine: &Engine, changes: &[(&Held, Vec<Entry>)], note: AuditEntry) -> Result<(), Diagnostics> {
    let commits: Vec<Commit<'_>> = changes
        .iter()
        .map(|(held, entries)| Commit {
            lock: &*held.lock,
            state: &held.state,
            entries: entries.clone(),
            lineage: None,
            serial: None,
            replace: false,
        })
        .collect();
    commit(engine, &commits, note)
}

fn commit(engine: &Engine, commits: &[Commit<'_>], note: AuditEntry) -> Result<(), Diagnostics> {
    engine.store.commit(commits).map_err(|e| state_error(&e))?;
    let serial = match commits {
        [one] if one.replace => one.serial,
        [one] => Some(one.serial.unwrap_or_default().max(one.state.serial + 1)),
        _ => None,
    };
    let names = commits.iter().map(|commit| commit.state.name.clone()).collect();
    let named = audit::entry(engine, names);
    audit::record(
        engine,
        &[AuditEntry { detail: note.detail, addresses: note.addresses, serial, ..named }],
        true,
    );
    for commit in commits {
        // It is written, and only longer than it need be.
        if let Err(error) = engine.store.compact(commit.lock) {
            let words = format!("{error}. Nothing is lost: the journal is as it was.");
            engine.events.send(Event::Diagnostic(Diagnostic::warning("State not compacted", words)));
        }
    }
    locks::tell(engine);
    Ok(())
}

/// Calls of the last run whose end is not known speak of objects by address.
fn check_settled(state: &WorkspaceState) -> Result<(), Diagnostics> {
    if state.open.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = state.open.iter().map(|begin| begin.record.key.to_string()).collect();
    Err(Diagnostic::error(
        "Unfinished run",
        format!("The last run on {} left calls open: {}.", state.name, keys.join(", ")),
    )
    .address(&state.name)
    .hint("Run tenantctl plan or apply first, which finds out what became of them.")
    .into())
}

fn nothing(place: &Place, state: &WorkspaceState) -> Diagnostics {
    let known: Vec<String> = state.resources.keys().map(|key| key.address.to_string()).collect();
    let detail = format!("The state of {} holds nothing at {}.", place.workspace, place.scope);
    Diagnostic::error("No such object", detail)
        .suggest(&place.scope.to_string(), known.iter().map(String::as_str))
        .into()
}

/// Gives objects another address, in their workspace or another one.
///
/// # Errors
/// When nothing is at `from`, or something at `to`; the store's.
pub async fn move_objects(
    engine: &Engine,
    from: &Place,
    to: &Place,
    dry_run: bool,
) -> Result<Vec<Edit>, Diagnostics> {
    let held = open(engine, &[&from.workspace, &to.workspace]).await?;
    let (source, target) = (&held[&from.workspace], &held[&to.workspace]);
    check_settled(&source.state)?;
    check_settled(&target.state)?;
    let moves = moves(&source.state, &target.state, from, to)?;
    let edits: Vec<Edit> = moves
        .iter()
        .map(|(before, record)| Edit { before: before.clone(), after: Some(record.key.clone()) })
        .collect();
    if dry_run {
        return Ok(edits);
    }
    let removed = || moves.iter().map(|(before, _)| RecordChange::Remove(before.clone()));
    let put = || moves.iter().map(|(_, record)| RecordChange::Put(Box::new(record.clone())));
    let note = AuditEntry {
        detail: format!("{} to {}:{}", edits.len(), to.workspace, to.scope),
        addresses: edits.iter().map(|edit| format!("{}:{}", from.workspace, edit.before)).collect(),
        ..AuditEntry::default()
    };
    if from.workspace == to.workspace {
        let renamed = dependents(&source.state, &moves).into_iter().map(|r| RecordChange::Put(Box::new(r)));
        let entry = Entry::Records(removed().chain(put()).chain(renamed).collect());
        write(engine, &[(source, vec![entry])], note)?;
    } else {
        let out = vec![Entry::Records(removed().collect())];
        write(engine, &[(source, out), (target, vec![Entry::Records(put().collect())])], note)?;
    }
    Ok(edits)
}

/// Records with their new keys, beside the old ones.
type Moves = Vec<(RecordKey, ResourceRecord)>;

fn moves(
    source: &WorkspaceState,
    target: &WorkspaceState,
    from: &Place,
    to: &Place,
) -> Result<Moves, Diagnostics> {
    let refused = |summary: &str, detail: String| Err(Diagnostics::from(Diagnostic::error(summary, detail)));
    if let (Scope::Resource(a), Scope::Resource(b)) = (&from.scope, &to.scope)
        && (a.mode, &a.kind) != (b.mode, &b.kind)
    {
        let detail = format!("{} cannot become {}: an object keeps its type.", from.scope, to.scope);
        return refused("Types differ", detail);
    }
    let mut moves = Moves::new();
    for (key, record) in source.resources.iter().filter(|(key, _)| from.scope.holds(&key.address)) {
        let Some(address) = from.scope.moved(&key.address, &to.scope) else {
            let detail = format!("{} and {} are not both modules or both resources.", from.scope, to.scope);
            return refused("Nothing to move there", detail);
        };
        let new = RecordKey { address, deposed: key.deposed.clone() };
        let is_left = from.workspace == to.workspace && from.scope.holds(&new.address);
        let is_taken = target.resources.contains_key(&new) && !is_left;
        if is_taken || moves.iter().any(|(_, other)| other.key == new) {
            let detail = format!("{} would become {new} of {}, which there is already.", key, to.workspace);
            return refused("Address in use", detail);
        }
        let mut record = record.clone();
        record.key = new;
        if from.workspace != to.workspace {
            // They name what stays behind.
            record.dependencies.retain(|address| from.scope.holds(address));
        }
        rename_all(&mut record.dependencies, from, to);
        moves.push((key.clone(), record));
    }
    if moves.is_empty() { Err(nothing(from, source)) } else { Ok(moves) }
}

fn rename_all(dependencies: &mut [ResourceAddress], from: &Place, to: &Place) {
    for address in dependencies.iter_mut().filter(|address| from.scope.holds(address)) {
        if let Some(moved) = from.scope.moved(address, &to.scope) {
            *address = moved.without_key();
        }
    }
}

/// What depends on moved objects by their old address, with the new one;
/// where instances stay at the old one, that is still right.
fn dependents(state: &WorkspaceState, moves: &Moves) -> Vec<ResourceRecord> {
    let mut renamed: BTreeMap<ResourceAddress, ResourceAddress> = BTreeMap::new();
    for (before, record) in moves {
        renamed.extend(renamings(&before.address, &record.key.address));
    }
    let moved: BTreeSet<&RecordKey> = moves.iter().map(|(before, _)| before).collect();
    let stay = || state.resources.values().filter(|record| !moved.contains(&record.key));
    for name in stay().flat_map(|record| record.key.address.names()) {
        renamed.remove(&name);
    }
    let mut changed = Vec::new();
    for record in stay() {
        let mut record = record.clone();
        let mut is_changed = false;
        for address in &mut record.dependencies {
            if let Some(new) = renamed.get(address) {
                is_changed |= address != new;
                address.clone_from(new);
            }
        }
        if is_changed {
            changed.push(record);
        }
    }
    changed
}

/// Forgets objects, which stay as they are.
///
/// # Errors
/// When there is nothing at one of the places; the store's.
pub async fn forget(
    engine: &Engine,
    workspace: &WorkspaceName,
    scopes: &[Scope],
    dry_run: bool,
) -> Result<Vec<Edit>, Diagnostics> {
    let held = open(engine, &[workspace]).await?;
    let held = &held[workspace];
    let mut entries = Vec::new();
    let mut edits: Vec<Edit> = Vec::new();
    for scope in scopes {
        let records = held.state.resources.keys().filter(|key| scope.holds(&key.address));
        let open = held.state.open.iter().filter(|begin| scope.holds(&begin.record.key.address));
        let (records, open): (Vec<_>, Vec<_>) = (records.collect(), open.collect());
        if records.is_empty() && open.is_empty() {
            return Err(nothing(&Place { workspace: workspace.clone(), scope: scope.clone() }, &held.state));
        }
        // A call that is open would bring it back.
        entries.extend(open.iter().map(|begin| Entry::End { id: begin.id, changes: Vec::new() }));
        let keys = records.into_iter().chain(open.into_iter().map(|begin| &begin.record.key));
        for key in keys {
            if !edits.iter().any(|edit| edit.before == *key) {
                edits.push(Edit { before: key.clone(), after: None });
            }
        }
    }
    entries.dedup();
    if dry_run {
        return Ok(edits);
    }
    entries
        .push(Entry::Records(edits.iter().map(|edit| RecordChange::Remove(edit.before.clone())).collect()));
    let note = AuditEntry {
        detail: format!("{} forgotten", edits.len()),
        addresses: edits.iter().map(|edit| edit.before.to_string()).collect(),
        ..AuditEntry::default()
    };
    write(engine, &[(held, entries)], note)?;
    Ok(edits)
}

/// Marks an object to be replaced by the next apply, or takes that mark away.
///
/// # Errors
/// When there is no such object; the store's.
pub async fn taint(
    engine: &Engine,
    workspace: &WorkspaceName,
    address: &ResourceAddress,
    tainted: bool,
) -> Result<bool, Diagnostics> {
    let held = open(engine, &[workspace]).await?;
    let held = &held[workspace];
    let key = RecordKey::current(address.clone());
    let Some(record) = held.state.resources.get(&key) else {
        let scope = Scope::Resource(address.clone());
        return Err(nothing(&Place { workspace: workspace.clone(), scope }, &held.state));
    };
    if record.tainted == tainted {
        return Ok(false);
    }
    let changed = ResourceRecord { tainted, ..record.clone() };
    let note = AuditEntry { addresses: vec![address.to_string()], ..AuditEntry::default() };
    write(engine, &[(held, vec![Entry::Records(vec![RecordChange::Put(Box::new(changed))])])], note)?;
    Ok(true)
}

/// What makes one state of another.
fn difference(now: &WorkspaceState, then: &WorkspaceState) -> Vec<Entry> {
    let gone = now.resources.keys().filter(|key| !then.resources.contains_key(key));
    let gone = gone.map(|key| RecordChange::Remove(key.clone()));
    let put = then.resources.iter().filter(|(key, record)| now.resources.get(key) != Some(record));
    let put = put.map(|(_, record)| RecordChange::Put(Box::new(record.clone())));
    let mut entries = vec![Entry::Records(gone.chain(put).collect()), Entry::Outputs(then.outputs.clone())];
    if then.checks != now.checks {
        entries.push(Entry::Checks(then.checks.changes_from(&now.checks)));
    }
    entries
}

/// Puts a state in the place of a workspace's own, by Terraform's rules of
/// lineage and serial, unless forced.
///
/// # Errors
/// When the rules forbid it; the store's.
pub async fn push(engine: &Engine, pushed: &WorkspaceState, force: bool) -> Result<Pushed, Diagnostics> {
    let name = &pushed.name;
    let held = open(engine, &[name]).await?;
    let held = &held[name];
    check_settled(&held.state)?;
    // What was pushed has all attributes.
    let own = &loaded(&engine.registry, Ok(held.state.clone()))?;
    let is_same = own.resources == pushed.resources && own.outputs == pushed.outputs;
    let refused = |detail: String| {
        let hint = "To overwrite what there is all the same, add -force.";
        Err(Diagnostics::from(Diagnostic::error("State not pushed", detail).hint(hint).address(name)))
    };
    if !force && !own.lineage.is_empty() {
        if !pushed.lineage.is_empty() && pushed.lineage != own.lineage {
            return refused(format!(
                "Its lineage is {:?}, and that of {name} is {:?}: it is another state's.",
                pushed.lineage, own.lineage
            ));
        }
        if pushed.serial < own.serial {
            return refused(format!(
                "Its serial is {}, and {name} is at {} already.",
                pushed.serial, own.serial
            ));
        }
        if pushed.serial == own.serial && !is_same {
            return refused(format!(
                "Its serial is {}, as that of {name}, but they differ: both were changed since.",
                own.serial
            ));
        }
    }
    let is_ours = pushed.lineage.is_empty() || pushed.lineage == own.lineage;
    if is_same && is_ours && pushed.serial <= own.serial {
        return Ok(Pushed::Same);
    }
    // Forced, it becomes the pushed one in all. Only the serial of a lineage
    // never falls, or old plans would fit again.
    let replace = !is_ours && !own.lineage.is_empty();
    let lineage = (!is_ours).then(|| pushed.lineage.clone());
    let from = if replace { &WorkspaceState::empty(name.clone()) } else { own };
    let entries = difference(from, pushed);
    let note = AuditEntry {
        detail: format!(
            "lineage {}, serial {}{}",
            pushed.lineage,
            pushed.serial,
            if force { ", forced" } else { "" }
        ),
        ..AuditEntry::default()
    };
    let serial = Some(pushed.serial);
    let pushed = Commit { lock: &*held.lock, state: &held.state, entries, lineage, serial, replace };
    commit(engine, &[pushed], note)?;
    Ok(Pushed::Done)
}

/// Takes a workspace's state back to what it was after an earlier run. Objects
/// stay as they are.
///
/// # Errors
/// When that state is not kept any more; the store's.
pub async fn restore(engine: &Engine, workspace: &WorkspaceName, serial: u64) -> Result<(), Diagnostics> {
    let held = open(engine, &[workspace]).await?;
    let held = &held[workspace];
    check_settled(&held.state)?;
    let past = engine.store.past(workspace, serial).map_err(|e| state_error(&e))?;
    let mut entries = difference(&held.state, &past);
    // What was open then is as unknown now as it was.
    entries.extend(past.open.into_iter().map(|begin| Entry::Begin(Box::new(begin))));
    let note = AuditEntry { detail: format!("as of serial {serial}"), ..AuditEntry::default() };
    write(engine, &[(held, entries)], note)
}

/// Forgets a workspace. One that has objects only when forced: they stay, and
/// nobody knows of them any more.
///
/// # Errors
/// When it has objects, or there is no such workspace; the store's.
pub async fn delete(engine: &Engine, workspace: &WorkspaceName, force: bool) -> Result<usize, Diagnostics> {
    let known = engine.store.list().map_err(|e| state_error(&e))?;
    if !known.contains(workspace) {
        let detail = format!("There is no state of {:?}.", workspace.as_str());
        let problem = Diagnostic::error("Unknown workspace", detail);
        return Err(problem.suggest(workspace.as_str(), known.iter().map(WorkspaceName::as_str)).into());
    }
    let held = open(engine, &[workspace]).await?;
    let held = &held[workspace];
    let left = held.state.resources.len() + held.state.open.len();
    if left > 0 && !force {
        let objects = format!("{left} {}", agree(left, "object", "objects"));
        return Err(Diagnostic::error("Workspace not empty", format!("{workspace} still has {objects}."))
            .hint(
                "Remove them with tenantctl destroy first. With -force the workspace is forgotten and they stay.",
            )
            .into());
    }
    engine.store.delete(&*held.lock).map_err(|e| state_error(&e))?;
    let note = AuditEntry {
        detail: format!("{left} {} left behind", agree(left, "object", "objects")),
        addresses: held.state.resources.keys().map(ToString::to_string).collect(),
        serial: Some(held.state.serial),
        ..audit::entry(engine, vec![workspace.clone()])
    };
    audit::record(engine, &[note], true);
    Ok(left)
}

/// Seals all workspaces anew with the present key.
///
/// # Errors
/// When one of them is locked or cannot be read; the store's.
pub async fn reseal(engine: &Engine) -> Result<usize, Diagnostics> {
    let names = engine.store.list().map_err(|e| state_error(&e))?;
    for portion in names.chunks(locks::PORTION) {
        for held in open(engine, &portion.iter().collect::<Vec<_>>()).await?.values() {
            engine.store.reseal(&*held.lock).map_err(|e| state_error(&e))?;
        }
    }
    let detail = format!("{} workspaces", names.len());
    audit::record(engine, &[AuditEntry { detail, ..audit::entry(engine, Vec::new()) }], true);
    Ok(names.len())
}

/// Adds to the record of who did what.
pub fn note(engine: &Engine, workspaces: Vec<WorkspaceName>, detail: &str) {
    let entry = AuditEntry { detail: detail.to_owned(), ..audit::entry(engine, workspaces) };
    audit::record(engine, &[entry], true);
}
