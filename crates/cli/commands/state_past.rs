//! `state check`, `state history`, `state restore` and `state reencrypt`.

use serde_json::json;
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops;

use super::states;
use crate::args::{StateCheck, StateHistory, StateReencrypt, StateRestore};
use crate::error::{self, Exit, sentence};
use crate::render::{Table, count};
use crate::session::Session;

/// Says what is broken. Mends nothing: what a journal says cannot be made anew.
pub(super) fn check(session: &Session, args: &StateCheck) -> Result<Exit, Diagnostics> {
    let store = states::store(session)?;
    let names = states::chosen(&*store, &args.tenants)?;
    let problems = problems(&*store, &names)?;
    if args.json {
        let shown: Vec<serde_json::Value> =
            problems.iter().map(|(name, words)| json!({ "workspace": name, "problems": words })).collect();
        session.output.json(&json!({ "format_version": "1.0", "checked": names.len(), "found": shown }));
    } else {
        for (name, words) in &problems {
            for problem in words {
                session.output.line(&format!("{name}: {}", sentence(problem)));
            }
        }
        let (number, broken) = (count(names.len(), "workspace"), problems.len());
        session.output.line(&format!("Checked {number}: {} sound, {broken} broken.", names.len() - broken));
    }
    if problems.is_empty() {
        return Ok(Exit::Success);
    }
    let detail = format!("{} cannot be read as written.", count(problems.len(), "workspace"));
    session.report([Diagnostic::error("Damaged state", detail)
        .hint("See state/README.md, or restore the state directory from a copy.")]);
    Ok(Exit::Failure)
}

type Found = Vec<(WorkspaceName, Vec<String>)>;

fn problems(
    store: &dyn tenantctl_core::state::StateStore,
    names: &[WorkspaceName],
) -> Result<Found, Diagnostics> {
    let mut found = Found::new();
    for name in names {
        let problems = store.check(name).map_err(|e| error::state(&e))?;
        if !problems.is_empty() {
            found.push((name.clone(), problems));
        }
    }
    Ok(found)
}

/// Lists the runs whose states are kept.
pub(super) fn history(session: &Session, args: &StateHistory) -> Result<Exit, Diagnostics> {
    let store = states::store(session)?;
    let name = states::known(&*store, args.tenant.as_deref())?;
    let runs = store.history(&name).map_err(|e| error::state(&e))?;
    if args.json {
        session.output.json(&json!({ "format_version": "1.0", "workspace": name, "runs": runs }));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["serial", "when", "who", "what", "written", "removed"]);
    for past in runs {
        let run = past.run.unwrap_or_default();
        table.row([
            past.serial.to_string(),
            run.at,
            run.who,
            run.operation,
            past.put.to_string(),
            past.removed.to_string(),
        ]);
    }
    session.output.text(&table.render(0));
    Ok(Exit::Success)
}

/// Takes a state back.
pub(super) async fn restore(session: &Session, args: &StateRestore) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "state restore", args.lock)?;
    let name = states::known(&*engine.store, args.tenant.as_deref())?;
    ops::restore(&engine, &name, args.serial).await?;
    session.output.line(&format!(
        "The state of {name} is what it was after serial {}. The objects are as they are: \
         run tenantctl plan to compare.",
        args.serial
    ));
    Ok(Exit::Success)
}

/// Seals everything anew.
pub(super) async fn reencrypt(session: &Session, args: &StateReencrypt) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "state reencrypt", args.lock)?;
    let number = ops::reseal(&engine).await?;
    session.output.line(&format!(
        "Sealed {} with the present key. Earlier keys are needed no more for the state; saved plans and \
         simulated objects keep theirs. The history from before is gone, as it was sealed with them.",
        count(number, "workspace")
    ));
    Ok(Exit::Success)
}
