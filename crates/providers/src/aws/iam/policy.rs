//! `aws_iam_policy`: a document in versions, of which one counts.

use async_trait::async_trait;
use aws_sdk_iam::types::Policy as Found;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, ErrorClass, ProviderError, Value};

use super::super::error::{bad_id, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::policy::same_document;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{given, name, tags, tags_all, text, worldwide};
use super::super::session::Session;
use super::super::tags as tagging;
use super::{
    check_document, check_names, document, identity, name_of, tag_changes, tag_list, tags_of, unless_missing,
};

const KIND: &str = "aws_iam_policy";
/// How many versions IAM keeps.
const VERSIONS: usize = 5;

/// The type.
pub(super) struct Policy;

impl Likeness for Policy {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "policy" && same_document(a, b)
    }
}

#[async_trait]
impl Resource<Session> for Policy {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        worldwide(
            [
                ("policy", name("The policy, in JSON.")),
                ("name", text("Name of the policy; made up when not set.").or_computed().force_new()),
                ("name_prefix", text("What a made up name starts with.").force_new()),
                ("path", text("Path of the policy, / when not set.").or_computed().force_new()),
                ("description", text("What it is for.").force_new()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("ARN of the policy.")),
                ("arn", given("ARN of the policy.")),
                ("policy_id", given("What tells it from other policies of its name.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_names(problems, 128);
        check_document(problems, "policy");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        identity(object, &["name"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.keep_prefix("name_prefix", "name");
        draft.default("path", "/");
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        match look(at, prior.text("arn")).await? {
            Some(found) => Ok(Some(shown(at, &found, prior).await?)),
            None => Ok(None),
        }
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let name = name_of(call.token, planned);
        let path = planned.given("path").unwrap_or_else(|| "/".into());
        let account = &call.at.identity().await?.account;
        match look(call.at, &format!("arn:aws:iam::{account}:policy{path}{name}")).await? {
            None => Ok(None),
            Some(found) if tagging::is_of(call, &tags_of(found.tags())) => {
                Ok(Some(shown(call.at, &found, planned).await?))
            }
            Some(_) => Err(not_ours(&format!("a policy {name:?}"))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let name = name_of(call.token, planned);
        let create = call.at.iam().write.create_policy();
        let create = create
            .policy_name(&name)
            .path(planned.given("path").unwrap_or_else(|| "/".into()))
            .policy_document(planned.text("policy"))
            .set_description(planned.given("description"))
            .set_tags(Some(tag_list(&tagging::at_creation(call, planned))));
        match create.send().await.map_err(|e| failed(&format!("Creating the policy {name:?}"), e)) {
            Err(failure) if failure.error.class != ErrorClass::Conflict => Err(failure.into()),
            // Its answer does not have it all; after a conflict it is ours, or
            // somebody else's.
            created => match (self.find(call, planned).await?, created) {
                (Some(found), _) => Ok(Done::Object(found)),
                (None, Err(failure)) => Err(failure.into()),
                (None, Ok(_)) => Err(gone(&format!("policy {name:?}"))),
            },
        }
    }

    async fn update(&self, call: &Call<'_>, prior: &Json, planned: &Json) -> Called<Done> {
        let (arn, iam) = (prior.text("arn"), &call.at.iam().write);
        let doing = format!("Changing the policy {arn}");
        let Some(found) = look(call.at, arn).await? else { return Err(gone(&format!("policy {arn}"))) };
        let actual = shown(call.at, &found, prior).await?;
        let wanted = planned.text("policy");
        if !same_document(&actual.text("policy").into(), &wanted.into()) {
            make_room(call.at, arn, VERSIONS - 1).await?;
            let create = iam.create_policy_version().policy_arn(arn).policy_document(wanted);
            create.set_as_default(true).send().await.map_err(|e| failed(&doing, e))?;
        }
        let tags = tags_of(found.tags());
        let (set, removed) = tag_changes(&tags, &tagging::changed(call, &tags, planned));
        if !set.is_empty() {
            let tag = iam.tag_policy().policy_arn(arn).set_tags(Some(set));
            tag.send().await.map_err(|e| failed(&doing, e))?;
        }
        if !removed.is_empty() {
            let untag = iam.untag_policy().policy_arn(arn).set_tag_keys(Some(removed));
            untag.send().await.map_err(|e| failed(&doing, e))?;
        }
        let mut reference = planned.clone();
        reference["arn"] = arn.into();
        match self.read(call.at, &reference).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(gone(&format!("policy {arn}"))),
        }
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let arn = prior.text("arn");
        let Some(found) = look(call.at, arn).await? else { return Ok(Done::Gone) };
        if let Some(owner) = tagging::stranger(call.workspace, &tags_of(found.tags())) {
            let detail = format!("The policy {arn} is marked as one of the workspace {owner}.");
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        if let Some(number) = found.attachment_count().filter(|number| *number > 0) {
            let detail =
                format!("The policy {arn} is still attached in {number} places. Nothing was removed.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Object in use", detail)
                .hint("Detach it from its roles, users and groups first."));
        }
        make_room(call.at, arn, 1).await?;
        let delete = call.at.iam().write.delete_policy().policy_arn(arn).send().await;
        unless_missing(delete.map_err(|e| failed(&format!("Removing the policy {arn}"), e)))?;
        Ok(Done::Gone)
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.starts_with("arn:") {
            true => Ok(json!({ "arn": id })),
            false => Err(bad_id(KIND, "the ARN of the policy")),
        }
    }
}

async fn look(at: &Session, arn: &str) -> Called<Option<Found>> {
    let answer = at.iam().read.get_policy().policy_arn(arn).send().await;
    let answer = answer.map_err(|e| failed(&format!("Reading the policy {arn}"), e));
    Ok(unless_missing(answer)?.and_then(|answer| answer.policy))
}

/// Removes the oldest versions that do not count, until there are so many.
async fn make_room(at: &Session, arn: &str, left: usize) -> Called<()> {
    let doing = format!("Removing old versions of the policy {arn}");
    let versions = at.iam().read.list_policy_versions().policy_arn(arn).into_paginator().items().send();
    let versions: Result<Vec<_>, _> = versions.collect().await;
    let mut versions = versions.map_err(|e| failed(&doing, e))?;
    let number = |id: Option<&str>| id.and_then(|id| id.trim_start_matches('v').parse::<u64>().ok());
    versions.sort_by_key(|version| number(version.version_id()));
    let surplus = versions.len().saturating_sub(left);
    for version in versions.iter().filter(|version| !version.is_default_version()).take(surplus) {
        let delete = at.iam().write.delete_policy_version().policy_arn(arn);
        let delete = delete.version_id(version.version_id().unwrap_or_default()).send().await;
        unless_missing(delete.map_err(|e| failed(&doing, e)))?;
    }
    Ok(())
}

async fn shown(at: &Session, found: &Found, reference: &Json) -> Called<Json> {
    let arn = found.arn().unwrap_or_default();
    let version = at.iam().read.get_policy_version().policy_arn(arn);
    let version = version.version_id(found.default_version_id().unwrap_or_default()).send().await;
    let version = version.map_err(|e| failed(&format!("Reading the policy {arn}"), e))?;
    let text = version.policy_version().and_then(|version| version.document());
    let mut object = json!({
        "id": arn, "arn": arn, "name": found.policy_name(), "path": found.path(),
        "description": found.description().filter(|text| !text.is_empty()), "policy_id": found.policy_id(),
        "policy": document(text),
    });
    tagging::show(&mut object, reference, &tags_of(found.tags()));
    Ok(object)
}
