//! The one node of the cluster: an object without a machine behind it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use tokio::time::sleep;

/// Where every pod is put.
pub(crate) const NODE: &str = "node-1";
const EVERY: Duration = Duration::from_secs(5);

/// Makes the node if it is absent and says that it is Ready.
pub(crate) async fn ensure(client: &Client) -> kube::Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    match nodes.create(&PostParams::default(), &node()).await {
        Ok(_) => {}
        Err(Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => return Err(error),
    }
    let patch = Patch::Merge(status());
    nodes.patch_status(NODE, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// Repairs the node for as long as the stack lives: a test may delete it, and the
/// next test on the same stack needs it back.
pub(crate) async fn keep(client: Client) {
    loop {
        sleep(EVERY).await;
        // The API server may be paused or restarting; there is a next time.
        let _ = ensure(&client).await;
    }
}

fn node() -> Node {
    let mut node = Node::default();
    node.metadata.name = Some(NODE.to_owned());
    node.metadata.labels = Some(
        [("kubernetes.io/hostname", NODE), ("kubernetes.io/os", "linux"), ("kubernetes.io/arch", "amd64")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    );
    node
}

fn status() -> Value {
    // More than any test asks for: nothing here counts what pods request.
    let capacity = json!({"cpu": "1000", "memory": "4Ti", "pods": "10000"});
    json!({
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            // Loopback, so that a request for logs or exec is refused at once.
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "TestServers",
                "message": "no kubelet: pods are marked by tenantctl's test servers",
            }],
        },
    })
}
