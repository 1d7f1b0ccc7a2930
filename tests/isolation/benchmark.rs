//! The 18 checks of the Kubernetes multi-tenancy benchmark (kubectl-mtb), on
//! the live namespaces of examples/saas-hybrid: acme tries, with the rights of
//! its administrators, its developers and its reconciler; globex is next door.
//!
//! Each check is a test of its own; one more prints the table of all.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use super::person::{ACME, GLOBEX, Person, pod, served};

type Outcome = Result<(), String>;

/// Whoever acts for acme.
struct Acme {
    admin: Person,
    developer: Person,
    reconciler: Person,
    platform: Person,
}

impl Acme {
    async fn new() -> Self {
        Acme {
            admin: Person::of("tenant:acme:admins").await,
            developer: Person::of("tenant:acme:developers").await,
            reconciler: Person::account(ACME, "reconciler").await,
            platform: Person::platform().await,
        }
    }

    fn everyone(&self) -> [(&'static str, &Person); 3] {
        [("admin", &self.admin), ("developer", &self.developer), ("reconciler", &self.reconciler)]
    }

    /// That a pod with this part is refused to all of them, for this reason.
    async fn no_pod(&self, at: &str, part: Json, reason: &str) -> Outcome {
        for (name, person) in self.everyone() {
            let answer = person.try_pod(ACME, &pod(at, part.clone())).await;
            answer.refused(&format!("{name}: pod with {at} = {part}"), reason)?;
        }
        Ok(())
    }
}

/// What anybody may ask of a cluster: about themselves.
fn is_about_oneself(resource: &str) -> bool {
    resource.starts_with("selfsubject")
}

async fn no_access_to_cluster_resources(acme: &Acme) -> Outcome {
    for (group, _, resource, verbs) in served(false).await {
        for verb in verbs.iter().filter(|_| !is_about_oneself(&resource)) {
            for (name, person) in acme.everyone() {
                if person.may(verb, &group, &resource, "").await {
                    return Err(format!("{name} may {verb} {resource}"));
                }
            }
        }
    }
    for path in ["/api/v1/namespaces", "/api/v1/nodes", "/api/v1/secrets", "/api/v1/persistentvolumes"] {
        acme.admin.get(path).await.refused(path, "forbidden")?;
    }
    Ok(())
}

async fn objects_of_the_platform_stay(acme: &Acme) -> Outcome {
    let mut seen = 0;
    for (group, version, resource, verbs) in served(true).await {
        if !verbs.iter().any(|verb| verb == "list") || !verbs.iter().any(|verb| verb == "patch") {
            continue;
        }
        let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/{version}") };
        let path = format!("{root}/namespaces/{ACME}/{resource}");
        let ours = format!("{path}?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dtenantctl");
        let list = acme.platform.get(&ours).await;
        for object in list.body["items"].as_array().into_iter().flatten() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            seen += 1;
            let mark = json!({"metadata": {"annotations": {"try": "1"}}});
            for (who, person) in acme.everyone() {
                let one = format!("{path}/{name}?dryRun=All");
                let what = format!("{who}: {resource} {name}");
                person.ask("PATCH", &one, Some(&mark)).await.refused(&format!("{what}: patch"), "")?;
                person.ask("DELETE", &one, None).await.refused(&format!("{what}: delete"), "")?;
            }
        }
    }
    if seen < 25 { Err(format!("only {seen} objects of the platform")) } else { Ok(()) }
}

async fn no_added_capabilities(acme: &Acme) -> Outcome {
    for capability in ["NET_ADMIN", "SYS_ADMIN", "CHOWN"] {
        let part = json!({"drop": ["ALL"], "add": [capability]});
        acme.no_pod("/spec/containers/0/securityContext/capabilities", part, "unrestricted capabilities")
            .await?;
    }
    Ok(())
}

async fn no_root(acme: &Acme) -> Outcome {
    acme.no_pod("/spec/securityContext/runAsNonRoot", json!(false), "runAsNonRoot != true").await?;
    acme.no_pod("/spec/securityContext/runAsUser", json!(0), "runAsUser=0").await
}

