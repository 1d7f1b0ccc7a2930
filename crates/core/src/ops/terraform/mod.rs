//! State in the format of Terraform's state files, version 4: to take an
//! existing state over, and to give one back.
//!
//! Guarantees: what was given out is taken in again as it was; what Terraform
//! has no place for (how an object is reached, the token of its creation) goes
//! into the field that it keeps for providers and leaves alone.
//! Must not: write a sensitive value unless asked to. It is sealed instead,
//! and opens here again with the same key.

mod checks;
mod listed;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::addr::{InstanceKey, ModulePath, ResourceAddress, ResourceMode, WorkspaceName};
use crate::diag::{Diagnostic, Diagnostics};
use crate::provider::{Registry, ResourceSchema};
use crate::state::{Checks, Dependencies, RecordKey, ResourceRecord, Sealer, WorkspaceState};
use crate::timeouts::Timeouts;
use crate::value::{Type, Value, exact};
use listed::Listed;

/// The version of the format.
const VERSION: u64 = 4;
/// What the file says that it was written by: a version that knows all of it.
const WRITTEN_AS: &str = "1.9.0";

#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct File {
    version: u64,
    #[serde(default)]
    terraform_version: String,
    #[serde(default)]
    serial: u64,
    #[serde(default)]
    lineage: String,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Output>"))]
    outputs: BTreeMap<Arc<str>, Output>,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default, with = "checks")]
    #[cfg_attr(test, schemars(with = "Option<Vec<checks::Block>>"))]
    check_results: Checks,
}

#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Output {
    value: Json,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Resource {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    module: String,
    #[cfg_attr(test, schemars(with = "String"))]
    mode: ResourceMode,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(with = "String"))]
    kind: Arc<str>,
    #[cfg_attr(test, schemars(with = "String"))]
    name: Arc<str>,
    provider: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Instance {
    #[serde(skip_serializing_if = "Json::is_null")]
    index_key: Json,
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    deposed: String,
    schema_version: u32,
    attributes: Json,
    sensitive_attributes: Vec<Vec<Json>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    private: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    create_before_destroy: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skip_destroy: bool,
}

/// What only tenantctl knows of an object.
#[derive(Debug, Deserialize, Serialize)]
struct Private {
    tenantctl: Own,
}

#[derive(Debug, Deserialize, Serialize)]
struct Own {
    connection: Json,
    token: String,
    schema_version: u32,
    #[serde(default, skip_serializing_if = "Timeouts::is_empty")]
    timeouts: Timeouts,
    /// What it directly depends on, where that is not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<ResourceAddress>,
}

/// Types whose schema has another version there.
const SCHEMA_VERSIONS: [(&str, u32); 1] = [("kubernetes_manifest", 1)];

/// Attributes that Terraform's types do not have. It refuses a state with an
/// attribute that it does not know, so they are left out while they are null.
const OWN_ATTRIBUTES: [(&str, &str); 1] = [("kubernetes_manifest", "cluster")];

