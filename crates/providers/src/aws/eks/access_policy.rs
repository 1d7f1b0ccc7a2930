//! `aws_eks_access_policy_association`.
//!
//! It has no tags, so whose it is cannot be told; associating a policy twice
//! does no harm.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_eks::types::{AccessScope, AssociatedAccessPolicy};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, AttributeError, Block, Path, Type, Value};

use super::super::arn::Arn as _;
use super::super::error::{bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource, removed};
use super::super::schema::{block, given, located, name, needed};
use super::super::session::Session;
use super::{check_name, sorted, within_cluster};

const KIND: &str = "aws_eks_access_policy_association";

/// The type.
pub(super) struct AccessPolicy;

impl Likeness for AccessPolicy {}

#[async_trait]
impl Resource<Session> for AccessPolicy {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        let namespaces = Attribute::optional(Type::set(Type::String));
        let scope = block(
            [
                ("type", name("cluster or namespace.").force_new()),
                ("namespaces", namespaces.describe("Namespaces that it is for.").force_new()),
            ],
            [],
        );
        located(
            [
                ("cluster_name", name("Name of the cluster.").force_new()),
                ("principal_arn", name("ARN of the user or role.").force_new()),
                ("policy_arn", name("ARN of the access policy.").force_new()),
                ("id", given("Cluster, principal and policy, with number signs.")),
            ],
            [("access_scope", needed(scope))],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        check_name(problems, "cluster_name", 100);
        problems.arn(&root.attribute("principal_arn"), "iam");
        problems.arn(&root.attribute("policy_arn"), "eks");
        if let Some(scope) = problems.exactly_one(&root.attribute("access_scope")) {
            let (kind, namespaces) = (scope.attribute("type"), scope.attribute("namespaces"));
            problems.one_of(&kind, &["cluster", "namespace"]);
            let has_namespaces = !problems.each(&namespaces).is_empty();
            if problems.text(&kind).as_deref() == Some("cluster") && has_namespaces {
                problems.push(
                    namespaces,
                    "Conflicting arguments",
                    "A scope of type cluster takes no namespaces.",
                );
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        within_cluster(object, &["cluster_name", "principal_arn", "policy_arn"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        let parts = ["cluster_name", "principal_arn", "policy_arn"].map(|name| draft.planned(name));
        if let [Some(cluster), Some(principal), Some(policy)] = [0, 1, 2].map(|i| parts[i].as_str()) {
            draft.set("id", format!("{cluster}#{principal}#{policy}").into());
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let policies = of_principal(at, prior.text("cluster_name"), prior.text("principal_arn")).await?;
        Ok(pick(&policies, prior))
    }

    /// One list for each principal, however many policies it has.
    async fn read_all(&self, at: &Session, objects: &[Json]) -> Option<Vec<Called<Option<Json>>>> {
        let mut lists: BTreeMap<(String, String), Called<Vec<AssociatedAccessPolicy>>> = BTreeMap::new();
        let mut read = Vec::with_capacity(objects.len());
        for object in objects {
            let (cluster, principal) = (object.text("cluster_name"), object.text("principal_arn"));
            let key = (cluster.to_owned(), principal.to_owned());
            if !lists.contains_key(&key) {
                lists.insert(key.clone(), of_principal(at, cluster, principal).await);
            }
            read.push(match lists.get(&key) {
                Some(Ok(policies)) => Ok(pick(policies, object)),
                Some(Err(error)) => Err(error.clone()),
                None => Ok(None),
            });
        }
        Some(read)
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let scope = planned.block("access_scope").unwrap_or(&Json::Null);
        let scope = AccessScope::builder()
            .r#type(scope.text("type").into())
            .set_namespaces(Some(scope.texts("namespaces")))
            .build();
        let associate =
            call.at.eks().write.associate_access_policy().cluster_name(planned.text("cluster_name"));
        let associate = associate
            .principal_arn(planned.text("principal_arn"))
            .policy_arn(planned.text("policy_arn"))
            .access_scope(scope);
        associate.send().await.map_err(|e| failed(&format!("Associating the {}", what(planned)), e))?;
        let mut object = planned.clone();
        object["id"] = id(planned).into();
        Ok(Done::Object(object))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        self.create(call, planned).await
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let remove =
            call.at.eks().write.disassociate_access_policy().cluster_name(prior.text("cluster_name"));
        let remove = remove.principal_arn(prior.text("principal_arn")).policy_arn(prior.text("policy_arn"));
        removed(remove.send().await.map_err(|e| failed(&format!("Removing the {}", what(prior)), e)))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split('#').collect::<Vec<_>>()[..] {
            [cluster, principal, policy] if !cluster.is_empty() => {
                Ok(json!({ "cluster_name": cluster, "principal_arn": principal, "policy_arn": policy }))
            }
            _ => Err(bad_id(KIND, "CLUSTER#PRINCIPAL_ARN#POLICY_ARN")),
        }
    }
}

fn what(object: &Json) -> String {
    format!("policy {} of {}", object.text("policy_arn"), object.text("principal_arn"))
}

fn id(object: &Json) -> String {
    ["cluster_name", "principal_arn", "policy_arn"].map(|name| object.text(name)).join("#")
}

async fn of_principal(at: &Session, cluster: &str, principal: &str) -> Called<Vec<AssociatedAccessPolicy>> {
    let pages =
        at.eks().read.list_associated_access_policies().cluster_name(cluster).principal_arn(principal);
    let policies: Result<Vec<_>, _> = pages.into_paginator().items().send().collect().await;
    match policies.map_err(|e| failed(&format!("Reading the policies of {principal}"), e)) {
        Ok(policies) => Ok(policies),
        Err(failure) if failure.is_missing() => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}

fn pick(policies: &[AssociatedAccessPolicy], object: &Json) -> Option<Json> {
    let policy = policies.iter().find(|policy| policy.policy_arn() == Some(object.text("policy_arn")))?;
    let scope = policy.access_scope().map(|scope| {
        let namespaces = sorted(scope.namespaces());
        json!({
            "type": scope.r#type().map(|kind| kind.as_str()),
            "namespaces": if namespaces.is_empty() { Json::Null } else { json!(namespaces) },
        })
    });
    Some(json!({
        "id": id(object), "cluster_name": object.text("cluster_name"),
        "principal_arn": object.text("principal_arn"), "policy_arn": object.text("policy_arn"),
        "access_scope": scope.into_iter().collect::<Vec<_>>(),
    }))
}
