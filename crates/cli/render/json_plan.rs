//! A plan in the JSON that Terraform documents for `show -json PLAN`, so that
//! policy and cost tools read it.
//!
//! Guarantees: unlike Terraform's, it holds no sensitive value unless the user
//! asked for that.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tenantctl_core::addr::{ResourceAddress, ResourceMode};
use tenantctl_core::plan::{
    Action, Change, Deferred, Drift, OutputChange, PendingPolicy, Plan, PlanMode, Reason,
};
use tenantctl_core::provider::Registry;
use tenantctl_core::state::{Dependencies, RecordKey};
use tenantctl_core::value::{Path, Value};

use super::json_state::{identity, module_tree};
use super::{VERSION, json_state, json_value};

/// The version of the format: Terraform's.
const FORMAT: &str = "1.2";

/// Plans of one run, each with the configuration that it was made from, where
/// that is known: one as it is, several by workspace. `lists` has what their
/// objects depend on.
pub(crate) fn plans(
    plans: &[(&Plan, Option<&Value>)],
    registry: &Registry,
    lists: &mut Dependencies,
    show_sensitive: bool,
) -> Json {
    let mut whole = |(one, configuration): &(&Plan, Option<&Value>)| {
        let mut json = plan(one, registry, lists, show_sensitive);
        if let Some(configuration) = configuration {
            json["configuration"] = json_value::value(configuration, show_sensitive);
        }
        json
    };
    match plans {
        [single] => whole(single),
        several => {
            json_state::workspaces(several.iter().map(|one| (one.0.workspace.to_string(), whole(one))))
        }
    }
}

/// One plan.
pub(crate) fn plan(plan: &Plan, registry: &Registry, lists: &mut Dependencies, show_sensitive: bool) -> Json {
    let generated = plan.generated.iter().map(|made| (&made.address, made.text.trim_end())).collect();
    let document = Document { registry, show_sensitive, generated };
    let objects = kept(plan).map(|change| (&change.key.address, change.dependencies.as_slice()));
    lists.take(objects);
    let mut json = json!({
        "format_version": FORMAT,
        "tenantctl_version": VERSION,
        "workspace": plan.workspace,
        "tenant": plan.tenant,
        "environment": plan.environment,
        "tier": plan.tier,
        "variables": document.variables(plan),
        "planned_values": {
            "outputs": document.outputs(plan.shown_outputs(), |output| (!output.gone).then(|| output.after.clone())),
            "root_module": document.values(plan, planned, None),
        },
        "resource_drift": plan.drift.iter().map(|drift| document.drift(drift)).collect::<Vec<_>>(),
        "resource_changes": told(plan).map(|change| document.change(change)).collect::<Vec<_>>(),
        "output_changes": document.output_changes(plan),
        "prior_state": {
            "format_version": "1.0",
            "values": {
                "outputs": document.outputs(plan.user_outputs(), |output| prior(plan, output)),
                "root_module": document.values(plan, |change| change.before.clone(), Some(&*lists)),
            },
        },
        "timestamp": plan.timestamp,
        "applyable": !super::plan::is_empty(plan),
        "complete": !plan.partial && plan.deferred.is_empty(),
        "errored": false,
    });
    if plan.mode == PlanMode::RefreshOnly
        && let Some(json) = json.as_object_mut()
    {
        json.remove("resource_changes");
    }
    if !plan.deferred.is_empty() {
        json["deferred_changes"] = plan.deferred.iter().map(deferred).collect();
    }
    if !plan.relevant.is_empty() {
        let one =
            |(address, path): &(ResourceAddress, Path)| json!({ "resource": address, "attribute": path });
        json["relevant_attributes"] = plan.relevant.iter().map(one).collect();
    }
    let pending = pending_policies(plan);
    if !pending.is_empty() {
        json["pending_policies"] = pending.into();
    }
    if !plan.checks.is_empty() {
        json["checks"] = json_state::checks(&plan.checks);
    }
    json
}