/// A workspace as a Terraform state file, and what it has places for. Sensitive
/// values are sealed, or in the open when that was asked for.
///
/// # Errors
/// What cannot be sealed, or has no schema in this build.
pub fn write(
    state: &WorkspaceState,
    registry: &Registry,
    sealer: &Sealer,
    show_sensitive: bool,
) -> Result<(Json, Dependencies), Diagnostics> {
    let refused = |why: String| Diagnostics::from(Diagnostic::error("State not written", why));
    let close = |json: Json| -> Result<Json, Diagnostics> {
        let sealed = if show_sensitive { Ok(values::opened(json)) } else { sealer.seal_json(json) };
        sealed.map_err(|e| refused(format!("{e}.")))
    };
    let mut resources: Vec<Resource> = Vec::new();
    let mut places = Vec::with_capacity(state.resources.len());
    let dependencies = Dependencies::of(state);
    for record in state.resources.values() {
        let address = &record.key.address;
        let schema = schema(registry, &record.provider, address).ok_or_else(|| {
            refused(format!("There is no provider {:?} for {} in this build.", record.provider, record.key))
        })?;
        let mut record = record.clone();
        record.complete(schema.block.unset());
        let all = dependencies.through_all(&record.dependencies);
        places.push((!all.is_empty()).then(|| dependencies.place(&record.dependencies)));
        let instance =
            instance(&record, &all, schema, sealer, &close).map_err(|e| refused(format!("{e}.")))?;
        let module = address.module.to_string();
        let provider = provider_address(&record.provider);
        match resources.last_mut() {
            Some(last)
                if (&last.module, last.mode, &last.kind, &last.name, &last.provider)
                    == (&module, address.mode, &address.kind, &address.name, &provider) =>
            {
                last.instances.push(instance?);
            }
            _ => resources.push(Resource {
                module,
                mode: address.mode,
                kind: address.kind.clone(),
                name: address.name.clone(),
                provider,
                instances: vec![instance?],
            }),
        }
    }
    let mut outputs = BTreeMap::new();
    for (name, value) in &state.outputs {
        let sensitive = value.is_marked();
        let plain = value.clone().unmark_deep();
        let ty = plain.ty();
        let plain = values::to_json(&plain, &ty);
        let value = close(if sensitive { json!({ values::SENSITIVE: plain }) } else { plain })?;
        outputs.insert(name.clone(), Output { value, ty: values::type_to_json(&ty), sensitive });
    }
    let file = File {
        version: VERSION,
        terraform_version: WRITTEN_AS.into(),
        serial: state.serial,
        lineage: state.lineage.clone(),
        outputs,
        resources,
        check_results: state.checks.clone(),
    };
    let mut json = serde_json::to_value(file).map_err(|e| refused(format!("{e}.")))?;
    let resources = json["resources"].as_array_mut().into_iter().flatten();
    let instances = resources.flat_map(|one| one["instances"].as_array_mut().into_iter().flatten());
    for (instance, place) in instances.zip(places) {
        place.into_iter().for_each(|place| instance["dependencies"] = place);
    }
    Ok((json, dependencies))
}

fn schema<'r>(
    registry: &'r Registry,
    provider: &str,
    address: &ResourceAddress,
) -> Option<&'r ResourceSchema> {
    let schema = registry.get(provider)?.schema();
    match address.mode {
        ResourceMode::Managed => schema.resources.get(&*address.kind),
        ResourceMode::Data | ResourceMode::Ephemeral => schema.data_sources.get(&*address.kind),
    }
}

type Closed = Result<Instance, Diagnostics>;

fn instance(
    record: &ResourceRecord,
    all: &[&str],
    schema: &ResourceSchema,
    sealer: &Sealer,
    close: &dyn Fn(Json) -> Result<Json, Diagnostics>,
) -> Result<Closed, String> {
    let mut paths = Vec::new();
    values::sensitive_paths(&record.attributes, &[], &mut paths);
    let mut attributes = values::to_json(&record.attributes, &schema.block.ty());
    if let Some(all) = attributes.as_object_mut() {
        let is_own = |name: &str| OWN_ATTRIBUTES.contains(&(&*record.key.address.kind, name));
        all.retain(|name, value| !(value.is_null() && is_own(name)));
    }
    let attributes = match close(values::with_block_lists(attributes, &schema.block)) {
        Ok(attributes) => attributes,
        Err(problems) => return Ok(Err(problems)),
    };
    let direct: Vec<String> = record.dependencies.iter().map(ToString::to_string).collect();
    // Sealed in any case: nobody but tenantctl has a use for it.
    let connection = serde_json::to_value(&record.connection).map_err(|e| e.to_string())?;
    let connection = sealer.seal_json(connection).map_err(|e| e.to_string())?;
    let own = Private {
        tenantctl: Own {
            connection,
            token: record.token.clone(),
            schema_version: record.schema_version,
            timeouts: record.timeouts.clone(),
            dependencies: if direct == all { Vec::new() } else { record.dependencies.clone() },
        },
    };
    let own = serde_json::to_vec(&own).map_err(|e| e.to_string())?;
    Ok(Ok(Instance {
        index_key: json!(record.key.address.key),
        status: if record.tainted { "tainted".into() } else { String::new() },
        deposed: record.key.deposed.as_deref().unwrap_or_default().to_owned(),
        schema_version: SCHEMA_VERSIONS
            .iter()
            .find(|(kind, _)| **kind == *record.key.address.kind)
            .map_or(record.schema_version, |(_, version)| *version),
        attributes,
        sensitive_attributes: paths.into_iter().filter_map(|path| path.as_array().cloned()).collect(),
        private: BASE64.encode(own),
        dependencies: Vec::new(),
        create_before_destroy: record.create_before_destroy,
        skip_destroy: record.keep,
    }))
}

