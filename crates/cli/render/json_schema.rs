//! What providers take, in the documented JSON of Terraform's
//! `providers schema`, for editors and linters.

use serde_json::{Map, Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, Nesting, ResourceSchema, SharedProvider};

use super::json_value::ty;

/// The schemas of these providers, by the names they are called by.
pub(crate) fn schemas<'p>(providers: impl Iterator<Item = (&'p str, &'p SharedProvider)>) -> Json {
    let one = |(name, provider): (&str, &SharedProvider)| {
        let schema = provider.schema();
        let json = json!({
            "provider": { "version": 0, "block": block(&schema.config) },
            "resource_schemas": of_types(schema.resources.iter()),
            "data_source_schemas": of_types(schema.data_sources.iter()),
            "ephemeral_resource_schemas": of_types(schema.ephemeral.iter()),
        });
        (name.to_owned(), json)
    };
    json!({ "format_version": "1.0", "provider_schemas": providers.map(one).collect::<Map<_, _>>() })
}

fn of_types<'s>(types: impl Iterator<Item = (&'s &'static str, &'s ResourceSchema)>) -> Map<String, Json> {
    let one = |schema: &ResourceSchema| json!({ "version": schema.version, "block": block(&schema.block) });
    types.map(|(name, schema)| ((*name).to_owned(), one(schema))).collect()
}

fn block(block: &Block) -> Json {
    let attributes: Map<String, Json> =
        block.attributes.iter().map(|(name, one)| ((*name).to_owned(), attribute(one))).collect();
    let mut blocks: Map<String, Json> = block
        .blocks
        .iter()
        .map(|(name, nested)| {
            let mut json = json!({ "block": self::block(&nested.block) });
            match nested.nesting {
                Nesting::Single => {
                    json["nesting_mode"] = json!("single");
                    json["max_items"] = json!(1);
                }
                Nesting::List => json["nesting_mode"] = json!("list"),
            }
            if nested.required {
                json["min_items"] = json!(1);
            }
            ((*name).to_owned(), json)
        })
        .collect();
    if !block.timeouts.is_empty() {
        let text = json!({ "type": "string", "description_kind": "plain", "optional": true });
        let limits = block.timeouts.operations().map(|(timed, _)| (timed.name().to_owned(), text.clone()));
        let attributes: Map<String, Json> = limits.collect();
        let inner = json!({ "attributes": attributes, "description_kind": "plain" });
        blocks.insert("timeouts".into(), json!({ "nesting_mode": "single", "block": inner }));
    }
    let mut json = json!({ "attributes": attributes, "description_kind": "plain" });
    if !blocks.is_empty() {
        json["block_types"] = Json::Object(blocks);
    }
    json
}

/// Flags that are not set are left out.
fn attribute(attribute: &Attribute) -> Json {
    let mut json = json!({ "type": ty(&attribute.ty), "description_kind": "plain" });
    if !attribute.description.is_empty() {
        json["description"] = json!(attribute.description);
    }
    let flags = [
        ("required", attribute.required),
        ("optional", attribute.optional),
        ("computed", attribute.computed),
        ("sensitive", attribute.sensitive),
        ("write_only", attribute.write_only),
    ];
    for (name, _) in flags.into_iter().filter(|(_, is_set)| *is_set) {
        json[name] = json!(true);
    }
    json
}