async fn no_privileged(acme: &Acme) -> Outcome {
    let part = json!({"privileged": true, "capabilities": {"drop": ["ALL"]}});
    acme.no_pod("/spec/containers/0/securityContext", part, "privileged").await
}

async fn no_escalation(acme: &Acme) -> Outcome {
    let at = "/spec/containers/0/securityContext/allowPrivilegeEscalation";
    acme.no_pod(at, json!(true), "allowPrivilegeEscalation != false").await
}

async fn quotas_stay(acme: &Acme) -> Outcome {
    for resource in ["resourcequotas", "limitranges"] {
        for verb in ["create", "update", "patch", "delete", "deletecollection"] {
            for (name, person) in acme.everyone() {
                if person.may(verb, "", resource, ACME).await {
                    return Err(format!("{name} may {verb} {resource}"));
                }
            }
        }
        let path = format!("/api/v1/namespaces/{ACME}/{resource}/tenant?dryRun=All");
        let more = json!({"spec": {"hard": {"pods": "1000"}}});
        acme.admin.ask("PATCH", &path, Some(&more)).await.refused(resource, "cannot patch")?;
    }
    Ok(())
}

async fn no_access_to_other_tenants(acme: &Acme) -> Outcome {
    for (group, _, resource, verbs) in served(true).await {
        // Whether one may do something is asked of no namespace but in one.
        for verb in verbs.iter().filter(|_| resource != "localsubjectaccessreviews") {
            for (name, person) in acme.everyone() {
                if person.may(verb, &group, &resource, GLOBEX).await {
                    return Err(format!("{name} may {verb} {resource} of globex"));
                }
            }
        }
    }
    for resource in ["pods", "secrets", "configmaps", "services", "resourcequotas", "secrets/db-app"] {
        let path = format!("/api/v1/namespaces/{GLOBEX}/{resource}");
        acme.admin.get(&path).await.refused(&path, "forbidden")?;
        let theirs = path.replace(GLOBEX, ACME);
        acme.admin.get(&theirs).await.done(&theirs)?;
    }
    acme.developer.try_pod(GLOBEX, &pod("", Json::Null)).await.refused("pod in globex", "forbidden")
}

async fn no_host_paths(acme: &Acme) -> Outcome {
    let volumes = json!([{"name": "host", "hostPath": {"path": "/"}}]);
    acme.no_pod("/spec/volumes", volumes, "hostPath").await
}

async fn no_node_ports(acme: &Acme) -> Outcome {
    for (kind, reason) in [("NodePort", "services.nodeports"), ("LoadBalancer", "services.loadbalancers")] {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "try"},
            "spec": {"type": kind, "selector": {"a": "b"}, "ports": [{"port": 80}]},
        });
        for (name, person) in acme.everyone() {
            let path = format!("/api/v1/namespaces/{ACME}/services");
            person.try_create(&path, &service).await.refused(&format!("{name}: {kind}"), reason)?;
        }
    }
    Ok(())
}

async fn no_host_network(acme: &Acme) -> Outcome {
    acme.no_pod("/spec/hostNetwork", json!(true), "host namespaces").await?;
    let ports = json!([{"containerPort": 80, "hostPort": 80}]);
    acme.no_pod("/spec/containers/0/ports", ports, "hostPort").await
}

async fn no_host_processes(acme: &Acme) -> Outcome {
    acme.no_pod("/spec/hostPID", json!(true), "host namespaces").await
}

async fn no_host_ipc(acme: &Acme) -> Outcome {
    acme.no_pod("/spec/hostIPC", json!(true), "host namespaces").await
}

async fn hard(acme: &Acme, limits: &[&str]) -> Outcome {
    for namespace in [ACME, GLOBEX] {
        let quotas = acme.platform.get(&format!("/api/v1/namespaces/{namespace}/resourcequotas")).await;
        let quotas = quotas.body["items"].as_array().cloned().unwrap_or_default();
        for limit in limits {
            // Of the status: the controller has taken it up.
            if !quotas.iter().any(|quota| quota["status"]["hard"][*limit].is_string()) {
                return Err(format!("{namespace} has no limit of {limit}"));
            }
        }
    }
    Ok(())
}

