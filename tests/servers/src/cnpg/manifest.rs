//! The manifest of the operator's release, installed without its Deployment.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::error::{Context, Failure, Result};

const TRIES: u32 = 300;
const POLL: Duration = Duration::from_millis(100);

/// Its documents, but for what runs the operator inside the cluster.
pub(super) fn read(file: &Path) -> Result<Vec<DynamicObject>> {
    let doing = format!("cannot read {}", file.display());
    let text = fs::read_to_string(file).context(&doing)?;
    let mut documents = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let value = Value::deserialize(document).context(&doing)?;
        if !matches!(value["kind"].as_str(), None | Some("Deployment" | "Service")) {
            documents.push(serde_json::from_value(value).context(&doing)?);
        }
    }
    Ok(documents)
}

pub(super) fn is_webhook(object: &DynamicObject) -> bool {
    object.types.as_ref().is_some_and(|types| types.kind.ends_with("WebhookConfiguration"))
}

/// A webhook configuration that leads to the process instead of to a service.
pub(super) fn redirected(mut object: DynamicObject, port: u16, ca_pem: &str) -> DynamicObject {
    for webhook in object.data["webhooks"].as_array_mut().into_iter().flatten() {
        let path = webhook.pointer("/clientConfig/service/path").and_then(Value::as_str).unwrap_or_default();
        let url = format!("https://127.0.0.1:{port}{path}");
        webhook["clientConfig"] = json!({"url": url, "caBundle": STANDARD.encode(ca_pem)});
    }
    object
}

/// Applies objects in their order; returns when what they define is served.
pub(super) async fn install(client: &Client, objects: Vec<DynamicObject>) -> Result<()> {
    let params = PatchParams::apply("cnpg").force();
    for object in objects {
        let (types, name) = (object.types.clone().unwrap_or_default(), object.name_any());
        let doing = format!("cannot install {} {name}", types.kind);
        let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types).context(&doing)?);
        let api = match object.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
            None => Api::<DynamicObject>::all_with(client.clone(), &resource),
        };
        api.patch(&name, &params, &Patch::Apply(&object)).await.context(&doing)?;
    }
    served(client).await
}

async fn served(client: &Client) -> Result<()> {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    for _ in 0..TRIES {
        let all = definitions.list(&ListParams::default()).await.context("cannot list definitions")?;
        if all.iter().all(is_established) {
            return Ok(());
        }
        sleep(POLL).await;
    }
    Err(Failure::new("the operator's definitions are not served"))
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_deref());
    conditions.unwrap_or_default().iter().any(|c| c.type_ == "Established" && c.status == "True")
}
