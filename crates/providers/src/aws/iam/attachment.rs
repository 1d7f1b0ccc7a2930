//! `aws_iam_role_policy_attachment`.
//!
//! It has no tags, so whose it is cannot be told; attaching a policy twice does
//! no harm.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Path, Value};

use super::super::arn::Arn as _;
use super::super::error::{bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{given, name, worldwide};
use super::super::session::Session;
use super::{check_name, identity, unless_missing};

const KIND: &str = "aws_iam_role_policy_attachment";

/// The type.
pub(super) struct Attachment;

impl Likeness for Attachment {}

#[async_trait]
impl Resource<Session> for Attachment {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        worldwide(
            [
                ("role", name("Name of the role.").force_new()),
                ("policy_arn", name("ARN of the policy.").force_new()),
                ("id", given("Role and policy.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_name(problems, "role", 64);
        problems.arn(&Path::root().attribute("policy_arn"), "iam");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        identity(object, &["role", "policy_arn"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        if let (Some(role), Some(policy)) =
            (draft.planned("role").as_str(), draft.planned("policy_arn").as_str())
        {
            draft.set("id", format!("{role}/{policy}").into());
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let (role, policy) = (prior.text("role"), prior.text("policy_arn"));
        let list =
            at.iam().read.list_attached_role_policies().role_name(role).into_paginator().items().send();
        let list: Result<Vec<_>, _> = list.collect().await;
        let list = list.map_err(|e| failed(&format!("Reading the policies of the role {role:?}"), e));
        let found = unless_missing(list)?.unwrap_or_default();
        Ok(found.iter().any(|one| one.policy_arn() == Some(policy)).then(|| shown(prior)))
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let (role, policy) = (planned.text("role"), planned.text("policy_arn"));
        let attach = call.at.iam().write.attach_role_policy().role_name(role).policy_arn(policy).send().await;
        attach.map_err(|e| failed(&format!("Attaching {policy} to the role {role:?}"), e))?;
        Ok(Done::Object(shown(planned)))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        self.create(call, planned).await
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let (role, policy) = (prior.text("role"), prior.text("policy_arn"));
        let detach = call.at.iam().write.detach_role_policy().role_name(role).policy_arn(policy).send().await;
        unless_missing(detach.map_err(|e| failed(&format!("Detaching {policy} from the role {role:?}"), e)))?;
        Ok(Done::Gone)
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once('/') {
            Some((role, policy)) if !role.is_empty() && policy.starts_with("arn:") => {
                Ok(json!({ "role": role, "policy_arn": policy }))
            }
            _ => Err(bad_id(KIND, "ROLE/POLICY_ARN")),
        }
    }
}

fn shown(object: &Json) -> Json {
    let (role, policy) = (object.text("role"), object.text("policy_arn"));
    json!({ "id": format!("{role}/{policy}"), "role": role, "policy_arn": policy })
}