async fn quotas_of_resources(acme: &Acme) -> Outcome {
    hard(acme, &["requests.cpu", "requests.memory", "limits.memory", "requests.storage"]).await?;
    // A pod beyond what is left.
    let much = json!({"requests": {"cpu": "100", "memory": "16Mi"}, "limits": {"memory": "16Mi"}});
    acme.no_pod("/spec/containers/0/resources", much, "exceeded quota").await
}

async fn quotas_of_objects(acme: &Acme) -> Outcome {
    let limits = [
        "pods",
        "persistentvolumeclaims",
        "services",
        "services.nodeports",
        "services.loadbalancers",
        "secrets",
        "configmaps",
        "count/deployments.apps",
        "count/jobs.batch",
        "count/ingresses.networking.k8s.io",
    ];
    hard(acme, &limits).await
}

async fn images_are_pulled_always(acme: &Acme) -> Outcome {
    for policy in ["IfNotPresent", "Never"] {
        acme.no_pod("/spec/containers/0/imagePullPolicy", json!(policy), "pull their images always").await?;
    }
    let first = json!([{
        "name": "first", "image": "registry.example/first:1", "imagePullPolicy": "IfNotPresent",
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    }]);
    acme.no_pod("/spec/initContainers", first, "pull their images always").await
}

async fn roles_of_their_own(acme: &Acme) -> Outcome {
    let base = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{ACME}");
    let role = |rules: Json| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "try"}, "rules": rules});
    let binding = |kind: &str, to: &str, subject: Json| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "try"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": to}, "subjects": [subject],
        })
    };
    let group = |name: &str| json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name});
    let (roles, bindings) = (format!("{base}/roles"), format!("{base}/rolebindings"));
    let reading = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    acme.admin.try_create(&roles, &role(reading.clone())).await.done("a role of less")?;
    let own = binding("Role", "viewer", group("tenant:acme:guests"));
    acme.admin.try_create(&bindings, &own).await.done("a binding of a group of theirs")?;
    acme.developer.try_create(&roles, &role(reading)).await.refused("a developer's role", "forbidden")?;
    let more = role(json!([{"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["delete"]}]));
    acme.admin.try_create(&roles, &more).await.refused("a role of more", "attempting to grant")?;
    let all = binding("ClusterRole", "cluster-admin", group("tenant:acme:guests"));
    acme.admin.try_create(&bindings, &all).await.refused("all rights", "attempting to grant")?;
    for stranger in ["tenant:globex:admins", "system:authenticated", "tenant:acme-2:admins"] {
        let theirs = binding("Role", "viewer", group(stranger));
        let what = format!("a binding of {stranger}");
        acme.admin
            .try_create(&bindings, &theirs)
            .await
            .refused(&what, "own groups and service accounts only")?;
    }
    let account = json!({"kind": "ServiceAccount", "name": "app", "namespace": GLOBEX});
    let theirs = binding("Role", "viewer", account);
    acme.admin
        .try_create(&bindings, &theirs)
        .await
        .refused("globex's account", "own groups and service accounts only")
}

async fn network_policies_of_their_own(acme: &Acme) -> Outcome {
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{ACME}/networkpolicies");
    let policy = |spec: Json| json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "try"}, "spec": spec});
    let inside = json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]});
    acme.admin.try_create(&path, &policy(inside.clone())).await.done("a policy within the namespace")?;
    acme.developer.try_create(&path, &policy(inside)).await.refused("a developer's policy", "forbidden")?;
    let everybody = json!({"namespaceSelector": {}});
    let outside = [
        json!({"podSelector": {}, "ingress": [{}]}),
        json!({"podSelector": {}, "ingress": [{"from": []}]}),
        json!({"podSelector": {}, "ingress": [{"from": [everybody]}]}),
        json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}, "namespaceSelector": {}}]}]}),
        json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}),
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}),
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [everybody]}]}),
    ];
    for spec in outside {
        let answer = acme.admin.try_create(&path, &policy(spec.clone())).await;
        answer.refused(&spec.to_string(), "own namespace only")?;
    }
    Ok(())
}

