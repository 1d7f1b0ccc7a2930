//! `output`: values that the root module gives out.

use serde_json::{Map, Value as Json};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::state::WorkspaceState;
use tenantctl_core::value::{Marks, Value};

use super::states;
use crate::args::OutputCommand;
use crate::error::Exit;
use crate::render::{json_value, state};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &OutputCommand) -> Result<Exit, Diagnostics> {
    let found = states::single(session, args.tenant.as_ref())?;
    if args.show_sensitive {
        let workspaces = found.iter().map(|state| state.name.clone()).collect();
        session.showed_sensitive(&*states::store(session)?, "output", workspaces)?;
    }
    match &args.name {
        Some(name) => one(session, args, found.as_ref(), name)?,
        None => all(session, args, found.as_ref()),
    }
    Ok(Exit::Success)
}

fn all(session: &Session, args: &OutputCommand, found: Option<&WorkspaceState>) {
    let outputs = found.map(|state| state.outputs.clone()).unwrap_or_default();
    if args.json {
        let json: Map<String, Json> = outputs
            .iter()
            .map(|(name, value)| (name.to_string(), json_value::output(value, false, args.show_sensitive)))
            .collect();
        session.output.json(&json);
    } else if outputs.is_empty() {
        session.report([Diagnostic::warning("No outputs", "The state holds no output values.")
            .hint("Outputs are recorded by apply.")]);
    } else {
        session.output.text(&state::outputs(&outputs, session.style(args.show_sensitive)));
    }
}

fn one(
    session: &Session,
    args: &OutputCommand,
    found: Option<&WorkspaceState>,
    name: &str,
) -> Result<(), Diagnostics> {
    let outputs = found.map(|state| state.outputs.clone()).unwrap_or_default();
    let Some(value) = outputs.get(name) else {
        let problem = Diagnostic::error("Unknown output", format!("The state holds no output {name:?}."));
        return Err(problem.suggest(name, outputs.keys().map(|key| &**key)).into());
    };
    let shown = args.show_sensitive || !value.deep_marks().contains(Marks::SENSITIVE);
    if !shown && (args.raw || args.json) {
        return Err(Diagnostic::error(
            "Sensitive output",
            format!("The output {name:?} holds sensitive values."),
        )
        .hint("Add -show-sensitive to have it printed.")
        .into());
    }
    if args.json {
        session.output.json(&json_value::value(value, args.show_sensitive));
    } else if args.raw {
        session.output.text(&raw(name, value)?);
    } else {
        session.output.text(&state::output(value, session.style(args.show_sensitive)));
    }
    Ok(())
}

fn raw(name: &str, value: &Value) -> Result<String, Diagnostics> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    if let Some(number) = value.as_number() {
        return Ok(number.to_string());
    }
    if let Some(truth) = value.as_bool() {
        return Ok(truth.to_string());
    }
    let detail = format!("The output {name:?} is a {}, which has no plain text.", value.ty().friendly());
    Err(Diagnostic::error("Not a text", detail).hint("Use -json instead of -raw.").into())
}
