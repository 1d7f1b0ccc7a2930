//! Whether the API server and the controllers are up, asked as a client.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::time::timeout;

use crate::access;
use crate::worker::Worker;

/// A request that takes longer is taken for a no, and asked again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The API server answers, and knows its bootstrap roles and namespaces. It is
/// ours: a stranger on the port has no certificate of our authority.
pub(crate) fn api_is_ready(worker: &Worker, kubeconfig: &Path) -> bool {
    let kubeconfig = kubeconfig.to_owned();
    let ask = async move {
        let client = access::client(&kubeconfig).await.ok()?;
        get(&client, "/readyz").await
    };
    worker.run(ask).is_some()
}

/// The controllers work: the first thing they make is a service account.
pub(crate) fn controllers_are_ready(worker: &Worker, client: &Client) -> bool {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
    let ask = async move { timeout(PATIENCE, accounts.get("default")).await };
    matches!(worker.run(ask), Ok(Ok(_)))
}

/// The body of a successful answer that came in time.
async fn get(client: &Client, uri: &str) -> Option<String> {
    let request = http::Request::get(uri).body(Vec::new()).ok()?;
    timeout(PATIENCE, client.request_text(request)).await.ok()?.ok()
}