/// Policies that only the apply can judge: those about the plan as a whole, then
/// those about one of its resources.
fn pending_policies(plan: &Plan) -> Vec<Json> {
    let of_objects = plan.changes.iter().flat_map(|change| &change.policies);
    let one = |policy: &PendingPolicy| json!({ "address": policy.pending.address, "severity": policy.severity, "hint": policy.hint });
    plan.policies.iter().chain(of_objects).map(one).collect()
}

/// A resource that waits, as Terraform shows it.
fn deferred(deferred: &Deferred) -> Json {
    let mut change = json!({
        "address": deferred.address,
        "mode": deferred.mode,
        "type": deferred.kind,
        "name": deferred.name,
        "provider_name": deferred.provider,
        "change": { "actions": ["create"], "before": null, "after": {}, "after_unknown": true },
    });
    if !deferred.module.is_empty() {
        change["module_address"] = json!(deferred.module);
    }
    if deferred.address.ends_with("[*]") {
        change["index_unknown"] = json!(true);
    }
    json!({ "reason": deferred.reason, "waits_for": deferred.waits_for, "resource_change": change })
}

/// Changes of what is kept: of ephemeral objects nothing is said.
fn kept(plan: &Plan) -> impl Iterator<Item = &Change> + Clone {
    plan.changes.iter().filter(|change| change.action != Action::Open)
}

/// Those of them that are told: what was read already is in the prior state.
fn told(plan: &Plan) -> impl Iterator<Item = &Change> {
    let is_read =
        |change: &Change| change.key.address.mode == ResourceMode::Data && change.action == Action::NoOp;
    kept(plan).filter(move |change| !is_read(change))
}

/// The object as it will be.
fn planned(change: &Change) -> Value {
    match change.action {
        Action::Delete | Action::Forget => Value::NULL,
        _ => change.after.clone(),
    }
}

/// The actions, as Terraform lists them.
fn actions(action: Action) -> &'static [&'static str] {
    match action {
        Action::NoOp => &["no-op"],
        Action::Open => &["open"],
        Action::Create => &["create"],
        Action::Read => &["read"],
        Action::Update => &["update"],
        Action::DeleteThenCreate => &["delete", "create"],
        Action::CreateThenDelete => &["create", "delete"],
        Action::ForgetThenCreate => &["forget", "create"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
    }
}

/// Terraform's word for a reason; `None` where it has none.
fn reason(change: &Change) -> Option<&'static str> {
    Some(match change.reason.as_ref()? {
        Reason::NotInConfig | Reason::Removed if change.previous.is_some() => "delete_because_no_move_target",
        Reason::Tainted => "replace_because_tainted",
        Reason::ReplaceByRequest => "replace_by_request",
        Reason::ReplaceByTriggers => "replace_by_triggers",
        Reason::CannotUpdate(_) => "replace_because_cannot_update",
        Reason::NotInConfig | Reason::Removed => "delete_because_no_resource_config",
        Reason::CountIndex => "delete_because_count_index",
        Reason::WrongRepetition => "delete_because_wrong_repetition",
        Reason::NotEnabled => "delete_because_enabled_false",
        Reason::EachKey(_) => "delete_because_each_key",
        Reason::NoModule => "delete_because_no_module",
        Reason::ConfigUnknown => "read_because_config_unknown",
        Reason::DependencyPending => "read_because_dependency_pending",
        Reason::CheckNested => "read_because_check_nested",
        Reason::Kept => "forgot_because_lifecycle_destroy_in_config",
        Reason::KeptBefore => "forgot_because_lifecycle_destroy_in_state",
        Reason::Destroying | Reason::Deposed | Reason::Missing => return None,
    })
}

struct Document<'d> {
    registry: &'d Registry,
    show_sensitive: bool,
    /// Blocks made for imported objects.
    generated: BTreeMap<&'d ResourceAddress, &'d str>,
}

