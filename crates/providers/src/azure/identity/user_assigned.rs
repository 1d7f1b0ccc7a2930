//! `azurerm_user_assigned_identity`.

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Value};

use super::super::answer::bad_id;
use super::super::id::{self, Id};
use super::super::kind::{Kind, tags_json};
use super::super::names;
use super::super::resource_group::same_location;
use super::super::schema::{given, name, placed, tags, tags_all};
use super::super::session::Session;
use super::{IDENTITIES, NAMESPACE};
use crate::cloud::json::Fields as _;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type.
pub(in super::super) struct Identity;

impl Kind for Identity {
    const KIND: &'static str = "azurerm_user_assigned_identity";
    const API: &'static str = "2023-01-31";

    fn block(&self) -> Block {
        placed(
            [
                ("name", name("Name of the identity.").force_new()),
                ("resource_group_name", name("The group that it is in.").force_new()),
                ("location", name("Its region.").force_new()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("client_id", given("What a workload names it by.")),
                ("principal_id", given("What role assignments name it by.")),
                ("tenant_id", given("The directory that it is in.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let means = "3 to 128 letters, digits, - and _, with a letter or digit first";
        names::check(problems, "name", &names::IDENTITY, means);
        names::check_group(problems, "resource_group_name");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("resource_group_name")?, part("name")?))
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "location" && same_location(a, b)
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        let kind = format!("{NAMESPACE}/{IDENTITIES}");
        id::object(&at.subscription, object.text("resource_group_name"), &kind, object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("identity {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[IDENTITIES]).ok_or_else(|| {
            bad_id(
                Self::KIND,
                "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME",
            )
        })?;
        Ok(json!({ "name": parsed.name(), "resource_group_name": parsed.group }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        json!({ "location": planned.text("location"), "tags": tags_json(tags) })
    }

    fn shown(&self, _at: &Session, actual: &Json, _reference: &Json) -> Json {
        let properties = &actual["properties"];
        json!({
            "id": actual["id"], "name": actual["name"], "location": actual["location"],
            "client_id": properties["clientId"], "principal_id": properties["principalId"],
            "tenant_id": properties["tenantId"],
        })
    }

    fn listing(&self, at: &Session, _object: &Json) -> Option<String> {
        Some(format!("/subscriptions/{}/providers/{NAMESPACE}/{IDENTITIES}", at.subscription))
    }
}
