//! `aws_iam_role_policy`: a policy of one role alone.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Value};

use super::super::error::{bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::policy::same_document;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{given, name, text, worldwide};
use super::super::session::Session;
use super::{check_document, check_name, check_names, document, identity, name_of, unless_missing};

const KIND: &str = "aws_iam_role_policy";

/// The type.
pub(super) struct RolePolicy;

impl Likeness for RolePolicy {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "policy" && same_document(a, b)
    }
}

#[async_trait]
impl Resource<Session> for RolePolicy {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        worldwide(
            [
                ("role", name("Name of the role.").force_new()),
                ("name", text("Name of the policy; made up when not set.").or_computed().force_new()),
                ("name_prefix", text("What a made up name starts with.").force_new()),
                ("policy", name("The policy, in JSON.")),
                ("id", given("Role and name, with a colon.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_name(problems, "role", 64);
        check_names(problems, 128);
        check_document(problems, "policy");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        identity(object, &["role", "name"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.keep_prefix("name_prefix", "name");
        if let (true, Some(role), Some(name)) =
            (draft.is_creation(), draft.planned("role").as_str(), draft.planned("name").as_str())
        {
            draft.set("id", format!("{role}:{name}").into());
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let (role, name) = (prior.text("role"), prior.text("name"));
        let answer = at.iam().read.get_role_policy().role_name(role).policy_name(name).send().await;
        let answer =
            answer.map_err(|e| failed(&format!("Reading the policy {name:?} of the role {role:?}"), e));
        Ok(unless_missing(answer)?.map(|answer| shown(role, name, document(Some(answer.policy_document())))))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let mut named = planned.clone();
        named["name"] = name_of(call.token, planned).into();
        self.read(call.at, &named).await
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let (role, name) = (planned.text("role"), name_of(call.token, planned));
        let policy = planned.text("policy");
        let put =
            call.at.iam().write.put_role_policy().role_name(role).policy_name(&name).policy_document(policy);
        put.send()
            .await
            .map_err(|e| failed(&format!("Setting the policy {name:?} of the role {role:?}"), e))?;
        Ok(Done::Object(shown(role, &name, policy.into())))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        self.create(call, planned).await
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let (role, name) = (prior.text("role"), prior.text("name"));
        let delete = call.at.iam().write.delete_role_policy().role_name(role).policy_name(name).send().await;
        unless_missing(
            delete.map_err(|e| failed(&format!("Removing the policy {name:?} of the role {role:?}"), e)),
        )?;
        Ok(Done::Gone)
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once(':') {
            Some((role, name)) if !role.is_empty() && !name.is_empty() => {
                Ok(json!({ "role": role, "name": name }))
            }
            _ => Err(bad_id(KIND, "ROLE:NAME")),
        }
    }
}

fn shown(role: &str, name: &str, policy: Json) -> Json {
    json!({ "id": format!("{role}:{name}"), "role": role, "name": name, "policy": policy })
}
