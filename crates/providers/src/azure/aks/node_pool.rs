//! `azurerm_kubernetes_cluster_node_pool`.

use async_trait::async_trait;
use azure_mgmt_containerservice::models::AgentPool;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, AttributeError, Block, Path, Type, Value};

use super::super::answer::{Answer, Failure, bad_id};
use super::super::arm::Condition;
use super::super::bridge::{self, Sending, model};
use super::super::id::Id;
use super::super::kind::{Kind, Put, state, tags_json};
use super::super::names;
use super::super::schema::{Aspect, Meaning, given, name, number, placed, tags, tags_all, text};
use super::super::session::Session;
use super::{CLUSTERS, NAMESPACE, POOLS, pools, versions};
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type.
pub(in super::super) struct NodePool;

/// Arguments of pools that stand by themselves: ours, and Azure's.
const OWN: [(&str, &str); 5] = [
    ("mode", "mode"),
    ("os_type", "osType"),
    ("priority", "scaleSetPriority"),
    ("eviction_policy", "scaleSetEvictionPolicy"),
    ("spot_max_price", "spotMaxPrice"),
];

/// The parts of a pool's id.
struct Place {
    subscription: String,
    group: String,
    cluster: String,
    pool: String,
}

fn place(id: &str) -> Result<Place, Failure> {
    let parsed = Id::parse(id, NAMESPACE, &[CLUSTERS, POOLS]);
    let parsed = parsed.ok_or_else(|| Failure::of(bad_id(NodePool::KIND, SHAPE)))?;
    Ok(Place {
        cluster: parsed.part(0).to_owned(),
        pool: parsed.name().to_owned(),
        subscription: parsed.subscription,
        group: parsed.group,
    })
}

const SHAPE: &str = "the cluster's id, /agentPools/ and the name";

/// Writes a pool.
pub(super) async fn put(at: &Session, doing: String, put: &Put) -> Result<Answer, Failure> {
    let Place { subscription, group, cluster, pool } = place(&put.path)?;
    let (model, body) = model::<AgentPool>(&put.body)?;
    let sending = Sending { doing, body, condition: put.condition.clone() };
    bridge::send(at, sending, |client| {
        client.agent_pools_client().create_or_update(subscription, group, cluster, pool, model).send()
    })
    .await
}

#[async_trait]
impl Kind for NodePool {
    const KIND: &'static str = "azurerm_kubernetes_cluster_node_pool";
    const API: &'static str = bridge::API;
    const MINUTES: u64 = 60;
    const WHOLE: bool = false;

