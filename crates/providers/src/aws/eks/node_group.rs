//! `aws_eks_node_group`.

use async_trait::async_trait;
use aws_sdk_eks::types::{
    LaunchTemplateSpecification, Nodegroup, NodegroupScalingConfig, NodegroupUpdateConfig, Taint,
    UpdateLabelsPayload, UpdateTaintsPayload,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, AttributeError, Block, Path, Type, Value};
use uuid::Uuid;

use super::super::arn::Arn as _;
use super::super::error::{Failure, bad_id, failed};
use super::super::json::{Fields as _, same_in_any_order};
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called};
use super::super::schema::{block, flag, given, located, name, needed, nested, number, tags, tags_all, text};
use super::super::session::Session;
use super::super::tags::Tags;
use super::slow::{Seen, Slow, Step};
use super::{check_name, label_changes, tag_map, tags_of, versions, within_cluster};

/// The type.
pub(super) struct NodeGroup;

const EFFECTS: [&str; 3] = ["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"];

#[async_trait]
impl Slow for NodeGroup {
    const KIND: &'static str = "aws_eks_node_group";
    const WORKS: &'static [&'static str] = &["ACTIVE"];
    const MINUTES: (u64, u64, u64) = (60, 60, 60);

    fn block(&self) -> Block {
        let size = |description| Attribute::required(Type::Number).describe(description);
        let scaling = block(
            [
                ("desired_size", size("Nodes there shall be.")),
                ("max_size", size("Nodes at most.")),
                ("min_size", size("Nodes at least.")),
            ],
            [],
        );
        let update = block(
            [
                ("max_unavailable", number("Nodes that may be away during an update.")),
                ("max_unavailable_percentage", number("The same as a percentage.")),
            ],
            [],
        );
        let taint = block(
            [
                ("key", name("Name of the taint.")),
                ("value", text("Its value.")),
                ("effect", name("NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE.")),
            ],
            [],
        );
        let template = block(
            [
                ("id", text("Id of the launch template.").or_computed().force_new()),
                ("name", text("Name of the launch template.").or_computed().force_new()),
                ("version", name("Version of the launch template.")),
            ],
            [],
        );
        located(
            [
                ("cluster_name", name("Name of the cluster.").force_new()),
                (
                    "node_group_name",
                    text("Name of the node group; made up when not set.").or_computed().force_new(),
                ),
                ("node_group_name_prefix", text("What a made up name starts with.").force_new()),
                ("node_role_arn", name("ARN of the nodes' role.").force_new()),
                (
                    "subnet_ids",
                    Attribute::required(Type::set(Type::String))
                        .describe("Subnets of the nodes.")
                        .force_new(),
                ),
                ("ami_type", text("Kind of image.").or_computed().force_new()),
                ("capacity_type", text("ON_DEMAND, SPOT or CAPACITY_BLOCK.").or_computed().force_new()),
                ("disk_size", number("Size of the disk in GiB.").or_computed().force_new()),
                (
                    "instance_types",
                    Attribute::optional(Type::list(Type::String))
                        .describe("Types of instances.")
                        .or_computed()
                        .force_new(),
                ),
                ("labels", Attribute::optional(Type::map(Type::String)).describe("Labels of the nodes.")),
                ("version", text("Version of Kubernetes; the cluster's when not set.").or_computed()),
                ("release_version", text("Version of the image.").or_computed()),
                ("force_update_version", flag("Update although pods cannot be moved away.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Cluster and name, with a colon.")),
                ("arn", given("ARN of the node group.")),
                ("status", given("Where the node group is in its life.")),
            ],
            [
                ("scaling_config", needed(scaling)),
                ("update_config", nested(update)),
                ("taint", nested(taint)),
                ("launch_template", nested(template)),
            ],
        )
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        check_name(problems, "cluster_name", 100);
        check_name(problems, "node_group_name", 63);
        check_name(problems, "node_group_name_prefix", 37);
        problems.exclusive(&root.attribute("node_group_name_prefix"), &root.attribute("node_group_name"));
        problems.arn(&root.attribute("node_role_arn"), "iam");
        problems.one_of(&root.attribute("capacity_type"), &["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"]);
        if let Some(scaling) = problems.exactly_one(&root.attribute("scaling_config")) {
            sizes(problems, &scaling);
        }
        if let Some(update) = problems.single(&root.attribute("update_config")) {
            let (count, percentage) =
                (update.attribute("max_unavailable"), update.attribute("max_unavailable_percentage"));
            problems.exclusive(&count, &percentage);
            problems.range(&count, 1..=100);
            problems.range(&percentage, 1..=100);
        }
        for taint in problems.each(&root.attribute("taint")) {
            problems.one_of(&taint.attribute("effect"), &EFFECTS);
        }
        problems.single(&root.attribute("launch_template"));
    }

    fn identity(&self, object: &Value) -> Option<String> {
        within_cluster(object, &["cluster_name", "node_group_name"])
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.keep_prefix("node_group_name_prefix", "node_group_name");
        let (cluster, name) = (draft.planned("cluster_name"), draft.planned("node_group_name"));
        if let (true, Some(cluster), Some(name)) = (draft.is_creation(), cluster.as_str(), name.as_str()) {
            draft.set("id", format!("{cluster}:{name}").into());
        }
        // Taints have no order.
        if same_in_any_order(&draft.prior("taint"), &draft.planned("taint")) {
            draft.set("taint", draft.prior("taint"));
        }
        versions::plan(draft, &["release_version"])
    }

    fn same(&self, _name: &str, _a: &Value, _b: &Value) -> bool {
        false
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &["update_config"]
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id.split_once(':') {
            Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() => {
                Ok(json!({ "cluster_name": cluster, "node_group_name": name }))
            }
            _ => Err(bad_id(Self::KIND, "CLUSTER:NODE_GROUP")),
        }
    }

    fn what(&self, object: &Json) -> String {
        format!(
            "node group {:?} of the cluster {:?}",
            object.text("node_group_name"),
            object.text("cluster_name")
        )
    }

    fn named(&self, token: &str, planned: &Json) -> Json {
        let mut planned = planned.clone();
        if planned.given("node_group_name").is_none() {
            let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, token.as_bytes()).simple().to_string();
            let prefix = planned.given("node_group_name_prefix").unwrap_or_else(|| "tenantctl-".into());
            planned["node_group_name"] = format!("{prefix}{}", &own[..20]).into();
        }
        planned
    }

    fn update_of(&self, object: &Json) -> (String, Option<String>, Option<String>) {
        (object.text("cluster_name").to_owned(), object.given("node_group_name"), None)
    }

    async fn look(&self, at: &Session, object: &Json) -> Called<Option<Seen>> {
        let answer = at.eks().read.describe_nodegroup().cluster_name(object.text("cluster_name"));
        let answer = answer.nodegroup_name(object.text("node_group_name")).send().await;
        match answer.map_err(|e| failed(&format!("Reading the {}", self.what(object)), e)) {
            Ok(answer) => Ok(answer.nodegroup().map(|found| seen(found, object))),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn begin(&self, call: &Call<'_>, planned: &Json, tags: Tags) -> Result<(), Failure> {
        let some = |items: Vec<String>| if items.is_empty() { None } else { Some(items) };
        let labels = planned.texts_by_name("labels");
        let template = planned.block("launch_template").map(|template| {
            LaunchTemplateSpecification::builder()
                .set_id(template.given("id"))
                .set_name(template.given("name").filter(|_| template.given("id").is_none()))
                .set_version(template.given("version"))
                .build()
        });
        let create = call.at.eks().write.create_nodegroup();
        let create = create
            .cluster_name(planned.text("cluster_name"))
            .nodegroup_name(planned.text("node_group_name"))
            .node_role(planned.text("node_role_arn"))
            .set_subnets(Some(planned.texts("subnet_ids")))
            .scaling_config(scaling(planned))
            .set_update_config(planned.block("update_config").map(update_config))
            .set_ami_type(planned.given("ami_type").map(|ami| ami.as_str().into()))
            .set_capacity_type(planned.given("capacity_type").map(|capacity| capacity.as_str().into()))
            .set_disk_size(planned.int32("disk_size"))
            .set_instance_types(some(planned.texts("instance_types")))
            .set_labels(tag_map(&labels))
            .set_taints(Some(planned.items("taint").iter().map(taint).collect()))
            .set_launch_template(template)
            .set_version(planned.given("version"))
            .set_release_version(planned.given("release_version"))
            .client_request_token(call.token)
            .set_tags(tag_map(&tags));
        let doing = format!("Creating the {}", self.what(planned));
        create.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn step(&self, at: &Session, seen: &Seen, planned: &Json) -> Result<Step, Failure> {
        let (actual, what) = (&seen.object, self.what(planned));
        let (cluster, name) = (planned.text("cluster_name"), planned.text("node_group_name"));
        let begun = |id: Option<&str>, message: &str| {
            Ok(Step::Begun(id.unwrap_or_default().to_owned(), message.to_owned()))
        };
        if let Some(request) = configure(actual, planned) {
            let update = at.eks().write.update_nodegroup_config().cluster_name(cluster).nodegroup_name(name);
            let update = update
                .scaling_config(scaling(planned))
                .set_update_config(planned.block("update_config").map(update_config))
                .set_labels(request.labels)
                .set_taints(request.taints);
            let update = update.send().await.map_err(|e| failed(&format!("Changing the {what}"), e))?;
            return begun(update.update().and_then(|update| update.id()), "changing size, labels and taints");
        }
        let newer = ["version", "release_version"].iter().any(|part| super::differs(planned, actual, part));
        let template = planned.block("launch_template").map(|template| template.text("version"));
        let has = actual.block("launch_template").map(|template| template.text("version"));
        if newer || template != has {
            let update = at.eks().write.update_nodegroup_version().cluster_name(cluster).nodegroup_name(name);
            let update = update
                .set_version(planned.given("version"))
                .set_release_version(planned.given("release_version"))
                .set_launch_template(planned.block("launch_template").map(|template| {
                    LaunchTemplateSpecification::builder()
                        .set_id(template.given("id").or_else(|| actual.block("launch_template")?.given("id")))
                        .set_version(template.given("version"))
                        .build()
                }))
                .force(planned.flag("force_update_version").unwrap_or(false));
            let update = update.send().await.map_err(|e| failed(&format!("Updating the {what}"), e))?;
            return begun(update.update().and_then(|update| update.id()), "replacing nodes");
        }
        Ok(Step::Arrived)
    }

    async fn remove(&self, at: &Session, object: &Json) -> Result<(), Failure> {
        let delete = at.eks().write.delete_nodegroup().cluster_name(object.text("cluster_name"));
        let delete = delete.nodegroup_name(object.text("node_group_name")).send().await;
        delete.map(|_| ()).map_err(|e| failed(&format!("Removing the {}", self.what(object)), e))
    }
}

fn sizes(problems: &mut Problems<'_>, scaling: &Path) {
    let (min, desired, max) =
        (scaling.attribute("min_size"), scaling.attribute("desired_size"), scaling.attribute("max_size"));
    problems.range(&min, 0..=i64::from(i32::MAX));
    problems.range(&max, 1..=i64::from(i32::MAX));
    let of = |path: &Path, problems: &Problems<'_>| problems.int(path);
    let (from, to, wanted) = (of(&min, problems), of(&max, problems), of(&desired, problems));
    if let (Some(from), Some(to), Some(wanted)) = (from, to, wanted)
        && !(from..=to).contains(&wanted)
    {
        let detail = format!("desired_size is {wanted}, and must be from min_size {from} to max_size {to}.");
        problems.push(desired, "Number out of range", detail);
    }
}

fn scaling(planned: &Json) -> NodegroupScalingConfig {
    let scaling = planned.block("scaling_config").unwrap_or(&Json::Null);
    NodegroupScalingConfig::builder()
        .set_min_size(scaling.int32("min_size"))
        .set_max_size(scaling.int32("max_size"))
        .set_desired_size(scaling.int32("desired_size"))
        .build()
}

fn update_config(update: &Json) -> NodegroupUpdateConfig {
    NodegroupUpdateConfig::builder()
        .set_max_unavailable(update.int32("max_unavailable"))
        .set_max_unavailable_percentage(update.int32("max_unavailable_percentage"))
        .build()
}

fn taint(taint: &Json) -> Taint {
    Taint::builder()
        .key(taint.text("key"))
        .set_value(taint.given("value"))
        .effect(taint.text("effect").into())
        .build()
}

/// Labels and taints that a change sets and removes.
struct Request {
    labels: Option<UpdateLabelsPayload>,
    taints: Option<UpdateTaintsPayload>,
}

fn configure(actual: &Json, planned: &Json) -> Option<Request> {
    let (set, removed) = label_changes(&actual.texts_by_name("labels"), &planned.texts_by_name("labels"));
    let labels = !set.is_empty() || !removed.is_empty();
    let payload =
        UpdateLabelsPayload::builder().set_add_or_update_labels(Some(set)).set_remove_labels(Some(removed));
    let key = |of: &Json| format!("{} {} {}", of.text("key"), of.text("effect"), of.text("value"));
    let missing = |of: &Json, from: &Json| -> Vec<Taint> {
        let other: Vec<String> = from.items("taint").iter().map(key).collect();
        of.items("taint").iter().filter(|one| !other.contains(&key(one))).map(taint).collect()
    };
    let (add, remove) = (missing(planned, actual), missing(actual, planned));
    // One whose value changes is not to be removed.
    let kept = |one: &Taint| add.iter().any(|new| new.key() == one.key() && new.effect() == one.effect());
    let remove: Vec<Taint> = remove.into_iter().filter(|one| !kept(one)).collect();
    let taints = !add.is_empty() || !remove.is_empty();
    let taint_payload =
        UpdateTaintsPayload::builder().set_add_or_update_taints(Some(add)).set_remove_taints(Some(remove));
    let block = |of: &Json, name: &str| of.block(name).cloned().unwrap_or(Json::Null);
    let differs = |name: &str, parts: &[&str]| {
        let (wanted, has) = (block(planned, name), block(actual, name));
        !wanted.is_null() && parts.iter().any(|part| wanted.int(part) != has.int(part))
    };
    let sizes = differs("scaling_config", &["min_size", "max_size", "desired_size"]);
    let update = differs("update_config", &["max_unavailable", "max_unavailable_percentage"]);
    (labels || taints || sizes || update).then(|| Request {
        labels: labels.then(|| payload.build()),
        taints: taints.then(|| taint_payload.build()),
    })
}

fn seen(found: &Nodegroup, reference: &Json) -> Seen {
    let issues = found.health().map(|health| health.issues()).unwrap_or_default().iter().map(|issue| {
        let code = issue.code().map_or("", aws_sdk_eks::types::NodegroupIssueCode::as_str);
        format!("{} ({code})", issue.message().unwrap_or_default().trim_end_matches('.'))
    });
    Seen {
        object: shown(found, reference),
        arn: found.nodegroup_arn().unwrap_or_default().to_owned(),
        status: found.status().map_or("", aws_sdk_eks::types::NodegroupStatus::as_str).to_owned(),
        tags: tags_of(found.tags()),
        issues: issues.collect(),
    }
}

fn shown(found: &Nodegroup, reference: &Json) -> Json {
    let (cluster, name) =
        (found.cluster_name().unwrap_or_default(), found.nodegroup_name().unwrap_or_default());
    let scaling = found.scaling_config().map(|scaling| {
        json!({
            "min_size": scaling.min_size(), "max_size": scaling.max_size(), "desired_size": scaling.desired_size(),
        })
    });
    let update = found.update_config().map(|update| {
        json!({
            "max_unavailable": update.max_unavailable(),
            "max_unavailable_percentage": update.max_unavailable_percentage(),
        })
    });
    let template = found.launch_template().map(
        |template| json!({ "id": template.id(), "name": template.name(), "version": template.version() }),
    );
    let one = |block: Option<Json>| block.into_iter().collect::<Vec<_>>();
    let labels = found.labels().filter(|labels| !labels.is_empty());
    json!({
        "id": format!("{cluster}:{name}"), "cluster_name": cluster, "node_group_name": name,
        "arn": found.nodegroup_arn(), "node_role_arn": found.node_role(), "subnet_ids": found.subnets(),
        "ami_type": found.ami_type().map(|ami| ami.as_str()),
        "capacity_type": found.capacity_type().map(|capacity| capacity.as_str()),
        "disk_size": found.disk_size(), "instance_types": found.instance_types(), "labels": labels,
        "version": found.version(), "release_version": found.release_version(),
        "scaling_config": one(scaling), "update_config": one(update), "launch_template": one(template),
        "taint": taints_like(found.taints(), reference),
    })
}

/// Taints in the order in which they are recorded: they have none.
fn taints_like(taints: &[Taint], reference: &Json) -> Vec<Json> {
    let place = |taint: &Taint| {
        let is_this = |one: &Json| {
            Some(one.text("key")) == taint.key()
                && Some(one.text("effect")) == taint.effect().map(|effect| effect.as_str())
        };
        reference.items("taint").iter().position(is_this).unwrap_or(usize::MAX)
    };
    let mut taints: Vec<&Taint> = taints.iter().collect();
    taints.sort_by_key(|taint| place(taint));
    let shown = taints.into_iter().map(|taint| {
        let value = taint.value().filter(|value| !value.is_empty());
        json!({ "key": taint.key(), "value": value, "effect": taint.effect().map(|effect| effect.as_str()) })
    });
    shown.collect()
}
