//! State in the JSON that Terraform documents for `show -json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use tenantctl_core::addr::{InstanceKey, ModulePath, ResourceAddress};
use tenantctl_core::state::{ResourceRecord, WorkspaceState};

use super::{VERSION, json_value};

/// The version of the format: Terraform's.
const FORMAT: &str = "1.0";

/// A whole workspace.
pub(crate) fn state(state: &WorkspaceState, show_sensitive: bool) -> Json {
    let resources = state
        .resources
        .values()
        .map(|record| (record.key.address.module.clone(), resource(record, show_sensitive)));
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
    }
    json
}

/// One object.
pub(crate) fn resource(record: &ResourceRecord, show_sensitive: bool) -> Json {
    let mut json = Json::Object(identity(&record.key.address));
    json["provider_name"] = json!(record.provider);
    json["schema_version"] = json!(record.schema_version);
    json["values"] = json_value::value(&record.attributes, show_sensitive);
    json["sensitive_values"] = json_value::sensitive(&record.attributes);
    if !record.dependencies.is_empty() {
        let blocks: BTreeSet<String> = record.dependencies.iter().map(block).collect();
        json["depends_on"] = json!(blocks);
    }
    if record.tainted {
        json["tainted"] = json!(true);
    }
    if let Some(deposed) = &record.key.deposed {
        json["deposed_key"] = json!(deposed);
    }
    json
}

/// The address of the block that an object is of.
fn block(address: &ResourceAddress) -> String {
    let steps = address.module.steps().iter();
    let module = steps.fold(ModulePath::root(), |path, step| path.child(step.name.clone(), None));
    ResourceAddress { module, key: None, ..address.clone() }.to_string()
}

/// What tells which object it is.
pub(crate) fn identity(address: &ResourceAddress) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("address".into(), json!(address));
    json.insert("mode".into(), json!(address.mode));
    json.insert("type".into(), json!(address.kind));
    json.insert("name".into(), json!(address.name));
    if let Some(key) = &address.key {
        json.insert("index".into(), index(key));
    }
    json
}

/// The key of an instance.
pub(crate) fn index(key: &InstanceKey) -> Json {
    match key {
        InstanceKey::Index(i) => json!(i),
        InstanceKey::Key(k) => json!(k),
    }
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
