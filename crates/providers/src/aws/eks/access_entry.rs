//! `aws_eks_access_entry`.

use async_trait::async_trait;
use aws_sdk_eks::types::AccessEntry as Found;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Path, Value};

use super::super::arn::Arn as _;
use super::super::error::{bad_id, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource, made_before, removed};
use super::super::schema::{given, located, name, tags, tags_all, text, texts};
use super::super::session::Session;
use super::super::tags as tagging;
use super::{check_name, set_tags, sorted, tag_map, tags_of, within_cluster};

const KIND: &str = "aws_eks_access_entry";

/// The type.
pub(super) struct AccessEntry;

impl Likeness for AccessEntry {}

#[async_trait]
impl Resource<Session> for AccessEntry {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        located(
            [
                ("cluster_name", name("Name of the cluster.").force_new()),
                ("principal_arn", name("ARN of the user or role.").force_new()),
                ("kubernetes_groups", texts("Groups that it is in.").or_computed()),
                (
                    "type",
                    text("STANDARD, EC2_LINUX and others; STANDARD when not set.").or_computed().force_new(),
                ),
                ("user_name", text("Its name in the cluster.").or_computed()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Cluster and principal, with a colon.")),
                ("access_entry_arn", given("ARN of the entry.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        check_name(problems, "cluster_name", 100);
        problems.arn(&Path::root().attribute("principal_arn"), "iam");
        let types = [
            "STANDARD",
            "EC2",
            "EC2_LINUX",
            "EC2_WINDOWS",
            "FARGATE_LINUX",
            "HYBRID_LINUX",
            "HYPERPOD_LINUX",
        ];
        problems.one_of(&Path::root().attribute("type"), &types);
        let groups = Path::root().attribute("kubernetes_groups");
        for group in problems.each(&groups) {
            if problems.text(&group).is_some_and(|group| group.starts_with("system:")) {
                problems.push(
                    groups.clone(),
                    "Invalid group",
                    "Groups that start with system: cannot be given.",
                );
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        within_cluster(object, &["cluster_name", "principal_arn"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("type", "STANDARD");
        let (cluster, principal) = (draft.planned("cluster_name"), draft.planned("principal_arn"));
        if let (Some(cluster), Some(principal)) = (cluster.as_str(), principal.as_str()) {
            draft.set("id", format!("{cluster}:{principal}").into());
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        Ok(look(at, prior).await?.map(|found| shown(&found, prior)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        match look(call.at, planned).await? {
            None => Ok(None),
            Some(found) if tagging::is_of(call, &tags_of(found.tags())) => Ok(Some(shown(&found, planned))),
            Some(_) => Err(not_ours(&format!("an {}", what(planned)))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let create = call.at.eks().write.create_access_entry().cluster_name(planned.text("cluster_name"));
        let create = create
            .principal_arn(planned.text("principal_arn"))
            .set_kubernetes_groups(Some(planned.texts("kubernetes_groups")))
            .set_type(planned.given("type"))
            .set_username(planned.given("user_name"))
            .client_request_token(call.token)
            .set_tags(tag_map(&tagging::at_creation(call, planned)));
        let answer = create.send().await.map_err(|e| failed(&format!("Creating the {}", what(planned)), e));
        match answer {
            Ok(answer) => {
                let found = answer.access_entry().ok_or_else(|| gone(&what(planned)))?;
                Ok(Done::Object(shown(found, planned)))
            }
            Err(failure) => made_before(self, call, planned, failure).await,
        }
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        let Some(found) = look(call.at, planned).await? else { return Err(gone(&what(planned))) };
        let tags = tags_of(found.tags());
        set_tags(call, found.access_entry_arn().unwrap_or_default(), &tags, planned).await?;
        let groups = planned.texts("kubernetes_groups");
        let name = planned.given("user_name");
        let renamed = name.is_some() && name.as_deref() != found.username();
        if renamed || sorted(&groups) != sorted(found.kubernetes_groups()) {
            let update = call.at.eks().write.update_access_entry().cluster_name(planned.text("cluster_name"));
            let update = update
                .principal_arn(planned.text("principal_arn"))
                .set_kubernetes_groups(Some(groups))
                .set_username(name);
            update.send().await.map_err(|e| failed(&format!("Changing the {}", what(planned)), e))?;
        }
        match self.read(call.at, planned).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(gone(&what(planned))),
        }
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let delete = call.at.eks().write.delete_access_entry().cluster_name(prior.text("cluster_name"));
        let delete = delete.principal_arn(prior.text("principal_arn")).send().await;
        removed(delete.map_err(|e| failed(&format!("Removing the {}", what(prior)), e)))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once(':') {
            Some((cluster, principal)) if !cluster.is_empty() && principal.starts_with("arn:") => {
                Ok(json!({ "cluster_name": cluster, "principal_arn": principal }))
            }
            _ => Err(bad_id(KIND, "CLUSTER:PRINCIPAL_ARN")),
        }
    }
}

fn what(object: &Json) -> String {
    format!(
        "access entry of {} in the cluster {:?}",
        object.text("principal_arn"),
        object.text("cluster_name")
    )
}

async fn look(at: &Session, object: &Json) -> Called<Option<Found>> {
    let answer = at.eks().read.describe_access_entry().cluster_name(object.text("cluster_name"));
    let answer = answer.principal_arn(object.text("principal_arn")).send().await;
    match answer.map_err(|e| failed(&format!("Reading the {}", what(object)), e)) {
        Ok(answer) => Ok(answer.access_entry),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn shown(found: &Found, reference: &Json) -> Json {
    let (cluster, principal) =
        (found.cluster_name().unwrap_or_default(), found.principal_arn().unwrap_or_default());
    let mut object = json!({
        "id": format!("{cluster}:{principal}"), "cluster_name": cluster, "principal_arn": principal,
        "kubernetes_groups": found.kubernetes_groups(), "type": found.r#type(), "user_name": found.username(),
        "access_entry_arn": found.access_entry_arn(),
    });
    tagging::show(&mut object, reference, &tags_of(found.tags()));
    object
}
