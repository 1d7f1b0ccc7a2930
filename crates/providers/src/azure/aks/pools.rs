//! What a pool is, whether it stands in a cluster or by itself: arguments, what
//! is sent for them, what is shown of what there is.
//!
//! Pure.

use serde_json::{Map, Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, BlockType, Path, Type};

use super::super::names;
use super::super::schema::{block, flag, name, nested, number, text, texts, texts_by_name};
use super::versions;
use crate::cloud::json::Fields as _;
use crate::cloud::problems::Problems;

/// Arguments of all pools that stay what they were made as: ours, and Azure's.
const FIXED: [(&str, &str); 9] = [
    ("vm_size", "vmSize"),
    ("max_pods", "maxPods"),
    ("os_disk_size_gb", "osDiskSizeGB"),
    ("os_disk_type", "osDiskType"),
    ("os_sku", "osSKU"),
    ("vnet_subnet_id", "vnetSubnetID"),
    ("zones", "availabilityZones"),
    ("host_encryption_enabled", "enableEncryptionAtHost"),
    ("node_public_ip_enabled", "enableNodePublicIP"),
];
/// Arguments that can be changed.
const OPEN: [(&str, &str); 6] = [
    ("node_count", "count"),
    ("auto_scaling_enabled", "enableAutoScaling"),
    ("min_count", "minCount"),
    ("max_count", "maxCount"),
    ("node_labels", "nodeLabels"),
    ("orchestrator_version", "orchestratorVersion"),
];
/// Parts of `upgrade_settings`.
const UPGRADE: [(&str, &str); 3] = [
    ("max_surge", "maxSurge"),
    ("drain_timeout_in_minutes", "drainTimeoutInMinutes"),
    ("node_soak_duration_in_minutes", "nodeSoakDurationInMinutes"),
];

/// Arguments of all pools.
pub(super) fn attributes() -> Vec<(&'static str, Attribute)> {
    let fixed = |attribute: Attribute| attribute.force_new();
    vec![
        ("vm_size", fixed(name("Size of the machines: Standard_D4ds_v5."))),
        (
            "node_count",
            number("How many nodes; with automatic scaling, how many to begin with.").or_computed(),
        ),
        ("auto_scaling_enabled", flag("As many nodes as are needed.").or_computed()),
        ("min_count", number("With automatic scaling, the fewest nodes.")),
        ("max_count", number("With automatic scaling, the most nodes.")),
        ("max_pods", fixed(number("How many pods a node takes.").or_computed())),
        ("os_disk_size_gb", fixed(number("Size of a node's disk, in GiB.").or_computed())),
        ("os_disk_type", fixed(text("Managed or Ephemeral.").or_computed())),
        ("os_sku", fixed(text("Ubuntu or AzureLinux.").or_computed())),
        ("vnet_subnet_id", fixed(text("Id of the nodes' subnet."))),
        ("zones", fixed(texts("Zones that the nodes are spread over."))),
        ("host_encryption_enabled", fixed(flag("Encrypt the machines' own disks.").or_computed())),
        ("node_public_ip_enabled", fixed(flag("Each node has a public address.").or_computed())),
        ("node_labels", texts_by_name("Labels of the nodes.")),
        ("orchestrator_version", text("Version of Kubernetes of the nodes.").or_computed()),
    ]
}

/// Their nested blocks.
pub(super) fn blocks() -> Vec<(&'static str, BlockType)> {
    let upgrade = block(
        [
            ("max_surge", name("Nodes that are made besides while others are renewed: 10%.")),
            ("drain_timeout_in_minutes", number("For how many minutes pods may take to leave a node.")),
            ("node_soak_duration_in_minutes", number("For how many minutes a new node is watched.")),
        ],
        [],
    );
    vec![("upgrade_settings", nested(upgrade))]
}

/// A block with the arguments of pools besides others.
pub(super) fn with_pool(mut block: Block) -> Block {
    block.attributes.extend(attributes());
    block.blocks.extend(blocks());
    block
}

/// Problems of a pool's arguments, at a path.
pub(super) fn check(problems: &mut Problems<'_>, at: &Path) {
    names::check_at(
        problems,
        &at.attribute("name"),
        &names::POOL,
        "1 to 12 small letters and digits, a letter first",
    );
    let (least, most, count) =
        (at.attribute("min_count"), at.attribute("max_count"), at.attribute("node_count"));
    for path in [&least, &most, &count] {
        problems.range(path, 0..=1000);
    }
    problems.range(&at.attribute("max_pods"), 10..=250);
    problems.one_of(&at.attribute("os_disk_type"), &["Managed", "Ephemeral"]);
    if let Some(upgrade) = problems.single(&at.attribute("upgrade_settings")) {
        problems.range(&upgrade.attribute("drain_timeout_in_minutes"), 1..=1440);
        problems.range(&upgrade.attribute("node_soak_duration_in_minutes"), 0..=30);
    }
    let version = at.attribute("orchestrator_version");
    if let Some(text) = problems.text(&version)
        && !versions::is_version(&text)
    {
        problems.push(version, "Invalid version", format!("{text:?} is no version such as 1.33."));
    }
    let scaling = problems.at(&at.attribute("auto_scaling_enabled")).and_then(|value| value.as_bool());
    let (from, to, wanted) = (problems.int(&least), problems.int(&most), problems.int(&count));
    match (scaling, from, to) {
        (Some(true), Some(from), Some(to)) if from > to => {
            problems.push(
                least,
                "Number out of range",
                format!("min_count is {from}, and max_count is {to}."),
            );
        }
        (Some(true), Some(from), Some(to)) if wanted.is_some_and(|wanted| !(from..=to).contains(&wanted)) => {
            let detail = format!("node_count must be from min_count {from} to max_count {to}.");
            problems.push(count, "Number out of range", detail);
        }
        (Some(false) | None, Some(_), _) | (Some(false) | None, _, Some(_)) => {
            let is_unknown = problems.config.at_path(&at.attribute("auto_scaling_enabled"));
            if is_unknown.is_none_or(|value| value.is_known()) {
                let detail = "min_count and max_count are for auto_scaling_enabled = true.";
                problems.push(if from.is_some() { least } else { most }, "Conflicting arguments", detail);
            }
        }
        _ => {}
    }
}

