//! What operations leave in the record of who did what.

use std::collections::{BTreeMap, HashMap};

use super::{Applied, Engine, Outcome, PlanOptions, Selection};
use crate::addr::WorkspaceName;
use crate::diag::Diagnostic;
use crate::event::Event;
use crate::plan::{Plan, PlanMode};
use crate::state::AuditEntry;

/// More workspaces than this are counted, not named, in an entry of a plan.
const NAMED: usize = 100;

/// An entry of this run.
pub(super) fn entry(engine: &Engine, workspaces: Vec<WorkspaceName>) -> AuditEntry {
    AuditEntry {
        at: engine.timestamp.clone(),
        who: engine.lock_info.who.clone(),
        operation: engine.lock_info.operation.clone(),
        workspaces,
        complete: true,
        ..AuditEntry::default()
    }
}

/// What tells a plan.
pub(super) fn plan_id(plan: &Plan) -> String {
    format!("{}/{} of {}", plan.lineage, plan.serial, plan.config_digest)
}

/// Who planned. Changes nothing, so it need not be durable.
pub(super) fn planned(
    engine: &Engine,
    selection: &Selection,
    options: &PlanOptions,
    outcomes: &[Outcome<Plan>],
) {
    let plans = outcomes.iter().filter_map(|outcome| Some((&outcome.workspace, outcome.result.as_ref()?)));
    let plans: Vec<_> = plans.collect();
    if plans.is_empty() {
        return;
    }
    let entry = AuditEntry {
        operation: "plan".into(),
        detail: format!("{} of {} planned", plans.len(), outcomes.len()),
        complete: plans.len() == outcomes.len(),
        ..entry(engine, Vec::new())
    };
    let names = || plans.iter().map(|(name, _)| (*name).clone()).collect::<Vec<_>>();
    let looks = options.mode == PlanMode::RefreshOnly && !options.skip_refresh && options.is_whole();
    let entry = if looks {
        let drifted: BTreeMap<_, _> = plans
            .iter()
            .filter(|(_, plan)| !plan.drift.is_empty())
            .map(|(name, plan)| ((*name).clone(), plan.drift.len()))
            .collect();
        AuditEntry {
            operation: "drift".into(),
            detail: format!("{} of {} differ", drifted.len(), plans.len()),
            workspaces: if selection.is_all() && entry.complete { Vec::new() } else { names() },
            drifted: Some(drifted),
            ..entry
        }
    } else {
        AuditEntry { workspaces: if plans.len() <= NAMED { names() } else { Vec::new() }, ..entry }
    };
    record(engine, &[entry], false);
}

/// Who applied what; a line for each workspace that was reached.
pub(super) fn applied(
    engine: &Engine,
    plans: &HashMap<WorkspaceName, String>,
    outcomes: &[Outcome<Applied>],
) {
    let entries: Vec<AuditEntry> = outcomes
        .iter()
        .filter_map(|outcome| {
            let applied = outcome.result.as_ref()?;
            let done = applied.done;
            Some(AuditEntry {
                plan: plans.get(&outcome.workspace).cloned(),
                serial: Some(applied.serial),
                detail: format!("{} added, {} changed, {} destroyed", done.add, done.change, done.destroy),
                complete: applied.complete,
                ..entry(engine, vec![outcome.workspace.clone()])
            })
        })
        .collect();
    if !entries.is_empty() {
        record(engine, &entries, true);
    }
}

/// Adds to the record; what was done is done, should that fail.
pub(super) fn record(engine: &Engine, entries: &[AuditEntry], durable: bool) {
    if let Err(error) = engine.store.record(entries, durable) {
        let words = format!("The record of who did what could not be added to: {error}.");
        engine.events.send(Event::Diagnostic(Diagnostic::warning("Not recorded", words)));
    }
}