/// Runs all checks once; each test looks at its own.
fn results() -> &'static [(&'static str, &'static str, Outcome)] {
    static RESULTS: OnceLock<Vec<(&str, &str, Outcome)>> = OnceLock::new();
    RESULTS.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run())
    })
}

macro_rules! checks {
    ($($id:literal $title:literal $test:ident $check:path;)*) => {
        async fn run() -> Vec<(&'static str, &'static str, Outcome)> {
            let acme = Acme::new().await;
            // A refusal says something only where the like is accepted.
            acme.developer.try_pod(ACME, &pod("", Json::Null)).await.done("a plain pod").expect("accepted");
            acme.reconciler.try_pod(ACME, &pod("", Json::Null)).await.done("a plain pod").expect("accepted");
            vec![$(($id, $title, $check(&acme).await)),*]
        }

        $(
            #[test]
            fn $test() {
                let (.., outcome) = results().iter().find(|(id, title, _)| (*id, *title) == ($id, $title)).expect("ran");
                assert_eq!(*outcome, Ok(()), "{} {}", $id, $title);
            }
        )*
    };
}

checks! {
    "MTB-PL1-CC-CPI-1" "Block access to cluster resources" cc_cpi_1_cluster_resources no_access_to_cluster_resources;
    "MTB-PL1-BC-CPI-2" "Block multitenant resources" bc_cpi_2_multitenant_resources objects_of_the_platform_stay;
    "MTB-PL1-BC-CPI-3" "Block add capabilities" bc_cpi_3_capabilities no_added_capabilities;
    "MTB-PL1-BC-CPI-4" "Require run as non-root user" bc_cpi_4_non_root no_root;
    "MTB-PL1-BC-CPI-5" "Block privileged containers" bc_cpi_5_privileged no_privileged;
    "MTB-PL1-BC-CPI-6" "Block privilege escalation" bc_cpi_6_escalation no_escalation;
    "MTB-PL1-CC-TI-1" "Block modification of resource quotas" cc_ti_1_quotas quotas_stay;
    "MTB-PL1-CC-TI-2" "Block access to other tenant resources" cc_ti_2_other_tenants no_access_to_other_tenants;
    "MTB-PL1-BC-HI-1" "Block use of host path volumes" bc_hi_1_host_path no_host_paths;
    "MTB-PL1-BC-HI-1" "Block use of NodePort services" bc_hi_1_node_port no_node_ports;
    "MTB-PL1-BC-HI-3" "Block use of host networking and ports" bc_hi_3_host_network no_host_network;
    "MTB-PL1-BC-HI-4" "Block use of host PID" bc_hi_4_host_pid no_host_processes;
    "MTB-PL1-BC-HI-5" "Block use of host IPC" bc_hi_5_host_ipc no_host_ipc;
    "MTB-PL1-CC-FNS-1" "Configure namespace resource quotas" cc_fns_1_resource_quotas quotas_of_resources;
    "MTB-PL1-CC-FNS-2" "Configure namespace object limits" cc_fns_2_object_limits quotas_of_objects;
    "MTB-PL1-CC-DI-1" "Require always imagePullPolicy" cc_di_1_pull_policy images_are_pulled_always;
    "MTB-PL2-BC-OPS-3" "Create role bindings" bc_ops_3_role_bindings roles_of_their_own;
    "MTB-PL2-BC-OPS-4" "Create network policies" bc_ops_4_network_policies network_policies_of_their_own;
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is for who reads the test's output")]
fn all_eighteen() {
    for (id, title, outcome) in results() {
        let said = outcome.as_ref().map_or_else(|why| format!("FAILED: {why}"), |()| "passed".to_owned());
        println!("{id:<18} {title:<42} {said}");
    }
    let passed = results().iter().filter(|(.., outcome)| outcome.is_ok()).count();
    assert_eq!((passed, results().len()), (18, 18));
}
