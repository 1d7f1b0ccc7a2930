//! `aws_iam_role`.

use async_trait::async_trait;
use aws_sdk_iam::types::Role as Found;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, ErrorClass, Path, ProviderError, Value};

use super::super::arn::Arn as _;
use super::super::error::{Failure, bad_id, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::policy::same_document;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource, made_before};
use super::super::schema::{flag, given, name, number, tags, tags_all, text, worldwide};
use super::super::session::Session;
use super::super::tags as tagging;
use super::{
    check_document, check_names, document, identity, name_of, tag_changes, tag_list, tags_of, unless_missing,
};

const KIND: &str = "aws_iam_role";
/// Seconds that a session lasts when nobody says otherwise.
const SESSION: i64 = 3600;

/// The type.
pub(super) struct Role;

impl Likeness for Role {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "assume_role_policy" && same_document(a, b)
    }
}

#[async_trait]
impl Resource<Session> for Role {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        worldwide(
            [
                ("assume_role_policy", name("Who may take the role on, in JSON.")),
                ("name", text("Name of the role; made up when not set.").or_computed().force_new()),
                ("name_prefix", text("What a made up name starts with.").force_new()),
                ("path", text("Path of the role, / when not set.").or_computed().force_new()),
                ("description", text("What it is for.")),
                (
                    "max_session_duration",
                    number("How long a session may last, in seconds; 3600 when not set.").or_computed(),
                ),
                ("permissions_boundary", text("ARN of the policy that bounds what it may do.")),
                (
                    "force_detach_policies",
                    flag("Remove the role with all that is attached to it.").or_computed(),
                ),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Name of the role.")),
                ("arn", given("ARN of the role.")),
                ("unique_id", given("What tells it from other roles of its name.")),
                ("create_date", given("When it was made.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_names(problems, 64);
        check_document(problems, "assume_role_policy");
        problems.range(&Path::root().attribute("max_session_duration"), 3600..=43200);
        problems.arn(&Path::root().attribute("permissions_boundary"), "iam");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        identity(object, &["name"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.keep_prefix("name_prefix", "name");
        draft.default("path", "/");
        draft.default("max_session_duration", SESSION);
        draft.default("force_detach_policies", false);
        let name = draft.planned("name");
        if name.is_known() && draft.is_creation() {
            draft.set("id", name);
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        Ok(look(at, prior.text("name")).await?.map(|found| shown(&found, prior)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let name = name_of(call.token, planned);
        match look(call.at, &name).await? {
            None => Ok(None),
            Some(found) if tagging::is_of(call, &tags_of(found.tags())) => Ok(Some(shown(&found, planned))),
            Some(_) => Err(not_ours(&format!("a role {name:?}"))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let name = name_of(call.token, planned);
        let create = call.at.iam().write.create_role();
        let create = create
            .role_name(&name)
            .path(planned.given("path").unwrap_or_else(|| "/".into()))
            .assume_role_policy_document(planned.text("assume_role_policy"))
            .set_description(planned.given("description"))
            .set_max_session_duration(planned.int32("max_session_duration"))
            .set_permissions_boundary(planned.given("permissions_boundary"))
            .set_tags(Some(tag_list(&tagging::at_creation(call, planned))));
        match create.send().await.map_err(|e| failed(&format!("Creating the role {name:?}"), e)) {
            Ok(answer) => {
                let found = answer.role().ok_or_else(|| gone(&format!("role {name:?}")))?;
                let mut object = shown(found, planned);
                // The answer to a creation leaves out what was given.
                if found.tags().is_empty() {
                    tagging::show(&mut object, planned, &tagging::at_creation(call, planned));
                }
                Ok(Done::Object(object))
            }
            Err(failure) => made_before(self, call, planned, failure).await,
        }
    }

    async fn update(&self, call: &Call<'_>, prior: &Json, planned: &Json) -> Called<Done> {
        let (name, iam) = (prior.text("name"), &call.at.iam().write);
        let doing = format!("Changing the role {name:?}");
        let Some(found) = look(call.at, name).await? else { return Err(gone(&format!("role {name:?}"))) };
        let actual = shown(&found, prior);
        let policy = planned.text("assume_role_policy");
        if !same_document(&actual.text("assume_role_policy").into(), &policy.into()) {
            let update = iam.update_assume_role_policy().role_name(name).policy_document(policy);
            update.send().await.map_err(|e| failed(&doing, e))?;
        }
        let differs = |part: &str| planned.part(part) != actual.part(part);
        if differs("description") || differs("max_session_duration") {
            let update = iam.update_role().role_name(name);
            let update = update.description(planned.text("description"));
            let update = update.set_max_session_duration(planned.int32("max_session_duration"));
            update.send().await.map_err(|e| failed(&doing, e))?;
        }
        match planned.given("permissions_boundary") {
            _ if !differs("permissions_boundary") => {}
            Some(boundary) => {
                let put = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
                put.send().await.map_err(|e| failed(&doing, e))?;
            }
            None => {
                let remove = iam.delete_role_permissions_boundary().role_name(name);
                remove.send().await.map_err(|e| failed(&doing, e))?;
            }
        }
        let tags = tags_of(found.tags());
        let (set, removed) = tag_changes(&tags, &tagging::changed(call, &tags, planned));
        if !set.is_empty() {
            let tag = iam.tag_role().role_name(name).set_tags(Some(set));
            tag.send().await.map_err(|e| failed(&doing, e))?;
        }
        if !removed.is_empty() {
            let untag = iam.untag_role().role_name(name).set_tag_keys(Some(removed));
            untag.send().await.map_err(|e| failed(&doing, e))?;
        }
        match self.read(call.at, planned).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(gone(&format!("role {name:?}"))),
        }
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let name = prior.text("name");
        let Some(found) = look(call.at, name).await? else { return Ok(Done::Gone) };
        if let Some(owner) = tagging::stranger(call.workspace, &tags_of(found.tags())) {
            let detail = format!("The role {name:?} is marked as one of the workspace {owner}.");
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        if prior.flag("force_detach_policies") == Some(true) {
            strip(call.at, name).await?;
        }
        let delete = call.at.iam().write.delete_role().role_name(name).send().await;
        match delete.map_err(|e| failed(&format!("Removing the role {name:?}"), e)) {
            Ok(_) => Ok(Done::Gone),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) if failure.is(&["DeleteConflict"]) => Err(held(call.at, name, failure).await),
            Err(failure) => Err(failure.into()),
        }
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id {
            "" => Err(bad_id(KIND, "the name of the role")),
            id => Ok(json!({ "name": id, "force_detach_policies": false })),
        }
    }
}

async fn look(at: &Session, name: &str) -> Called<Option<Found>> {
    let answer = at.iam().read.get_role().role_name(name).send().await;
    let answer = answer.map_err(|e| failed(&format!("Reading the role {name:?}"), e));
    Ok(unless_missing(answer)?.and_then(|answer| answer.role))
}

/// What is attached to a role: ARNs of policies, and names of its own.
async fn attached(at: &Session, name: &str) -> Result<(Vec<String>, Vec<String>), Failure> {
    let doing = format!("Reading the policies of the role {name:?}");
    let policies =
        at.iam().read.list_attached_role_policies().role_name(name).into_paginator().items().send();
    let policies: Result<Vec<_>, _> = policies.collect().await;
    let policies = policies.map_err(|e| failed(&doing, e))?;
    let own: Result<Vec<_>, _> =
        at.iam().read.list_role_policies().role_name(name).into_paginator().items().send().collect().await;
    let own = own.map_err(|e| failed(&doing, e))?;
    Ok((policies.into_iter().filter_map(|policy| policy.policy_arn).collect(), own))
}

/// Takes everything off a role.
async fn strip(at: &Session, name: &str) -> Called<()> {
    let (policies, own) = attached(at, name).await?;
    let doing = format!("Detaching policies of the role {name:?}");
    for policy in policies {
        let detach = at.iam().write.detach_role_policy().role_name(name).policy_arn(policy).send().await;
        unless_missing(detach.map_err(|e| failed(&doing, e)))?;
    }
    for policy in own {
        let delete = at.iam().write.delete_role_policy().role_name(name).policy_name(policy).send().await;
        unless_missing(delete.map_err(|e| failed(&doing, e)))?;
    }
    Ok(())
}

/// Why a role cannot be removed.
async fn held(at: &Session, name: &str, failure: Failure) -> ProviderError {
    let Ok((policies, own)) = attached(at, name).await else { return failure.into() };
    let held: Vec<String> = policies.into_iter().chain(own).collect();
    if held.is_empty() {
        return failure.into();
    }
    let detail = format!("The role {name:?} still has {}. Nothing was removed.", held.join(", "));
    ProviderError::new(ErrorClass::Invalid, "Object in use", detail)
        .hint("Remove what is attached to it first, or set force_detach_policies.")
}

fn shown(found: &Found, reference: &Json) -> Json {
    let mut object = json!({
        "id": found.role_name(), "name": found.role_name(), "path": found.path(), "arn": found.arn(),
        "unique_id": found.role_id(), "create_date": found.create_date().to_string(),
        "assume_role_policy": document(found.assume_role_policy_document()),
        "description": found.description().filter(|text| !text.is_empty()),
        "max_session_duration": found.max_session_duration().map_or(SESSION, i64::from),
        "permissions_boundary":
            found.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn()),
    });
    tagging::show(&mut object, reference, &tags_of(found.tags()));
    object
}
