//! Credentials of clusters, asked for when they are needed.
//!
//! Guarantees: what a cluster's kubeconfig holds goes from Azure to who asks;
//! a cluster whose users are those of the directory gets a token of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::super::answer::bad_id;
use super::super::arm::token;
use super::super::bridge::{self, Sending};
use super::super::id::Id;
use super::super::session::Session;
use super::{CLUSTERS, NAMESPACE};
use crate::cloud::json::Fields as _;
use crate::cloud::resource::Called;
use crate::cluster_access::Credentials;

/// Under which every cluster whose users are those of the directory is known
/// there.
const CLUSTERS_OF_THE_DIRECTORY: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/// The kubeconfig of a cluster by its id, as text.
pub(super) async fn kubeconfig(at: &Session, cluster: &str) -> Called<String> {
    let doing = format!("Asking for the credentials of the cluster {cluster}");
    let id = Id::parse(cluster, NAMESPACE, &[CLUSTERS])
        .ok_or_else(|| bad_id("a cluster", "that of Microsoft.ContainerService/managedClusters"))?;
    let name = id.name().to_owned();
    let sending = Sending { doing: doing.clone(), ..Sending::default() };
    let answer = bridge::send(at, sending, |client| {
        client.managed_clusters_client().list_cluster_user_credentials(id.subscription, id.group, name).send()
    });
    let answer = answer.await?;
    let first = answer.body.items("kubeconfigs").first().map(|one| one.text("value").to_owned());
    let decoded = first.and_then(|text| STANDARD.decode(text).ok());
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        let detail = format!("{doing} failed: the answer holds no kubeconfig.");
        ProviderError::new(ErrorClass::Invalid, "Answer of Azure not understood", detail)
    })
}

/// What stands in a kubeconfig, by its current context.
struct Found {
    server: String,
    ca: Option<String>,
    user: Json,
}

fn read(kubeconfig: &str) -> Option<Found> {
    let config: Json = serde_yaml_ng::from_str(kubeconfig).ok()?;
    let named =
        |list: &str, name: &str| config.items(list).iter().find(|one| one.text("name") == name).cloned();
    let context = named("contexts", config.text("current-context"))?["context"].take();
    let cluster = named("clusters", context.text("cluster"))?["cluster"].take();
    let user = named("users", context.text("user"))?["user"].take();
    let ca = cluster.given("certificate-authority-data");
    Some(Found { server: cluster.given("server")?, ca, user })
}

fn not_understood() -> ProviderError {
    let detail = "The kubeconfig that Azure gave names no server.";
    ProviderError::new(ErrorClass::Invalid, "Answer of Azure not understood", detail)
}

/// Credentials of a cluster as they are now.
pub(in super::super) async fn credentials(at: &Session, cluster: &str) -> Called<Credentials> {
    let found = read(&kubeconfig(at, cluster).await?).ok_or_else(not_understood)?;
    let decoded = |text: Option<String>| {
        let bytes = STANDARD.decode(text?).ok()?;
        String::from_utf8(bytes).ok()
    };
    let mut credentials = Credentials {
        endpoint: found.server,
        ca: decoded(found.ca),
        token: found.user.given("token"),
        client_certificate: decoded(found.user.given("client-certificate-data")),
        client_key: decoded(found.user.given("client-key-data")),
    };
    if credentials.token.is_none() && credentials.client_certificate.is_none() {
        let doing = format!("Asking for a token of the cluster {cluster}");
        let arm = &at.arm;
        let token = token(&*arm.credential, CLUSTERS_OF_THE_DIRECTORY, &doing, arm.limit).await?;
        credentials.token = Some(token.secret().to_owned());
    }
    Ok(credentials)
}

/// The attributes `kube_config` and `kube_config_raw`, from a kubeconfig.
pub(super) fn attributes(raw: &str) -> Called<(Json, Json)> {
    let found = read(raw).ok_or_else(not_understood)?;
    let part = |name: &str| found.user.text(name).to_owned();
    let config = json!([{
        "host": found.server, "username": part("username"), "password": part("token"),
        "client_certificate": part("client-certificate-data"), "client_key": part("client-key-data"),
        "cluster_ca_certificate": found.ca,
    }]);
    Ok((config, raw.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_is_taken() {
        let text = "current-context: b\ncontexts:\n- name: a\n  context: {cluster: a, user: a}\n- name: b\n  \
            context: {cluster: b, user: u}\nclusters:\n- name: b\n  cluster: {server: 'https://b', \
            certificate-authority-data: Y2E=}\nusers:\n- name: u\n  user: {token: t}\n";
        let (config, _) = attributes(text).expect("read");
        assert_eq!(
            (config[0]["host"].as_str(), config[0]["password"].as_str()),
            (Some("https://b"), Some("t"))
        );
        assert!(attributes("current-context: x").is_err());
    }
}
