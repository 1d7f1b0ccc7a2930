//! Somebody who talks to an API server, with the credentials of their own.

use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value as Json, json};
use tenantctl_test_servers::Cluster;

use crate::hybrid::fleet::{EU, Fleet};

pub const ACME: &str = "shop-acme--production-eu";
pub const GLOBEX: &str = "shop-globex--production-eu";
pub const INITECH: &str = "shop-initech--production-eu";

/// A person or a program.
#[derive(Clone)]
pub struct Person {
    client: Client,
}

/// What the API server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Json,
}

impl Answer {
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// That it was done, or would be.
    pub fn done(&self, what: &str) -> Result<(), String> {
        if self.is_good() { Ok(()) } else { Err(format!("{what}: refused: {}", self.message())) }
    }

    /// That it was refused, for this reason and no other.
    pub fn refused(&self, what: &str, reason: &str) -> Result<(), String> {
        match self {
            answer if answer.is_good() => Err(format!("{what}: done")),
            answer if answer.code == 403 && answer.message().contains(reason) => Ok(()),
            answer => {
                Err(format!("{what}: not refused for {reason:?}: {} {}", answer.code, answer.message()))
            }
        }
    }
}

impl Person {
    /// Who may do anything.
    pub async fn platform() -> Self {
        Person { client: Fleet::shared().cluster(EU).client().await }
    }

    /// A member of one of a customer's groups.
    pub async fn of(group: &str) -> Self {
        Self::at(EU, group).await
    }

    /// The same, in another cluster.
    pub async fn at(cluster: &str, group: &str) -> Self {
        let name = group.replace(':', "-");
        Person { client: Fleet::shared().cluster(cluster).client_for(&name, &[group]).await }
    }

    /// A service account of a namespace, by a token that the API server gives.
    pub async fn account(namespace: &str, name: &str) -> Self {
        let token = token(namespace, name).await;
        Person { client: with_token(Fleet::shared().cluster(EU), &token).await }
    }

    /// The same service account at the door of another cluster.
    pub async fn account_elsewhere(namespace: &str, name: &str, cluster: &str) -> Self {
        let token = token(namespace, name).await;
        Person { client: with_token(Fleet::shared().cluster(cluster), &token).await }
    }

    pub async fn ask(&self, method: &str, path: &str, body: Option<&Json>) -> Answer {
        let content = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = http::Request::builder().method(method).uri(path).header("content-type", content);
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.client.send(request).await.expect("an answer");
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.expect("all of it");
        Answer { code, body: serde_json::from_slice(&bytes).unwrap_or(Json::Null) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None).await
    }

    /// Would make an object; nothing stays of it.
    pub async fn try_create(&self, path: &str, object: &Json) -> Answer {
        self.ask("POST", &format!("{path}?dryRun=All"), Some(object)).await
    }

    /// Would make a pod.
    pub async fn try_pod(&self, namespace: &str, pod: &Json) -> Answer {
        self.try_create(&format!("/api/v1/namespaces/{namespace}/pods"), pod).await
    }

    /// Whether the rules of access would let them.
    pub async fn may(&self, verb: &str, group: &str, resource: &str, namespace: &str) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource,
                "subresource": subresource, "namespace": namespace,
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.ask("POST", path, Some(&review)).await;
        answer.body["status"]["allowed"].as_bool().expect("a review")
    }
}

async fn token(namespace: &str, name: &str) -> String {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let answer = Person::platform().await.ask("POST", &path, Some(&asked)).await;
    answer.body["status"]["token"].as_str().expect("a token").to_owned()
}

async fn with_token(cluster: &Cluster, token: &str) -> Client {
    let mut kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).expect("a kubeconfig");
    for user in &mut kubeconfig.auth_infos {
        user.auth_info = Some(AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() });
    }
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
    config.proxy_url = None;
    Client::try_from(config).expect("a client")
}

/// A pod that nothing speaks against, with a part of it replaced.
pub fn pod(at: &str, part: Json) -> Json {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "try"},
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "try",
                "image": "registry.example/try:1",
                "imagePullPolicy": "Always",
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
            }],
        },
    });
    if !at.is_empty() {
        let (parent, last) = at.rsplit_once('/').expect("a path");
        pod.pointer_mut(parent).expect("a place")[last] = part;
    }
    pod
}

/// What an API server serves: group, version, resource, verbs; those of a
/// namespace, or those of the cluster.
pub async fn served(namespaced: bool) -> Vec<(String, String, String, Vec<String>)> {
    let platform = Person::platform().await;
    let groups = platform.get("/apis").await;
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    let named = groups.body["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| (text(&group["name"]), text(&group["preferredVersion"]["version"])));
    let mut all = Vec::new();
    for (group, version) in named.chain([(String::new(), "v1".to_owned())]) {
        let path = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/{version}") };
        let list = platform.get(&path).await;
        for resource in list.body["resources"].as_array().expect("resources") {
            let verbs = resource["verbs"].as_array().expect("verbs").iter().map(text).collect();
            if resource["namespaced"] == namespaced {
                all.push((group.clone(), version.clone(), text(&resource["name"]), verbs));
            }
        }
    }
    all
}