impl Document<'_> {
    fn variables(&self, plan: &Plan) -> Map<String, Json> {
        let value = |value: &Value| json!({ "value": json_value::value(value, self.show_sensitive) });
        plan.variables.iter().map(|(name, given)| (name.to_string(), value(given))).collect()
    }

    fn change(&self, change: &Change) -> Json {
        let mut json = self.object(&change.key, &change.provider);
        let mut difference = self.difference(actions(change.action), &change.before, &planned(change));
        if let Some(Reason::CannotUpdate(paths)) = &change.reason {
            difference["replace_paths"] = paths.iter().map(path).collect();
        }
        if let Some(id) = &change.importing {
            difference["importing"] = json!({ "id": id });
            if let Some(text) = self.generated.get(&change.key.address) {
                difference["generated_config"] = json!(text);
            }
        }
        json["change"] = difference;
        if let Some(previous) = &change.previous {
            json["previous_address"] = json!(previous);
        }
        if let Some(word) = reason(change) {
            json["action_reason"] = json!(word);
        }
        json
    }

    fn drift(&self, drift: &Drift) -> Json {
        let actions: &[&str] = if drift.after.is_null() { &["delete"] } else { &["update"] };
        let kind = &drift.key.address.kind;
        let provider = self.registry.of_type(kind).map(|p| p.name().to_owned()).unwrap_or_default();
        let mut json = self.object(&drift.key, &provider);
        json["change"] = self.difference(actions, &drift.before, &drift.after);
        if !drift.by.is_empty() {
            json["changed_by"] = json!(drift.by);
        }
        json
    }

    fn object(&self, key: &RecordKey, provider: &str) -> Json {
        let mut json = identity(&key.address);
        if !key.address.module.is_root() {
            json.insert("module_address".into(), json!(key.address.module));
        }
        if let Some(deposed) = &key.deposed {
            json.insert("deposed".into(), json!(deposed));
        }
        json.insert("provider_name".into(), json!(provider));
        Json::Object(json)
    }

    fn difference(&self, actions: &[&str], before: &Value, after: &Value) -> Json {
        let after_unknown = match json_value::unknown(after) {
            Json::Bool(false) => json!({}),
            other => other,
        };
        json!({
            "actions": actions,
            "before": json_value::value(before, self.show_sensitive),
            "after": json_value::value(after, self.show_sensitive),
            "after_unknown": after_unknown,
            "before_sensitive": json_value::sensitive(before),
            "after_sensitive": json_value::sensitive(after),
        })
    }

    fn values(
        &self,
        plan: &Plan,
        side: impl Fn(&Change) -> Value,
        dependencies: Option<&Dependencies>,
    ) -> Json {
        let resources = kept(plan).filter_map(|change| {
            let value = side(change);
            if value.is_null() || change.key.deposed.is_some() {
                return None;
            }
            let address = &change.key.address;
            let mut json = Json::Object(identity(address));
            json["provider_name"] = json!(change.provider);
            json["schema_version"] = json!(self.schema_version(&address.kind));
            json["values"] = json_value::value(&value, self.show_sensitive);
            json["sensitive_values"] = json_value::sensitive(&value);
            let depends = address.mode == ResourceMode::Managed && !change.dependencies.is_empty();
            if let Some(all) = dependencies.filter(|_| depends) {
                json["depends_on"] = all.place(&change.dependencies);
            }
            Some((address.module.clone(), json))
        });
        module_tree(resources.collect())
    }

    fn schema_version(&self, kind: &str) -> u32 {
        let provider = self.registry.of_type(kind);
        provider.and_then(|p| Some(p.schema().resources.get(kind)?.version)).unwrap_or_default()
    }

    fn outputs<'p>(
        &self,
        outputs: impl Iterator<Item = (&'p Arc<str>, &'p OutputChange)>,
        side: impl Fn(&OutputChange) -> Option<Value>,
    ) -> Map<String, Json> {
        let shown = |value: &Value, sensitive| json_value::output(value, sensitive, self.show_sensitive);
        outputs
            .filter_map(|(name, output)| Some((name.to_string(), shown(&side(output)?, output.sensitive))))
            .collect()
    }

    fn output_changes(&self, plan: &Plan) -> Map<String, Json> {
        let hide = |value: &Value, sensitive: bool| {
            if sensitive { value.clone().sensitive() } else { value.clone() }
        };
        plan.shown_outputs()
            .map(|(name, output)| {
                let before = hide(&output.before, output.sensitive && !output.before.is_null());
                let after = hide(&output.after, output.sensitive);
                let mut json = self.difference(&[output_action(output)], &before, &after);
                json["after_unknown"] = json_value::unknown(&output.after);
                if output.sensitive {
                    json["before_sensitive"] = json!(true);
                }
                // Of what is not known at all, nothing is said.
                if !output.after.is_known()
                    && let Some(json) = json.as_object_mut()
                {
                    json.remove("after");
                }
                (name.to_string(), json)
            })
            .collect()
    }
}

