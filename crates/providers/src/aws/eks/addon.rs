//! `aws_eks_addon`.

use async_trait::async_trait;
use aws_sdk_eks::types::Addon as Found;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Path, Value};

use super::super::arn::Arn as _;
use super::super::error::{Failure, bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::policy::same_document;
use super::super::problems::Problems;
use super::super::resource::{Call, Called};
use super::super::schema::{flag, given, located, name, tags, tags_all, text};
use super::super::session::Session;
use super::super::tags::Tags;
use super::slow::{Seen, Slow, Step};
use super::{check_name, differs, tag_map, tags_of, within_cluster};

/// The type.
pub(super) struct Addon;

#[async_trait]
impl Slow for Addon {
    const KIND: &'static str = "aws_eks_addon";
    const WORKS: &'static [&'static str] = &["ACTIVE"];
    const MINUTES: (u64, u64, u64) = (20, 20, 40);

    fn block(&self) -> Block {
        located(
            [
                ("cluster_name", name("Name of the cluster.").force_new()),
                ("addon_name", name("Name of the add-on.").force_new()),
                ("addon_version", text("Version of the add-on.").or_computed()),
                ("configuration_values", text("Configuration of the add-on, in JSON.").or_computed()),
                ("service_account_role_arn", text("ARN of the role of its service account.")),
                ("resolve_conflicts_on_create", text("NONE or OVERWRITE.")),
                ("resolve_conflicts_on_update", text("NONE, OVERWRITE or PRESERVE.")),
                ("preserve", flag("Leave what it runs when it is removed.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Cluster and name, with a colon.")),
                ("arn", given("ARN of the add-on.")),
                ("status", given("Where the add-on is in its life.")),
            ],
            [],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        check_name(problems, "cluster_name", 100);
        check_name(problems, "addon_name", 63);
        problems.arn(&root.attribute("service_account_role_arn"), "iam");
        problems.one_of(&root.attribute("resolve_conflicts_on_create"), &["NONE", "OVERWRITE"]);
        problems.one_of(&root.attribute("resolve_conflicts_on_update"), &["NONE", "OVERWRITE", "PRESERVE"]);
        let values = root.attribute("configuration_values");
        if problems.text(&values).is_some_and(|text| serde_json::from_str::<Json>(&text).is_err()) {
            problems.push(values, "Invalid JSON", "configuration_values is no JSON.");
            problems.hint("Write it with jsonencode().");
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        within_cluster(object, &["cluster_name", "addon_name"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        let (cluster, name) = (draft.planned("cluster_name"), draft.planned("addon_name"));
        if let (Some(cluster), Some(name)) = (cluster.as_str(), name.as_str()) {
            draft.set("id", format!("{cluster}:{name}").into());
        }
        Ok(())
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "configuration_values" && same_document(a, b)
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &[]
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once(':') {
            Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() => {
                Ok(json!({ "cluster_name": cluster, "addon_name": name }))
            }
            _ => Err(bad_id(Self::KIND, "CLUSTER:ADDON")),
        }
    }

    fn what(&self, object: &Json) -> String {
        format!("add-on {:?} of the cluster {:?}", object.text("addon_name"), object.text("cluster_name"))
    }

    fn update_of(&self, object: &Json) -> (String, Option<String>, Option<String>) {
        (object.text("cluster_name").to_owned(), None, object.given("addon_name"))
    }

    async fn look(&self, at: &Session, object: &Json) -> Called<Option<Seen>> {
        let answer = at.eks().read.describe_addon().cluster_name(object.text("cluster_name"));
        let answer = answer.addon_name(object.text("addon_name")).send().await;
        match answer.map_err(|e| failed(&format!("Reading the {}", self.what(object)), e)) {
            Ok(answer) => Ok(answer.addon().map(seen)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn begin(&self, call: &Call<'_>, planned: &Json, tags: Tags) -> Result<(), Failure> {
        let create = call.at.eks().write.create_addon().cluster_name(planned.text("cluster_name"));
        let create = create
            .addon_name(planned.text("addon_name"))
            .set_addon_version(planned.given("addon_version"))
            .set_configuration_values(planned.given("configuration_values"))
            .set_service_account_role_arn(planned.given("service_account_role_arn"))
            .set_resolve_conflicts(
                planned.given("resolve_conflicts_on_create").map(|how| how.as_str().into()),
            )
            .client_request_token(call.token)
            .set_tags(tag_map(&tags));
        let doing = format!("Creating the {}", self.what(planned));
        create.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn step(&self, at: &Session, seen: &Seen, planned: &Json) -> Result<Step, Failure> {
        let actual = &seen.object;
        let document = |of: &Json| serde_json::from_str::<Json>(of.text("configuration_values")).ok();
        let values =
            differs(planned, actual, "configuration_values") && document(planned) != document(actual);
        let role = planned.text("service_account_role_arn") != actual.text("service_account_role_arn");
        if !values && !role && !differs(planned, actual, "addon_version") {
            return Ok(Step::Arrived);
        }
        let update = at.eks().write.update_addon().cluster_name(planned.text("cluster_name"));
        let update = update
            .addon_name(planned.text("addon_name"))
            .set_addon_version(planned.given("addon_version"))
            .set_configuration_values(planned.given("configuration_values"))
            // Empty takes the role away.
            .service_account_role_arn(planned.text("service_account_role_arn"))
            .set_resolve_conflicts(
                planned.given("resolve_conflicts_on_update").map(|how| how.as_str().into()),
            );
        let update =
            update.send().await.map_err(|e| failed(&format!("Changing the {}", self.what(planned)), e))?;
        let id = update.update().and_then(|update| update.id()).unwrap_or_default();
        Ok(Step::Begun(id.to_owned(), "changing the add-on".into()))
    }

    async fn remove(&self, at: &Session, object: &Json) -> Result<(), Failure> {
        let delete = at.eks().write.delete_addon().cluster_name(object.text("cluster_name"));
        let delete = delete.addon_name(object.text("addon_name"));
        let delete = delete.preserve(object.flag("preserve").unwrap_or(false)).send().await;
        delete.map(|_| ()).map_err(|e| failed(&format!("Removing the {}", self.what(object)), e))
    }
}

fn seen(found: &Found) -> Seen {
    let issues = found.health().map(|health| health.issues()).unwrap_or_default().iter().map(|issue| {
        let code = issue.code().map_or("", aws_sdk_eks::types::AddonIssueCode::as_str);
        format!("{} ({code})", issue.message().unwrap_or_default().trim_end_matches('.'))
    });
    let (cluster, name) = (found.cluster_name().unwrap_or_default(), found.addon_name().unwrap_or_default());
    Seen {
        object: json!({
            "id": format!("{cluster}:{name}"), "cluster_name": cluster, "addon_name": name,
            "arn": found.addon_arn(), "addon_version": found.addon_version(),
            "configuration_values": found.configuration_values(),
            "service_account_role_arn": found.service_account_role_arn(),
        }),
        arn: found.addon_arn().unwrap_or_default().to_owned(),
        status: found.status().map_or("", aws_sdk_eks::types::AddonStatus::as_str).to_owned(),
        tags: tags_of(found.tags()),
        issues: issues.collect(),
    }
}
