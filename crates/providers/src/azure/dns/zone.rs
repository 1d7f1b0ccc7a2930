//! `azurerm_dns_zone`.

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, Path, Type, Value};

use super::super::answer::bad_id;
use super::super::id::{self, Id};
use super::super::kind::{Kind, tags_json};
use super::super::names;
use super::super::schema::{name, placed, tags, tags_all};
use super::super::session::Session;
use super::values::is_domain;
use super::{API, NAMESPACE, ZONES};
use crate::cloud::json::Fields as _;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type.
pub(super) struct Zone;

impl Kind for Zone {
    const KIND: &'static str = "azurerm_dns_zone";
    const API: &'static str = API;
    const CONDITIONS: bool = true;

    fn block(&self) -> Block {
        let servers = Attribute::computed(Type::set(Type::String));
        let counted = Attribute::computed(Type::Number);
        placed(
            [
                ("name", name("The domain, without a dot at the end.").force_new()),
                ("resource_group_name", name("The group that it is in.").force_new()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("name_servers", servers.describe("Servers that answer for the zone.")),
                ("max_number_of_record_sets", counted.describe("How many record sets it may hold.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        names::check_group(problems, "resource_group_name");
        let path = Path::root().attribute("name");
        if let Some(name) = problems.text(&path)
            && (!is_domain(&name) || !name.contains('.'))
        {
            problems.push(path, "Invalid name", format!("{name:?} is no domain such as example.com."));
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("resource_group_name")?, part("name")?))
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        let kind = format!("{NAMESPACE}/{ZONES}");
        id::object(&at.subscription, object.text("resource_group_name"), &kind, object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("DNS zone {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[ZONES]).ok_or_else(|| {
            bad_id(
                Self::KIND,
                "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/dnsZones/NAME",
            )
        })?;
        Ok(json!({ "name": parsed.name(), "resource_group_name": parsed.group }))
    }

    fn body(&self, _planned: &Json, tags: &Tags) -> Json {
        json!({ "location": "global", "tags": tags_json(tags) })
    }

    fn shown(&self, _at: &Session, actual: &Json, _reference: &Json) -> Json {
        let properties = &actual["properties"];
        json!({
            "id": actual["id"], "name": actual["name"], "name_servers": properties["nameServers"],
            "max_number_of_record_sets": properties["maxNumberOfRecordSets"],
        })
    }

    fn listing(&self, at: &Session, _object: &Json) -> Option<String> {
        Some(format!("/subscriptions/{}/providers/{NAMESPACE}/{ZONES}", at.subscription))
    }
}