    fn block(&self) -> Block {
        let fixed = |attribute: Attribute| attribute.force_new();
        let taints = Attribute::optional(Type::list(Type::String));
        pools::with_pool(placed(
            [
                ("name", fixed(name("Name of the pool."))),
                ("kubernetes_cluster_id", fixed(name("Id of the cluster."))),
                ("mode", text("User, or System for what the cluster itself needs.").or_computed()),
                ("os_type", fixed(text("Linux or Windows.").or_computed())),
                ("priority", fixed(text("Regular or Spot.").or_computed())),
                ("eviction_policy", fixed(text("What becomes of spot machines: Delete or Deallocate."))),
                ("spot_max_price", fixed(number("The most to pay for a spot machine, -1 for any price."))),
                ("node_taints", taints.describe("Taints of the nodes: tenant=acme:NoSchedule.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("provisioning_state", given("Where the pool is in its life.")),
            ],
            [],
        ))
        .meaning(Meaning::of(Aspect::Encrypted, &["host_encryption_enabled"]).or(false))
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        names::check_id(problems, "kubernetes_cluster_id", NAMESPACE, &[CLUSTERS]);
        pools::check(problems, &root);
        problems.one_of(&root.attribute("mode"), &["User", "System"]);
        problems.one_of(&root.attribute("os_type"), &["Linux", "Windows"]);
        problems.one_of(&root.attribute("priority"), &["Regular", "Spot"]);
        problems.one_of(&root.attribute("eviction_policy"), &["Delete", "Deallocate"]);
        for path in problems.each(&root.attribute("node_taints")) {
            let Some(taint) = problems.text(&path) else { continue };
            let effect = taint.rsplit_once(':').map_or("", |(_, effect)| effect);
            if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) || !taint.contains('=') {
                problems.push(path, "Invalid taint", format!("{taint:?} is not like key=value:NoSchedule."));
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("kubernetes_cluster_id")?, part("name")?))
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("mode", "User");
        draft.default("os_type", "Linux");
        draft.default("priority", "Regular");
        for flag in ["auto_scaling_enabled", "host_encryption_enabled", "node_public_ip_enabled"] {
            draft.default(flag, false);
        }
        if draft.prior("provisioning_state").as_str().is_some_and(|state| state != "Succeeded") {
            draft.reopen_results();
        }
        versions::plan(draft, "orchestrator_version")
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let texts = a.as_str().zip(b.as_str());
        name == "orchestrator_version" && texts.is_some_and(|(a, b)| versions::same(a, b))
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &["upgrade_settings"]
    }

    fn id(&self, _at: &Session, object: &Json) -> String {
        let cluster = object.text("kubernetes_cluster_id").trim_end_matches('/');
        format!("{cluster}/{POOLS}/{}", object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        let cluster = object.text("kubernetes_cluster_id").rsplit('/').next().unwrap_or_default();
        format!("node pool {:?} of the cluster {cluster:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let Place { subscription, group, cluster, pool } = place(id)?;
        let kind = format!("{NAMESPACE}/{CLUSTERS}");
        let cluster = super::super::id::object(&subscription, &group, &kind, &cluster);
        Ok(json!({ "name": pool, "kubernetes_cluster_id": cluster }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        let mut properties = Json::Object(pools::properties(planned));
        for (ours, theirs) in OWN {
            if let Some(value) = planned.part(ours) {
                properties[theirs] = value.clone();
            }
        }
        properties["nodeTaints"] = json!(planned.texts("node_taints"));
        properties["nodeLabels"] = json!(planned.texts_by_name("node_labels"));
        properties["tags"] = tags_json(tags);
        json!({ "properties": properties })
    }

    fn tags(&self, actual: &Json) -> Tags {
        actual["properties"].texts_by_name("tags")
    }

    fn shown(&self, _at: &Session, actual: &Json, reference: &Json) -> Json {
        let properties = &actual["properties"];
        let mut object = pools::shown(properties);
        for (ours, theirs) in OWN {
            object[ours] = properties[theirs].clone();
        }
        object["id"] = actual["id"].clone();
        object["name"] = actual["name"].clone();
        object["priority"] = properties.given("scaleSetPriority").unwrap_or_else(|| "Regular".into()).into();
        object["provisioning_state"] = shown_state(actual);
        let taints = properties.texts("nodeTaints");
        object["node_taints"] = if taints.is_empty() { Json::Null } else { json!(taints) };
        let _ = reference;
        object
    }

    fn listing(&self, _at: &Session, object: &Json) -> Option<String> {
        Some(format!("{}/{POOLS}", object.text("kubernetes_cluster_id").trim_end_matches('/')))
    }

    fn turn(&self, _at: &Session, object: &Json) -> Option<String> {
        Some(object.text("kubernetes_cluster_id").trim_end_matches('/').to_owned())
    }

    fn next(&self, at: &Session, actual: &Json, planned: &Json, tags: &Tags) -> Called<Option<Put>> {
        let is = self.shown(at, actual, planned);
        let (path, condition) = (self.id(at, planned), Condition::None);
        let put = |planned: &Json| Put {
            path: path.clone(),
            body: self.body(planned, tags),
            condition: condition.clone(),
            message: "updating".into(),
        };
        let (has, wanted) = (is.text("orchestrator_version"), planned.text("orchestrator_version"));
        if let Some(next) = versions::next(has, wanted) {
            let mut step = planned.clone();
            step["orchestrator_version"] = next.as_str().into();
            return Ok(Some(versions::upgrade(put(&step), &next, wanted)));
        }
        let differs = pools::differs(&is, planned)
            || is.text("mode") != planned.text("mode")
            || is.texts("node_taints") != planned.texts("node_taints")
            || self.tags(actual) != *tags;
        Ok(differs.then(|| put(planned)))
    }

    async fn look(&self, at: &Session, object: &Json) -> Result<Option<Json>, Failure> {
        let Place { subscription, group, cluster, pool } = place(&self.id(at, object))?;
        let doing = format!("Reading the {}", self.what(object));
        let sending = Sending { doing, ..Sending::default() };
        let answer = bridge::send(at, sending, |client| {
            client.agent_pools_client().get(subscription, group, cluster, pool).send()
        });
        match answer.await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn put(&self, at: &Session, object: &Json, write: &Put) -> Result<Answer, Failure> {
        put(at, format!("Writing the {}", self.what(object)), write).await
    }

    async fn remove(&self, at: &Session, object: &Json) -> Result<Answer, Failure> {
        let Place { subscription, group, cluster, pool } = place(&self.id(at, object))?;
        let doing = format!("Removing the {}", self.what(object));
        let sending = Sending { doing, ..Sending::default() };
        bridge::send(at, sending, |client| {
            client.agent_pools_client().delete(subscription, group, cluster, pool).send()
        })
        .await
    }
}

/// What it works at now is no news; how it was left is.
pub(super) fn shown_state(actual: &Json) -> Json {
    match state(actual) {
        "" | "Updating" | "Upgrading" | "Scaling" | "Starting" | "UpgradingNodeImageVersion" => {
            "Succeeded".into()
        }
        state => state.into(),
    }
}
