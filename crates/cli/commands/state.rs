//! `state list` and `state show`.

use serde_json::json;
use tenantctl_core::addr::ResourceAddress;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops;
use tenantctl_core::state::{Dependencies, ResourceRecord};
use tenantctl_core::value::exact;

use super::planning::invalid;
use super::states;
use crate::args::{StateList, StateShow};
use crate::error::Exit;
use crate::providers;
use crate::render;
use crate::session::Session;

/// Lists objects: `ADDRESS`, or `WORKSPACE:ADDRESS` when there are several.
pub(super) fn list(session: &Session, args: &StateList) -> Result<Exit, Diagnostics> {
    let states = states::load(session, &args.tenants)?;
    let mut lines = String::new();
    let mut objects = Vec::new();
    for state in &states {
        let is_meant = |record: &&ResourceRecord| {
            is_wanted(&record.key.address, &args.addresses) && has_id(record, args.id.as_deref())
        };
        let mut records: Vec<_> = state.resources.values().filter(is_meant).collect();
        // As Terraform lists them: what is called after what calls.
        records.sort_by_key(|record| record.key.address.module.steps().len());
        for record in records {
            if args.json {
                let address = &record.key.address;
                let deposed = &record.key.deposed;
                objects.push(json!({ "workspace": state.name, "address": address, "deposed": deposed }));
            } else if states.len() > 1 {
                lines.push_str(&format!("{}:{}\n", state.name, record.key));
            } else {
                lines.push_str(&format!("{}\n", record.key));
            }
        }
    }
    if args.json {
        session.output.json(&json!({ "format_version": "1.0", "objects": objects }));
    } else {
        session.output.text(&lines);
    }
    Ok(Exit::Success)
}

/// Whether an address is one of these or inside one of them.
fn is_wanted(address: &ResourceAddress, wanted: &[String]) -> bool {
    let text = address.to_string();
    let holds = |prefix: &String| {
        text.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    wanted.is_empty() || wanted.iter().any(holds)
}

/// Whether its attribute `id` is this, where one is asked for.
fn has_id(record: &ResourceRecord, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let id = record.attributes.get("id").filter(|id| !id.is_sensitive());
    id.is_some_and(|id| {
        id.as_str() == Some(wanted) || id.as_number().is_some_and(|n| n.to_string() == wanted)
    })
}

/// Shows one object.
pub(super) fn show(session: &Session, args: &StateShow) -> Result<Exit, Diagnostics> {
    let address: ResourceAddress = args.address.parse().map_err(|e| invalid(&e))?;
    let mut state = states::single(session, args.tenant.as_ref())?;
    if args.json {
        let registry = providers::real(&session.settings);
        state.iter_mut().for_each(|state| ops::complete(&registry, state));
    }
    let records = state.as_ref().map(|state| &state.resources);
    let Some(record) = records.and_then(|all| all.values().find(|record| record.key.address == address))
    else {
        let known: Vec<String> =
            records.into_iter().flatten().map(|(key, _)| key.address.to_string()).collect();
        let problem = Diagnostic::error("No such object", format!("The state holds no object {address}."));
        return Err(problem.suggest(&args.address, known.iter().map(String::as_str)).into());
    };
    if args.show_sensitive {
        let workspaces = state.iter().map(|state| state.name.clone()).collect();
        session.showed_sensitive(&*states::store(session)?, "state show", workspaces)?;
    }
    if args.json {
        let dependencies = state.as_ref().map(Dependencies::of).unwrap_or_default();
        let json = render::json_state::resource(record, &dependencies, args.show_sensitive);
        session.output.document(&exact::text(json.to_string()), &dependencies);
    } else {
        session.output.text(&render::state::object(record, session.style(args.show_sensitive)));
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_is_inside() {
        let address: ResourceAddress = "module.db.a.b[0]".parse().expect("address");
        for (prefix, wanted) in
            [("module.db", true), ("module.db.a.b", true), ("module.d", false), ("a.b", false)]
        {
            assert_eq!(is_wanted(&address, &[prefix.to_owned()]), wanted, "{prefix}");
        }
    }
}
