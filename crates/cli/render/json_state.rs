//! State in the JSON that Terraform documents for `show -json`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use tenantctl_core::addr::{ModulePath, ResourceAddress};
use tenantctl_core::state::{
    CheckOutcome, CheckableKind, Checks, Dependencies, ResourceRecord, WorkspaceState,
};

use super::{VERSION, json_value};

/// The version of the format: Terraform's.
const FORMAT: &str = "1.0";

/// A whole workspace; `lists` has what its objects depend on.
pub(crate) fn state(state: &WorkspaceState, lists: &mut Dependencies, show_sensitive: bool) -> Json {
    let records = state.resources.values();
    lists.take(records.clone().map(|record| (&record.key.address, record.dependencies.as_slice())));
    let lists = &*lists;
    let one = |record: &ResourceRecord| {
        (record.key.address.module.clone(), resource(record, lists, show_sensitive))
    };
    let resources = records.map(one);
    let outputs: Map<String, Json> = state
        .outputs
        .iter()
        .map(|(name, value)| (name.to_string(), json_value::output(value, false, show_sensitive)))
        .collect();
    let mut json = json!({
        "format_version": FORMAT,
        "tenantctl_version": VERSION,
        "workspace": state.name,
        "lineage": state.lineage,
        "serial": state.serial,
    });
    // Of what holds nothing there are no values.
    if !state.resources.is_empty() || !outputs.is_empty() {
        json["values"] = json!({ "outputs": outputs, "root_module": module_tree(resources.collect()) });
        if !state.checks.is_empty() {
            json["checks"] = checks(&state.checks);
        }
    }
    json
}

/// What conditions came to.
pub(crate) fn checks(checks: &Checks) -> Json {
    let all = checks.0.iter().map(|(block, checked)| {
        let ResourceAddress { module, mode, kind, name, .. } = &block.address;
        let mut address = json!({ "kind": block.kind, "name": name, "to_display": block.address });
        if block.kind == CheckableKind::Resource {
            address["mode"] = json!(mode);
            address["type"] = json!(kind);
        }
        if !module.is_root() {
            address["module"] = json!(module);
        }
        let mut json = json!({ "address": address, "status": checked.status() });
        if !checked.instances.is_empty() {
            json["instances"] = sorted(checked.instances.iter().map(judged).collect());
        }
        (block.address.to_string(), json)
    });
    sorted(all.collect())
}

/// What the conditions of one instance came to.
fn judged((at, outcome): (&ResourceAddress, &CheckOutcome)) -> (String, Json) {
    let display = at.to_string();
    let mut address = json!({ "to_display": display });
    if !at.module.is_root() {
        address["module"] = json!(at.module);
    }
    if let Some(key) = &at.key {
        address["instance_key"] = json!(key);
    }
    let mut json = json!({ "address": address, "status": outcome.status });
    if !outcome.problems.is_empty() {
        json["problems"] = outcome.problems.iter().map(|message| json!({ "message": message })).collect();
    }
    (display, json)
}

/// In the order of what stands before them.
fn sorted(mut all: Vec<(String, Json)>) -> Json {
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.into_iter().map(|(_, json)| json).collect()
}

/// One object.
pub(crate) fn resource(record: &ResourceRecord, dependencies: &Dependencies, show_sensitive: bool) -> Json {
    let mut json = Json::Object(identity(&record.key.address));
    json["provider_name"] = json!(record.provider);
    json["schema_version"] = json!(record.schema_version);
    json["values"] = json_value::value(&record.attributes, show_sensitive);
    json["sensitive_values"] = json_value::sensitive(&record.attributes);
    if !record.dependencies.is_empty() {
        json["depends_on"] = dependencies.place(&record.dependencies);
    }
    if record.tainted {
        json["tainted"] = json!(true);
    }
    if let Some(deposed) = &record.key.deposed {
        json["deposed_key"] = json!(deposed);
    }
    json
}

/// What tells which object it is.
pub(crate) fn identity(address: &ResourceAddress) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("address".into(), json!(address));
    json.insert("mode".into(), json!(address.mode));
    json.insert("type".into(), json!(address.kind));
    json.insert("name".into(), json!(address.name));
    if let Some(key) = &address.key {
        json.insert("index".into(), json!(key));
    }
    json
}

/// Resources sorted into their modules, from the root down.
pub(crate) fn module_tree(resources: Vec<(ModulePath, Json)>) -> Json {
    module(0, resources)
}

fn module(depth: usize, resources: Vec<(ModulePath, Json)>) -> Json {
    let mut here = Vec::new();
    let mut children: BTreeMap<String, Vec<(ModulePath, Json)>> = BTreeMap::new();
    for (path, resource) in resources {
        if path.steps().len() == depth {
            here.push(resource);
        } else {
            let child = path.steps()[..=depth]
                .iter()
                .fold(ModulePath::root(), |parent, step| parent.child(step.name.clone(), step.key.clone()));
            children.entry(child.to_string()).or_default().push((path, resource));
        }
    }
    let mut json = json!({});
    if !here.is_empty() {
        json["resources"] = Json::Array(here);
    }
    if !children.is_empty() {
        let children = children.into_iter().map(|(address, inside)| {
            let mut child = module(depth + 1, inside);
            child["address"] = json!(address);
            child
        });
        json["child_modules"] = children.collect();
    }
    json
}

/// Several workspaces in one document.
pub(crate) fn workspaces(all: impl IntoIterator<Item = (String, Json)>) -> Json {
    let all: Map<String, Json> = all.into_iter().collect();
    json!({ "format_version": "1.0", "workspaces": all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_stand_in_their_modules() {
        let at = |address: &str| {
            let address: ResourceAddress = address.parse().expect("address");
            (address.module.clone(), json!(address))
        };
        let all = vec![at("a.b"), at("module.m[0].a.b"), at("module.m[0].module.n.a.b")];
        insta::assert_snapshot!(module_tree(all), @r#"
        {"child_modules":[{"address":"module.m[0]","child_modules":[{"address":"module.m[0].module.n","resources":["module.m[0].module.n.a.b"]}],"resources":["module.m[0].a.b"]}],"resources":["a.b"]}
        "#);
    }
}
