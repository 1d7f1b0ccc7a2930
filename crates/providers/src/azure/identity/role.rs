//! `azurerm_role_assignment`: what an identity may do.
//!
//! Its name is made of the creation's token, so that a creation that was lost
//! finds itself again and is never made twice. A role can be named; what Azure
//! calls it is looked up when the assignment is made.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, ErrorClass, Path, ProviderError, Value};
use uuid::Uuid;

use super::super::answer::bad_id;
use super::super::kind::{Kind, Put};
use super::super::schema::{flag, name, placed, text};
use super::super::session::Session;
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments/";
const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";
const PRINCIPALS: [&str; 3] = ["User", "Group", "ServicePrincipal"];

/// The type.
pub(in super::super) struct RoleAssignment;

#[async_trait]
impl Kind for RoleAssignment {
    const KIND: &'static str = "azurerm_role_assignment";
    const API: &'static str = "2022-04-01";
    const TAGGED: bool = false;

    fn block(&self) -> Block {
        let fixed = |attribute: tenantctl_core::provider::Attribute| attribute.force_new();
        placed(
            [
                ("name", fixed(text("Name of the assignment, a UUID; made up when not set.").or_computed())),
                ("scope", fixed(name("Id of what the role is for: a vault, a group, a subscription."))),
                ("role_definition_id", fixed(text("Id of the role.").or_computed())),
                ("role_definition_name", fixed(text("Name of the role: Key Vault Secrets User."))),
                ("principal_id", fixed(name("Who gets the role: the principal_id of an identity."))),
                ("principal_type", fixed(text("User, Group or ServicePrincipal.").or_computed())),
                ("description", fixed(text("What it is for."))),
                ("condition", fixed(text("When the role holds."))),
                ("condition_version", fixed(text("Version of the condition's language: 2.0."))),
                (
                    "skip_service_principal_aad_check",
                    fixed(flag("The principal is new: do not look it up; its type is ServicePrincipal.")),
                ),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        for attribute in ["name", "principal_id"] {
            let path = root.attribute(attribute);
            if problems.text(&path).is_some_and(|text| Uuid::parse_str(&text).is_err()) {
                problems.push(path.clone(), "Invalid value", format!("{path} must be a UUID."));
            }
        }
        let (id, name) = (root.attribute("role_definition_id"), root.attribute("role_definition_name"));
        problems.exclusive(&id, &name);
        let is_null = |of: &str| problems.config.get(of).is_none_or(|value| value.is_null());
        if is_null("role_definition_id") && is_null("role_definition_name") {
            let detail = "Either role_definition_name or role_definition_id must be set.";
            problems.push(root.attribute("role_definition_name"), "Missing argument", detail);
        }
        problems.one_of(&root.attribute("principal_type"), &PRINCIPALS);
        problems.one_of(&root.attribute("condition_version"), &["1.0", "2.0"]);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name).and_then(|value| value.as_str().map(str::to_lowercase));
        let role = part("role_definition_name").or_else(|| part("role_definition_id"))?;
        Some(format!("{} {} {role}", part("scope")?, part("principal_id")?))
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        if draft.config("skip_service_principal_aad_check").as_bool() == Some(true) {
            draft.default("principal_type", "ServicePrincipal");
        }
        if !draft.is_creation() {
            // How it was made; an imported one does not say.
            let made = draft.prior("skip_service_principal_aad_check");
            draft.set("skip_service_principal_aad_check", made);
            if draft.config("role_definition_name").is_null() {
                // The role is told by its id; an imported one has both.
                draft.set("role_definition_name", draft.prior("role_definition_name"));
            }
        }
        Ok(())
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let role = |value: &Value| value.as_str().map(role_of);
        name == "role_definition_id" && role(a).is_some() && role(a) == role(b)
    }

    fn id(&self, _at: &Session, object: &Json) -> String {
        format!("{}{ASSIGNMENTS}{}", object.text("scope").trim_end_matches('/'), object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        let role = object.given("role_definition_name").or_else(|| object.given("role_definition_id"));
        let role = role.unwrap_or_else(|| object.text("name").to_owned());
        format!("assignment of the role {role:?} at {}", object.text("scope"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let (scope, name) = id
            .split_once(ASSIGNMENTS)
            .filter(|(scope, name)| scope.starts_with('/') && Uuid::parse_str(name).is_ok())
            .ok_or_else(|| {
                bad_id(Self::KIND, "SCOPE/providers/Microsoft.Authorization/roleAssignments/UUID")
            })?;
        Ok(json!({ "scope": scope, "name": name }))
    }

    fn named(&self, token: &str, planned: &Json) -> Json {
        let mut planned = planned.clone();
        if planned.part("name").is_none() {
            let made = format!("{token} {} {}", planned.text("scope"), planned.text("principal_id"));
            planned["name"] = Uuid::new_v5(&Uuid::NAMESPACE_OID, made.as_bytes()).to_string().into();
        }
        planned
    }

    fn body(&self, planned: &Json, _tags: &Tags) -> Json {
        let mut properties = json!({ "principalId": planned["principal_id"] });
        let parts = [
            ("roleDefinitionId", "role_definition_id"),
            ("principalType", "principal_type"),
            ("description", "description"),
            ("condition", "condition"),
            ("conditionVersion", "condition_version"),
        ];
        for (theirs, ours) in parts {
            if let Some(value) = planned.given(ours) {
                properties[theirs] = value.into();
            }
        }
        json!({ "properties": properties })
    }

    fn is_it(&self, actual: &Json, planned: &Json) -> bool {
        let principal = actual["properties"].text("principalId");
        principal.eq_ignore_ascii_case(planned.text("principal_id"))
    }

    fn shown(&self, _at: &Session, actual: &Json, reference: &Json) -> Json {
        let properties = &actual["properties"];
        let scope = reference.given("scope").unwrap_or_else(|| properties.text("scope").to_owned());
        json!({
            "id": actual["id"], "name": actual["name"], "scope": scope,
            "role_definition_id": properties["roleDefinitionId"], "principal_id": properties["principalId"],
            "principal_type": properties["principalType"], "description": properties["description"],
            "condition": properties["condition"], "condition_version": properties["conditionVersion"],
        })
    }

    fn listing(&self, _at: &Session, object: &Json) -> Option<String> {
        let scope = object.text("scope").trim_end_matches('/');
        Some(format!("{scope}{}?$filter=atScope()", ASSIGNMENTS.trim_end_matches('/')))
    }

    /// An imported one's role has a name, which the service does not tell.
    fn wants_more(&self, prior: &Json) -> bool {
        is_role_unknown(prior)
    }

    async fn finish(&self, at: &Session, planned: &Json, object: &mut Json) -> Called<()> {
        if !is_role_unknown(planned) {
            return Ok(());
        }
        let scope = object.text("scope").trim_end_matches('/');
        let path = format!("{scope}{DEFINITIONS}");
        let found = at.arm.list("Looking for the name of the role", &path, Self::API).await?;
        let found = found.unwrap_or_default();
        let role = role_of(object.text("role_definition_id"));
        let named = found.iter().find(|one| role_of(one.text("id")) == role);
        object["role_definition_name"] =
            named.map_or(Json::Null, |one| one["properties"].text("roleName").into());
        Ok(())
    }

    async fn prepare(&self, at: &Session, _workspace: &str, planned: &Json, put: &mut Put) -> Called<()> {
        let Some(wanted) = planned.given("role_definition_name") else { return Ok(()) };
        let doing = format!("Looking for the role {wanted:?}");
        let scope = planned.text("scope").trim_end_matches('/');
        let filter = wanted.replace('\'', "''").replace(' ', "%20");
        let path = format!("{scope}{DEFINITIONS}?$filter=roleName%20eq%20'{filter}'");
        let found = at.arm.list(&doing, &path, Self::API).await?.unwrap_or_default();
        let named = found.iter().find(|role| role["properties"].text("roleName") == wanted);
        let Some(role) = named else {
            let detail = format!("There is no role {wanted:?} at {scope}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown role", detail)
                .hint("Roles are called as in the list of built-in roles, or as your own definition is."));
        };
        put.body["properties"]["roleDefinitionId"] = role.text("id").into();
        Ok(())
    }
}

fn is_role_unknown(object: &Json) -> bool {
    object.part("role_definition_name").is_none() && object.part("role_definition_id").is_none()
}

/// What tells a role, of an id by which it is called at some scope.
fn role_of(id: &str) -> String {
    id.rsplit('/').next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_creation_has_one_name() {
        let planned = json!({"scope": "/s", "principal_id": "p", "name": null});
        let name = |token: &str| RoleAssignment.named(token, &planned).text("name").to_owned();
        assert_eq!(name("a"), name("a"));
        assert_ne!(name("a"), name("b"));
        assert!(Uuid::parse_str(&name("a")).is_ok());
    }
}
