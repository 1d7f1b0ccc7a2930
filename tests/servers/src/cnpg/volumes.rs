//! A volume for each claim, without a disk behind it.
//!
//! The controllers bind a claim to the volume that names it. What a claim asks
//! for it gets, whatever its storage class.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::json;

/// Runs until the runtime it is spawned on ends.
pub(super) async fn run(client: Client) {
    let claims = Api::<PersistentVolumeClaim>::all(client.clone());
    let volumes = Api::<PersistentVolume>::all(client);
    let events = watcher(claims, watcher::Config::default()).default_backoff();
    events
        .for_each(|event| async {
            // Failures show as a claim that stays pending. A volume that is
            // there already, or gone already, is as it is to be.
            match event {
                Ok(Event::Apply(claim) | Event::InitApply(claim)) if is_unbound(&claim) => {
                    if let Some(volume) = volume(&claim) {
                        let _ = volumes.create(&PostParams::default(), &volume).await;
                    }
                }
                Ok(Event::Delete(claim)) => {
                    let _ = volumes.delete(&name(&claim), &DeleteParams::default()).await;
                }
                _ => {}
            }
        })
        .await;
}

fn is_unbound(claim: &PersistentVolumeClaim) -> bool {
    claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_none())
}

/// As a provisioner names it.
fn name(claim: &PersistentVolumeClaim) -> String {
    format!("pvc-{}", claim.uid().unwrap_or_default())
}

fn volume(claim: &PersistentVolumeClaim) -> Option<PersistentVolume> {
    let spec = claim.spec.as_ref()?;
    let volume = json!({
        "metadata": {"name": name(claim)},
        "spec": {
            "capacity": spec.resources.as_ref()?.requests,
            "accessModes": spec.access_modes,
            "storageClassName": spec.storage_class_name,
            "volumeMode": spec.volume_mode,
            // Nobody here could clean it.
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace(),
                "name": claim.name_any(),
                "uid": claim.uid(),
            },
            "hostPath": {"path": "/nonexistent"},
        },
    });
    serde_json::from_value(volume).ok()
}