/// Where Terraform's own providers are from.
const TERRAFORM: &str = "terraform.io";

/// `provider["…/kubernetes"]`, as Terraform names where a provider is from.
fn provider_address(name: &str) -> String {
    match name {
        "terraform" => format!(r#"provider["{TERRAFORM}/builtin/terraform"]"#),
        other => format!(r#"provider["registry.{TERRAFORM}/hashicorp/{other}"]"#),
    }
}

/// The local name of a provider: the last part of its address, whatever its
/// source and alias.
fn provider_name(address: &str) -> Option<&str> {
    let (_, quoted) = address.split_once("provider[\"")?;
    let (path, _) = quoted.split_once('"')?;
    path.rsplit('/').next()
}

/// A workspace from a Terraform state file, with what could not be taken over
/// in warnings.
///
/// # Errors
/// What is no such file, or has objects that this build cannot keep.
pub fn read(
    text: &[u8],
    workspace: &WorkspaceName,
    registry: &Registry,
    sealer: &Sealer,
) -> Result<(WorkspaceState, Diagnostics), Diagnostics> {
    let refused = |why: String| {
        Diagnostic::error("State not readable", why).hint(
            "Give a state file of version 4, as `terraform state pull` or `tenantctl state pull` print it.",
        )
    };
    let json = std::str::from_utf8(text).map_err(|e| e.to_string());
    let json = json.and_then(|text| exact::parse(text).map_err(|e| e.to_string()));
    let json = json.map_err(|why| refused(format!("It is no JSON: {why}.")))?;
    let version = json.get("version").and_then(Json::as_u64).unwrap_or_default();
    if version != VERSION {
        let why = format!("It has version {version}, and only version {VERSION} is understood.");
        return Err(refused(why).into());
    }
    let json = sealer.unseal_json(json).map_err(|e| Diagnostics::from(refused(format!("{e}."))))?;
    let file: File = serde_json::from_value(json).map_err(|e| refused(format!("{e}.")))?;
    let mut problems = Diagnostics::new();
    let mut state = WorkspaceState::empty(workspace.clone());
    (state.lineage, state.serial, state.checks) = (file.lineage, file.serial, file.check_results);
    for (name, output) in file.outputs {
        match output_value(&output) {
            Ok(value) => drop(state.outputs.insert(name, value)),
            Err(why) => problems.push(refused(format!("The output {name:?}: {why}."))),
        }
    }
    let mut listed = Listed::default();
    for resource in file.resources {
        let reader = Reader { resource: &resource, registry, sealer };
        for instance in &resource.instances {
            match reader.record(instance, &mut problems) {
                Ok((record, all)) => {
                    listed.all.insert(record.key.clone(), all);
                    state.resources.insert(record.key.clone(), record);
                }
                Err(why) => {
                    let which = format!("{}{}.{}", dotted(&resource.module), resource.kind, resource.name);
                    problems.push(refused(format!("{which}: {why}.")));
                }
            }
        }
    }
    listed.settle(&mut state);
    if problems.has_errors() { Err(problems) } else { Ok((state, problems)) }
}

fn dotted(module: &str) -> String {
    if module.is_empty() { String::new() } else { format!("{module}.") }
}

fn output_value(output: &Output) -> Result<Value, String> {
    let value = values::from_json(&output.value, &values::type_from_json(&output.ty)?)?;
    Ok(if output.sensitive { value.sensitive() } else { value })
}

struct Reader<'a> {
    resource: &'a Resource,
    registry: &'a Registry,
    sealer: &'a Sealer,
}

impl Reader<'_> {
    /// The record, with what it directly depends on where the state says so,
    /// and all that it depends on.
    fn record(
        &self,
        instance: &Instance,
        problems: &mut Diagnostics,
    ) -> Result<(ResourceRecord, Vec<ResourceAddress>), String> {
        let resource = self.resource;
        let module: ModulePath = serde_json::from_value(json!(resource.module)).map_err(|e| e.to_string())?;
        let address = ResourceAddress {
            module,
            mode: resource.mode,
            kind: resource.kind.clone(),
            name: resource.name.clone(),
            key: match &instance.index_key {
                Json::Null => None,
                Json::String(key) => Some(InstanceKey::Key(key.as_str().into())),
                index => {
                    let index = index.as_u64().and_then(|i| usize::try_from(i).ok());
                    Some(InstanceKey::Index(index.ok_or("its index is no number of an instance")?))
                }
            },
        };
        let provider = provider_name(&resource.provider)
            .ok_or_else(|| format!("{:?} names no provider", resource.provider))?;
        let schema = schema(self.registry, provider, &address)
            .ok_or_else(|| format!("this build has no type {} of a provider {provider:?}", resource.kind))?;
        let own = self.own(instance);
        if let Some(found) = own.as_ref().map(|own| own.schema_version).filter(|v| *v > schema.version) {
            let known = schema.version;
            return Err(format!("its schema has version {found}, and this build knows up to {known}"));
        }
        let attributes = self.attributes(instance, schema, &address, problems)?;
        let connection = own.as_ref().and_then(|own| {
            let json = self.sealer.unseal_json(own.connection.clone()).ok()?;
            serde_json::from_value(json).ok()
        });
        let connection = connection.unwrap_or_else(|| self.connection(provider, &attributes));
        let listed = instance.dependencies.iter().map(|text| text.parse::<ResourceAddress>());
        let listed = listed.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let direct = own.as_ref().map(|own| own.dependencies.clone()).filter(|direct| !direct.is_empty());
        let record = ResourceRecord {
            key: RecordKey {
                address,
                deposed: Some(instance.deposed.as_str()).filter(|d| !d.is_empty()).map(Arc::from),
            },
            provider: provider.into(),
            schema_version: schema.version,
            attributes,
            connection,
            keep: instance.skip_destroy,
            timeouts: own.as_ref().map(|own| own.timeouts.clone()).unwrap_or_default(),
            token: own.map(|own| own.token).unwrap_or_default(),
            dependencies: direct.unwrap_or_else(|| listed.clone()),
            create_before_destroy: instance.create_before_destroy,
            tainted: instance.status == "tainted",
        };
        Ok((record, listed))
    }

    fn attributes(
        &self,
        instance: &Instance,
        schema: &ResourceSchema,
        address: &ResourceAddress,
        problems: &mut Diagnostics,
    ) -> Result<Value, String> {
        let ty = schema.block.ty();
        let given = instance.attributes.as_object().ok_or("it has no attributes")?;
        let Type::Object(known) = &ty else { return Err("its type has no attributes".into()) };
        let is_left = |(name, value): &(&String, &Json)| {
            !known.attributes.contains_key(name.as_str()) && !is_unset(value)
        };
        let left: Vec<&str> = given.iter().filter(is_left).map(|(name, _)| name.as_str()).collect();
        if !left.is_empty() {
            let words = format!("{} is not known here and was left out.", left.join(", "));
            problems.push(Diagnostic::warning("Attributes left out", words).address(address));
        }
        let mut given: Map<String, Json> = given.clone();
        // A nested block that is not set may be missing.
        for (name, value) in schema.block.unset() {
            if given.get(&**name).is_none_or(Json::is_null) && value.as_items().is_some() {
                given.insert(name.to_string(), Json::Array(Vec::new()));
            }
        }
        let given = values::without_block_lists(Json::Object(given), &schema.block);
        let mut attributes = values::from_json(&given, &ty)?;
        for path in &instance.sensitive_attributes {
            if !path.is_empty() {
                attributes = values::marked(&attributes, path);
            }
        }
        Ok(crate::plan::mark_sensitive(attributes, &schema.block))
    }

    /// How an object is reached that only its attributes tell of.
    fn connection(&self, provider: &str, attributes: &Value) -> Value {
        let connection = self.registry.get(provider).map(|p| p.connection(&Value::NULL, attributes));
        connection.and_then(Result::ok).filter(Value::is_wholly_known).unwrap_or(Value::NULL)
    }

    fn own(&self, instance: &Instance) -> Option<Own> {
        let bytes = BASE64.decode(&instance.private).ok()?;
        serde_json::from_slice::<Private>(&bytes).ok().map(|private| private.tenantctl)
    }
}

fn is_unset(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_schema_is_that_of_the_types() {
        let title = "What `state pull` prints and `state push` reads: Terraform's state, version 4";
        let renewed =
            crate::state::schema::renewed("terraform-state-v4", title, &schemars::schema_for!(File));
        assert_eq!(renewed, None, "written anew, look at the difference");
    }
}
