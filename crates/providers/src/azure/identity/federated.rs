//! `azurerm_federated_identity_credential`: whose tokens an identity accepts.
//!
//! One has no tags, so it is known for ours by what it says. An identity takes
//! one change of them at a time.

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, Path, Type, Value};

use super::super::answer::bad_id;
use super::super::id::Id;
use super::super::kind::Kind;
use super::super::names;
use super::super::schema::{name, placed};
use super::super::session::Session;
use super::{IDENTITIES, NAMESPACE};
use crate::cloud::json::Fields as _;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

const CREDENTIALS: &str = "federatedIdentityCredentials";

/// The type.
pub(in super::super) struct FederatedCredential;

impl Kind for FederatedCredential {
    const KIND: &'static str = "azurerm_federated_identity_credential";
    const API: &'static str = "2023-01-31";
    const TAGGED: bool = false;

    fn block(&self) -> Block {
        let audience = Attribute::required(Type::list(Type::String));
        placed(
            [
                ("name", name("Name of the credential.").force_new()),
                ("resource_group_name", name("The group of the identity.").force_new()),
                ("parent_id", name("Id of the identity.").force_new()),
                ("audience", audience.describe("For whom the tokens are: api://AzureADTokenExchange.")),
                ("issuer", name("Who issues the tokens: the cluster's oidc_issuer_url.")),
                ("subject", name("Whose they are: system:serviceaccount:NAMESPACE:NAME.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let means = "3 to 120 letters, digits, - and _, with a letter or digit first";
        names::check(problems, "name", &names::Rule { length: 3..=120, ..names::IDENTITY }, means);
        names::check_group(problems, "resource_group_name");
        names::check_id(problems, "parent_id", NAMESPACE, &[IDENTITIES]);
        let issuer = Path::root().attribute("issuer");
        if problems.text(&issuer).is_some_and(|text| !text.starts_with("https://")) {
            problems.push(
                issuer,
                "Invalid value",
                "The issuer must be an address that begins with https://.",
            );
        }
        let audience = Path::root().attribute("audience");
        if problems.at(&audience).is_some_and(|value| value.as_items().is_none_or(|items| items.len() != 1)) {
            problems.push(audience, "Invalid value", "There must be exactly one audience.");
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("parent_id")?, part("name")?))
    }

    fn id(&self, _at: &Session, object: &Json) -> String {
        format!("{}/{CREDENTIALS}/{}", object.text("parent_id").trim_end_matches('/'), object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("federated identity credential {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[IDENTITIES, CREDENTIALS]).ok_or_else(|| {
            bad_id(Self::KIND, "the identity's id, /federatedIdentityCredentials/ and the name")
        })?;
        let parent = id.get(..id.len() - CREDENTIALS.len() - parsed.name().len() - 2).unwrap_or_default();
        Ok(json!({ "name": parsed.name(), "resource_group_name": parsed.group, "parent_id": parent }))
    }

    fn body(&self, planned: &Json, _tags: &Tags) -> Json {
        json!({ "properties": {
            "issuer": planned["issuer"], "subject": planned["subject"], "audiences": planned["audience"],
        } })
    }

    fn is_it(&self, actual: &Json, planned: &Json) -> bool {
        let properties = &actual["properties"];
        [("issuer", "issuer"), ("subject", "subject"), ("audiences", "audience")]
            .iter()
            .all(|(theirs, ours)| properties[*theirs] == planned[*ours])
    }

    fn shown(&self, _at: &Session, actual: &Json, _reference: &Json) -> Json {
        let properties = &actual["properties"];
        json!({
            "id": actual["id"], "name": actual["name"], "issuer": properties["issuer"],
            "subject": properties["subject"], "audience": properties["audiences"],
        })
    }

    fn listing(&self, _at: &Session, object: &Json) -> Option<String> {
        Some(format!("{}/{CREDENTIALS}", object.text("parent_id").trim_end_matches('/')))
    }

    fn turn(&self, _at: &Session, object: &Json) -> Option<String> {
        Some(object.text("parent_id").to_owned())
    }
}
