use std::path::Path;

use serde_json::Value as Json;
use tenantctl_test_servers::Cnpg;

use crate::common::{Place, Said, said};

/// Three tenants, a database each, in three sizes.
const PLATFORM: &str = r#"platform "shop" {
  blueprint = "./blueprint"
}

tier "starter" {
  isolation = "namespace"
  settings  = { instances = 1, storage = "1Gi" }
}

tier "business" {
  isolation = "namespace"
  settings  = { instances = 2, storage = "2Gi" }
}

tier "enterprise" {
  isolation = "namespace"
  settings  = { instances = 3, storage = "4Gi" }
}

tenant "ada" {
  tier = "starter"
}

tenant "bob" {
  tier = "business"
}

tenant "cyd" {
  tier = "enterprise"
}
"#;

const BLUEPRINT: &str = r#"variable "tenant" {
  type = object({ name = string })
}

variable "instances" {
  type = number
}

variable "storage" {
  type = string
}

locals {
  namespace = kubernetes_manifest.namespace.object.metadata.name
}

resource "kubernetes_manifest" "namespace" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = "db-${var.tenant.name}" }
  }
}

resource "kubernetes_manifest" "database" {
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Cluster"
    metadata   = { name = "main", namespace = local.namespace }
    spec = {
      instances = var.instances
      storage   = { size = var.storage }
    }
  }
  wait {
    rollout = true
  }
  timeouts {
    create = "5m"
    update = "5m"
  }
}

resource "kubernetes_manifest" "pooler" {
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Pooler"
    metadata   = { name = "pooler", namespace = local.namespace }
    spec = {
      cluster   = { name = kubernetes_manifest.database.object.metadata.name }
      instances = min(var.instances, 2)
      type      = "rw"
      pgbouncer = { poolMode = "transaction", parameters = { max_client_conn = "1000" } }
    }
  }
  wait {
    rollout = true
  }
}

resource "kubernetes_manifest" "backup" {
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "ScheduledBackup"
    metadata   = { name = "nightly", namespace = local.namespace }
    spec = {
      cluster              = { name = kubernetes_manifest.database.object.metadata.name }
      schedule             = "0 30 2 * * *"
      backupOwnerReference = "self"
    }
  }
  wait {
    fields = { "status.lastCheckTime" = "*" }
  }
}
"#;

fn kubeconfig() -> &'static Path {
    Cnpg::shared().cluster().kubeconfig()
}

fn run(place: &Place, root: &str, args: &[&str]) -> Said {
    let mut command = place.command(root, args);
    said(command.env("KUBECONFIG", kubeconfig()).output().expect("the binary runs"))
}

fn ok(place: &Place, root: &str, args: &[&str]) -> Said {
    let said = run(place, root, args);
    assert_eq!(said.code, 0, "{args:?}\n{}\n{}\n{}", said.stdout, said.stderr, Cnpg::shared().logs());
    said
}

/// An object of a tenant as the server has it.
fn live(tenant: &str, kind: &str, name: &str) -> Json {
    let namespace = format!("db-{tenant}");
    let kind = format!("{kind}.postgresql.cnpg.io");
    let output = Cnpg::shared().cluster().kubectl(&["get", &kind, name, "-n", &namespace, "-o", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn is_healthy(tenant: &str, instances: u64) {
    let status = &live(tenant, "clusters", "main")["status"];
    assert_eq!(status["phase"], "Cluster in healthy state", "{tenant}: {status}");
    assert_eq!(status["readyInstances"], instances, "{tenant}: {status}");
}

#[test]
fn databases_of_three_sizes_are_waited_for_until_they_are_healthy() {
    let place = Place::new();
    place.write("databases", "main.hcl", PLATFORM);
    place.write("databases", "blueprint/main.tf", BLUEPRINT);
    let cluster = Cnpg::shared().cluster();
    let mark = cluster.audit_mark();

    let said = ok(&place, "databases", &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("12 added"), "{}", said.stdout);
    for (tenant, instances) in [("ada", 1), ("bob", 2), ("cyd", 3)] {
        is_healthy(tenant, instances);
        assert_eq!(live(tenant, "poolers", "pooler")["status"]["instances"], instances.min(2));
        assert!(live(tenant, "scheduledbackups", "nightly")["status"]["lastCheckTime"].is_string());
    }
    let asked: Vec<_> =
        cluster.audit_since(mark).into_iter().filter(|e| e.user_agent.starts_with("tenantctl/")).collect();
    // The server told when to look; each object was made by one call.
    for tenant in ["ada", "bob", "cyd"] {
        let path = format!("/apis/postgresql.cnpg.io/v1/namespaces/db-{tenant}/clusters");
        assert!(asked.iter().any(|e| e.verb == "watch" && e.path() == path), "{tenant} was not watched");
        let changes: Vec<_> =
            asked.iter().filter(|e| e.is_write() && e.path() == format!("{path}/main")).collect();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!((changes[0].verb.as_str(), changes[0].code), ("patch", 201));
    }

    let said = run(&place, "databases", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);

    place.edit("databases", "main.hcl", "instances = 1,", "instances = 2,");
    let said = ok(&place, "databases", &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("0 added, 2 changed"), "{}", said.stdout);
    is_healthy("ada", 2);
    assert_eq!(run(&place, "databases", &["plan", "-detailed-exitcode"]).code, 0);
}

#[test]
fn what_the_operator_refuses_is_told_in_its_words_where_it_is_written() {
    let place = Place::new();
    let main = r#"resource "kubernetes_manifest" "namespace" {
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "db-refused" } }
}

resource "kubernetes_manifest" "database" {
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Cluster"
    metadata   = { name = "main", namespace = kubernetes_manifest.namespace.object.metadata.name }
    spec = {
      instances       = 2
      maxSyncReplicas = 2
      storage         = { size = "much" }
    }
  }
  wait {
    rollout = true
  }
}
"#;
    place.write("refused", "main.tf", main);
    let said = run(&place, "refused", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    let words: Vec<&str> = said.stderr.split_whitespace().filter(|word| !["|", "="].contains(word)).collect();
    let words = words.join(" ");
    for part in [
        "Object not accepted",
        "spec.storage.size",
        "spec.maxSyncReplicas",
        "default:kubernetes_manifest.database",
        "main.tf:5",
    ] {
        assert!(words.contains(part), "does not say {part:?}:\n{}", said.stderr);
    }

    // Put right, the same command does the rest.
    place.edit("refused", "main.tf", "\"much\"", "\"1Gi\"");
    place.edit("refused", "main.tf", "maxSyncReplicas = 2", "maxSyncReplicas = 1");
    place.edit("refused", "main.tf", "instances       = 2", "instances       = 2\n      minSyncReplicas = 1");
    let said = ok(&place, "refused", &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("1 added"), "{}", said.stdout);
    let status = &live("refused", "clusters", "main")["status"];
    assert_eq!(status["readyInstances"], 2, "{status}");
}
