//! Clusters, their node groups and add-ons, and who may use them.

mod access;
mod access_entry;
mod access_policy;
mod addon;
mod cluster;
mod cluster_schema;
mod data;
mod node_group;
mod pod_identity;
mod slow;
mod versions;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;
use tenantctl_core::provider::{Path, Value};

pub(super) use access::{ACCESS, Access, TOKEN, token, token_block, with_secret_access};

use super::error::failed;
use super::problems::Problems;
use super::resource::{Call, Called, Data, Resource};
use super::session::Session;
use super::tags::{Tags, difference};
use slow::Slowly;

/// All types.
pub(super) fn resources() -> Vec<Box<dyn Resource<Session>>> {
    vec![
        Box::new(Slowly(cluster::Cluster)),
        Box::new(Slowly(node_group::NodeGroup)),
        Box::new(Slowly(addon::Addon)),
        Box::new(access_entry::AccessEntry),
        Box::new(access_policy::AccessPolicy),
        Box::new(pod_identity::PodIdentity),
    ]
}

/// All data sources.
pub(super) fn data() -> Vec<Box<dyn Data>> {
    vec![Box::new(data::ClusterData), Box::new(data::ClusterAuth)]
}

/// Tags as the SDK has them.
fn tags_of(tags: Option<&HashMap<String, String>>) -> Tags {
    tags.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Tags as the SDK wants them.
fn tag_map(tags: &Tags) -> Option<HashMap<String, String>> {
    Some(tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// Brings an object's tags about.
async fn set_tags(call: &Call<'_>, arn: &str, actual: &Tags, planned: &Json) -> Called<()> {
    let (at, wanted) = (call.at, super::tags::changed(call, actual, planned));
    let (set, removed) = difference(actual, &wanted);
    let doing = format!("Tagging {arn}");
    if !set.is_empty() {
        let tag = at.eks().write.tag_resource().resource_arn(arn).set_tags(tag_map(&set));
        tag.send().await.map_err(|e| failed(&doing, e))?;
    }
    if !removed.is_empty() {
        let untag = at.eks().write.untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        untag.send().await.map_err(|e| failed(&doing, e))?;
    }
    Ok(())
}

/// An object's name within its cluster, once both are known.
fn within_cluster(object: &Value, parts: &[&str]) -> Option<String> {
    let mut names = Vec::new();
    for part in parts {
        names.push(object.get(part)?.as_str()?.to_owned());
    }
    Some(names.join("/"))
}

/// The rules for names of clusters and of what is in them.
fn check_name(problems: &mut Problems<'_>, name: &str, longest: usize) {
    let path = Path::root().attribute(name);
    let Some(text) = problems.text(&path) else { return };
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_good = text.chars().all(is_inner)
        && text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && text.len() <= longest;
    if !is_good {
        let detail = format!(
            "{name} is {text:?}, and must have 1 to {longest} letters, digits, hyphens and underscores, \
             the first a letter or digit."
        );
        problems.push(path, "Invalid name", detail);
    }
}

/// Text lists without order, as plans and states have sets.
fn sorted(items: &[String]) -> Vec<String> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// Whether what is wanted is given and another than what there is.
fn differs(wanted: &Json, actual: &Json, name: &str) -> bool {
    let part = |of: &Json| of.get(name).filter(|part| !part.is_null()).cloned();
    part(wanted).is_some_and(|wanted| Some(wanted) != part(actual))
}

/// Labels to set and to remove.
fn label_changes(
    actual: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) -> (HashMap<String, String>, Vec<String>) {
    let set = wanted.iter().filter(|(k, v)| actual.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone()));
    let removed = actual.keys().filter(|name| !wanted.contains_key(*name)).cloned();
    (set.collect(), removed.collect())
}
