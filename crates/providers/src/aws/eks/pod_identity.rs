//! `aws_eks_pod_identity_association`.

use async_trait::async_trait;
use aws_sdk_eks::types::PodIdentityAssociation;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Path, Value};

use super::super::arn::Arn as _;
use super::super::error::{bad_id, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource, made_before, removed};
use super::super::schema::{given, located, name, tags, tags_all};
use super::super::session::Session;
use super::super::tags as tagging;
use super::{check_name, set_tags, tag_map, tags_of, within_cluster};

const KIND: &str = "aws_eks_pod_identity_association";

/// The type.
pub(super) struct PodIdentity;

impl Likeness for PodIdentity {}

#[async_trait]
impl Resource<Session> for PodIdentity {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        located(
            [
                ("cluster_name", name("Name of the cluster.").force_new()),
                ("namespace", name("Namespace of the service account.").force_new()),
                ("service_account", name("Name of the service account.").force_new()),
                ("role_arn", name("ARN of the role that pods take on.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Id of the association.")),
                ("association_id", given("Id of the association.")),
                ("association_arn", given("ARN of the association.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_name(problems, "cluster_name", 100);
        problems.arn(&Path::root().attribute("role_arn"), "iam");
    }

    fn identity(&self, object: &Value) -> Option<String> {
        within_cluster(object, &["cluster_name", "namespace", "service_account"])
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        Ok(look(at, prior).await?.map(|found| shown(&found, prior)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        match look(call.at, planned).await? {
            None => Ok(None),
            Some(found) if tagging::is_of(call, &tags_of(found.tags())) => Ok(Some(shown(&found, planned))),
            Some(_) => Err(not_ours(&format!("a {}", what(planned)))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let create = call.at.eks().write.create_pod_identity_association();
        let create = create
            .cluster_name(planned.text("cluster_name"))
            .namespace(planned.text("namespace"))
            .service_account(planned.text("service_account"))
            .role_arn(planned.text("role_arn"))
            .client_request_token(call.token)
            .set_tags(tag_map(&tagging::at_creation(call, planned)));
        let answer = create.send().await.map_err(|e| failed(&format!("Creating the {}", what(planned)), e));
        match answer {
            Ok(answer) => {
                let found = answer.association().ok_or_else(|| gone(&what(planned)))?;
                Ok(Done::Object(shown(found, planned)))
            }
            Err(failure) => made_before(self, call, planned, failure).await,
        }
    }

    async fn update(&self, call: &Call<'_>, prior: &Json, planned: &Json) -> Called<Done> {
        let Some(found) = look(call.at, prior).await? else { return Err(gone(&what(planned))) };
        let tags = tags_of(found.tags());
        set_tags(call, found.association_arn().unwrap_or_default(), &tags, planned).await?;
        if found.role_arn() != Some(planned.text("role_arn")) {
            let update = call.at.eks().write.update_pod_identity_association();
            let update = update
                .cluster_name(planned.text("cluster_name"))
                .association_id(found.association_id().unwrap_or_default())
                .role_arn(planned.text("role_arn"));
            update.send().await.map_err(|e| failed(&format!("Changing the {}", what(planned)), e))?;
        }
        match self.read(call.at, planned).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(gone(&what(planned))),
        }
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let delete = call.at.eks().write.delete_pod_identity_association();
        let delete =
            delete.cluster_name(prior.text("cluster_name")).association_id(prior.text("association_id"));
        removed(delete.send().await.map_err(|e| failed(&format!("Removing the {}", what(prior)), e)))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once(',') {
            Some((cluster, id)) if !cluster.is_empty() && !id.is_empty() => {
                Ok(json!({ "cluster_name": cluster, "association_id": id }))
            }
            _ => Err(bad_id(KIND, "CLUSTER,ASSOCIATION_ID")),
        }
    }
}

fn what(object: &Json) -> String {
    format!(
        "pod identity association of {}/{} in the cluster {:?}",
        object.text("namespace"),
        object.text("service_account"),
        object.text("cluster_name")
    )
}

/// By its id when that is known, else by what it is for.
async fn look(at: &Session, object: &Json) -> Called<Option<PodIdentityAssociation>> {
    let (cluster, doing) = (object.text("cluster_name"), format!("Reading the {}", what(object)));
    let id = match object.given("association_id") {
        Some(id) => id,
        None => {
            let list = at.eks().read.list_pod_identity_associations().cluster_name(cluster);
            let list =
                list.namespace(object.text("namespace")).service_account(object.text("service_account"));
            match list.send().await.map_err(|e| failed(&doing, e)) {
                Ok(list) => match list.associations().first().and_then(|one| one.association_id()) {
                    Some(id) => id.to_owned(),
                    None => return Ok(None),
                },
                Err(failure) if failure.is_missing() => return Ok(None),
                Err(failure) => return Err(failure.into()),
            }
        }
    };
    let answer = at.eks().read.describe_pod_identity_association().cluster_name(cluster).association_id(id);
    match answer.send().await.map_err(|e| failed(&doing, e)) {
        Ok(answer) => Ok(answer.association),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn shown(found: &PodIdentityAssociation, reference: &Json) -> Json {
    let mut object = json!({
        "id": found.association_id(), "association_id": found.association_id(),
        "association_arn": found.association_arn(), "cluster_name": found.cluster_name(),
        "namespace": found.namespace(), "service_account": found.service_account(), "role_arn": found.role_arn(),
    });
    tagging::show(&mut object, reference, &tags_of(found.tags()));
    object
}