/// An output as Terraform has it in the prior state: what a plan finds out about
/// outputs goes there at once.
fn prior(plan: &Plan, output: &OutputChange) -> Option<Value> {
    let stays = plan.mode == PlanMode::Destroy || output.gone || !output.after.is_wholly_known();
    let value = if stays { &output.before } else { &output.after };
    (!value.is_null()).then(|| value.clone())
}

/// What happens to an output.
pub(super) fn output_action(output: &OutputChange) -> &'static str {
    match (output.before.is_null(), output.after.is_null()) {
        _ if output.gone => "delete",
        (true, false) => "create",
        _ if output.residual.is_none() && output.before == output.after => "no-op",
        _ => "update",
    }
}

fn path(path: &Path) -> Json {
    json!(path)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{change, object, plan as plan_of, unknown};
    use super::*;

    #[test]
    fn a_replacement_in_terraforms_format() {
        let before = object([("id", "v-1".into()), ("size", Value::from(10i64))]);
        let after = object([
            ("id", unknown()),
            ("size", Value::from(5i64)),
            ("key", Value::from("hunter2").sensitive()),
        ]);
        let mut change = change("module.m[0].a_disk.main[\"x\"]", Action::DeleteThenCreate, before, after);
        change.reason = Some(Reason::CannotUpdate(vec![Path::root().attribute("size")]));
        let json =
            plan(&plan_of("acme", vec![change]), &Registry::default(), &mut Dependencies::default(), false);
        assert!(!json.to_string().contains("hunter2"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&json["resource_changes"][0]).expect("JSON"), @r#"
        {
          "action_reason": "replace_because_cannot_update",
          "address": "module.m[0].a_disk.main[\"x\"]",
          "change": {
            "actions": [
              "delete",
              "create"
            ],
            "after": {
              "key": null,
              "size": 5
            },
            "after_sensitive": {
              "key": true
            },
            "after_unknown": {
              "id": true
            },
            "before": {
              "id": "v-1",
              "size": 10
            },
            "before_sensitive": {},
            "replace_paths": [
              [
                "size"
              ]
            ]
          },
          "index": "x",
          "mode": "managed",
          "module_address": "module.m[0]",
          "name": "main",
          "provider_name": "test",
          "type": "a_disk"
        }
        "#);
        assert_eq!(json["format_version"], "1.2");
        let child = &json["planned_values"]["root_module"]["child_modules"][0];
        assert_eq!(child["address"], "module.m[0]");
        assert_eq!(child["resources"][0]["values"], json!({ "key": null, "size": 5 }));
    }

    #[test]
    fn sensitive_outputs_are_null() {
        let mut plan_of = plan_of("acme", vec![]);
        let output = OutputChange::known(Value::NULL, "hunter2".into(), true);
        plan_of.outputs.insert("password".into(), output);
        let json = plan(&plan_of, &Registry::default(), &mut Dependencies::default(), false);
        assert!(!json.to_string().contains("hunter2"));
        assert_eq!(json["output_changes"]["password"]["after_sensitive"], true);
        assert!(
            plan(&plan_of, &Registry::default(), &mut Dependencies::default(), true)
                .to_string()
                .contains("hunter2")
        );
    }
}