/// What is sent for a pool's arguments, without its tags.
pub(super) fn properties(pool: &Json) -> Map<String, Json> {
    let mut sent = Map::new();
    for (ours, theirs) in FIXED.into_iter().chain(OPEN) {
        if let Some(value) =
            pool.part(ours).filter(|value| value.as_array().is_none_or(|list| !list.is_empty()))
        {
            sent.insert(theirs.into(), value.clone());
        }
    }
    // Azure takes these for the ones of a pool that scales by itself.
    if pool.flag("auto_scaling_enabled") != Some(true) {
        sent.remove("minCount");
        sent.remove("maxCount");
    }
    if let Some(upgrade) = pool.block("upgrade_settings") {
        let parts = UPGRADE
            .iter()
            .filter_map(|(ours, theirs)| Some(((*theirs).to_owned(), upgrade.part(ours)?.clone())));
        sent.insert("upgradeSettings".into(), Json::Object(parts.collect()));
    }
    sent.insert("type".into(), "VirtualMachineScaleSets".into());
    sent
}

/// What is shown of a pool, but for name, tags and what only one of the two
/// kinds has.
pub(super) fn shown(properties: &Json) -> Json {
    let mut object = json!({});
    for (ours, theirs) in FIXED.into_iter().chain(OPEN) {
        let empty = |value: &&Json| {
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
        };
        object[ours] = properties.part(theirs).filter(|value| !empty(value)).cloned().unwrap_or(Json::Null);
    }
    for flag in ["auto_scaling_enabled", "host_encryption_enabled", "node_public_ip_enabled"] {
        object[flag] = object.flag(flag).unwrap_or(false).into();
    }
    let upgrade = properties.part("upgradeSettings").filter(|upgrade| upgrade.part("maxSurge").is_some());
    let upgrade = upgrade.map(|upgrade| {
        let parts = UPGRADE.map(|(ours, theirs)| (ours.to_owned(), upgrade[theirs].clone()));
        Json::Object(parts.into_iter().collect())
    });
    object["upgrade_settings"] = upgrade.into_iter().collect();
    object
}

/// Whether a pool has to be changed to become what is planned, by what can be
/// changed.
pub(super) fn differs(is: &Json, planned: &Json) -> bool {
    let scales = planned.flag("auto_scaling_enabled") == Some(true);
    let open = OPEN.iter().filter(|(ours, _)| *ours != "orchestrator_version").any(|(ours, _)| {
        // Then somebody else decides how many there are.
        let free = scales && *ours == "node_count";
        let wanted = planned.part(ours);
        let removed = wanted.is_none() && *ours == "node_labels" && is.part(ours).is_some();
        !free && (removed || wanted.is_some_and(|wanted| is.part(ours) != Some(wanted)))
    });
    let upgrade = |of: &Json| of.block("upgrade_settings").cloned();
    let wanted = upgrade(planned).map(|wanted| {
        let has = upgrade(is).unwrap_or(Json::Null);
        UPGRADE.iter().any(|(ours, _)| wanted.part(ours).is_some_and(|w| has.part(ours) != Some(w)))
    });
    open || wanted.unwrap_or(false)
}

/// The type of a list of objects of texts.
pub(super) fn objects<const N: usize>(names: [&'static str; N]) -> Type {
    Type::list(Type::object(names.map(|name| (name, Type::String))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_shown_again() {
        let pool = json!({
            "vm_size": "Standard_D2s_v5", "node_count": 2, "auto_scaling_enabled": false, "min_count": null,
            "zones": ["1", "2"], "node_labels": {"a": "b"}, "orchestrator_version": "1.33", "max_pods": 30,
            "upgrade_settings": [{"max_surge": "10%", "drain_timeout_in_minutes": 5}],
        });
        let sent = Json::Object(properties(&pool));
        assert_eq!(sent["count"], 2);
        assert_eq!(sent["upgradeSettings"], json!({"maxSurge": "10%", "drainTimeoutInMinutes": 5}));
        let back = shown(&sent);
        assert!(!differs(&back, &pool), "{back}");
        for (name, value) in
            [("node_count", json!(3)), ("node_labels", Json::Null), ("node_labels", json!({"a": "c"}))]
        {
            let mut other = pool.clone();
            other[name] = value;
            assert!(differs(&back, &other), "{name}");
        }
    }

    #[test]
    fn who_scales_decides_how_many_there_are() {
        let is = json!({"auto_scaling_enabled": true, "node_count": 7, "min_count": 1, "max_count": 9});
        assert!(!differs(
            &is,
            &json!({"auto_scaling_enabled": true, "node_count": 1, "min_count": 1, "max_count": 9})
        ));
        assert!(differs(&is, &json!({"auto_scaling_enabled": true, "min_count": 2, "max_count": 9})));
    }
}
