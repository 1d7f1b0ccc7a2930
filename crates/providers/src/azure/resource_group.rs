//! `azurerm_resource_group`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Value};

use super::answer::bad_id;
use super::id::{self, Id};
use super::kind::{Kind, tags_json};
use super::names;
use super::schema::{name, placed, tags, tags_all, text};
use super::session::Session;
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type.
pub(super) struct ResourceGroup;

/// Names in an error; a group can hold thousands.
const NAMED: usize = 5;

#[async_trait]
impl Kind for ResourceGroup {
    const KIND: &'static str = "azurerm_resource_group";
    const API: &'static str = "2021-04-01";
    const MINUTES: u64 = 90;

    fn block(&self) -> Block {
        placed(
            [
                ("name", name("Name of the group.").force_new()),
                ("location", name("Region of the group's own data, such as westeurope.").force_new()),
                ("managed_by", text("Id of what manages the group.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        names::check_group(problems, "name");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("name")?.as_str().map(str::to_lowercase)
    }

    fn plan(&self, _draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        Ok(())
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "location" && same_location(a, b)
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        id::group(&at.subscription, object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("resource group {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, "", &[])
            .ok_or_else(|| bad_id(Self::KIND, "/subscriptions/ID/resourceGroups/NAME"))?;
        Ok(json!({ "name": parsed.name() }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        let mut body = json!({ "location": planned.text("location"), "tags": tags_json(tags) });
        if let Some(manager) = planned.given("managed_by") {
            body["managedBy"] = manager.into();
        }
        body
    }

    fn shown(&self, _at: &Session, actual: &Json, _reference: &Json) -> Json {
        json!({
            "id": actual["id"], "name": actual["name"], "location": actual["location"],
            "managed_by": actual["managedBy"],
        })
    }

    fn listing(&self, at: &Session, _object: &Json) -> Option<String> {
        Some(format!("/subscriptions/{}/resourcegroups", at.subscription))
    }

    async fn holders(&self, at: &Session, object: &Json) -> Called<Vec<String>> {
        if !at.features.keep_full_groups {
            return Ok(Vec::new());
        }
        let doing = format!("Looking into the {}", self.what(object));
        let path = format!("{}/resources", self.id(at, object));
        let found = at.arm.list(&doing, &path, Self::API).await?.unwrap_or_default();
        let named = found.iter().map(|one| {
            let kind = one.text("type").rsplit('/').next().unwrap_or_default();
            format!("the {kind} {:?}", one.text("name"))
        });
        let mut named: Vec<String> = named.collect();
        if named.len() > NAMED {
            let more = named.len() - NAMED;
            named.truncate(NAMED);
            named.push(format!("and {more} more"));
        }
        Ok(named)
    }
}

/// `West Europe` is `westeurope`.
pub(super) fn same_location(a: &Value, b: &Value) -> bool {
    let plain = |value: &Value| value.as_str().map(|text| text.replace(' ', "").to_lowercase());
    plain(a).is_some() && plain(a) == plain(b)
}
