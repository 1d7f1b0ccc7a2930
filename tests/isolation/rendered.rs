//! The 18 checks of the Kubernetes multi-tenancy benchmark on what
//! examples/saas-hybrid renders, before any cluster has seen it.
//!
//! Each check is tried twice: on what is rendered, for every customer, where it
//! holds, and on the same with one thing made worse, where it does not.

use serde_json::{Value as Json, json};

use crate::common::Place;
use crate::hybrid::fleet::EXAMPLE;

type Outcome = Result<(), String>;

/// What one customer shares a cluster with: own manifests and the cluster's.
#[derive(Clone)]
struct Rendered {
    namespace: String,
    tenant: String,
    own: Vec<Json>,
    cluster: Vec<Json>,
}

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Kinds of objects and what they are called in rules.
const RESOURCES: [(&str, &str, &str); 13] = [
    ("ConfigMap", "", "configmaps"),
    ("Deployment", "apps", "deployments"),
    ("HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers"),
    ("Ingress", "networking.k8s.io", "ingresses"),
    ("LimitRange", "", "limitranges"),
    ("NetworkPolicy", "networking.k8s.io", "networkpolicies"),
    ("PodDisruptionBudget", "policy", "poddisruptionbudgets"),
    ("ResourceQuota", "", "resourcequotas"),
    ("Role", "rbac.authorization.k8s.io", "roles"),
    ("RoleBinding", "rbac.authorization.k8s.io", "rolebindings"),
    ("Secret", "", "secrets"),
    ("Service", "", "services"),
    ("ServiceAccount", "", "serviceaccounts"),
];

/// Resources that no namespace holds.
const CLUSTER_WIDE: [&str; 8] = [
    "nodes",
    "namespaces",
    "persistentvolumes",
    "clusterroles",
    "clusterrolebindings",
    "customresourcedefinitions",
    "priorityclasses",
    "storageclasses",
];

fn has(list: &Json, wanted: &str) -> bool {
    list.as_array().is_some_and(|all| all.iter().any(|one| one == wanted || one == "*"))
}

fn items(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Rendered {
    fn all(&self, kind: &str) -> Vec<&Json> {
        self.own.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// Rules by which some role of the customer grants this; what is bound
    /// does not matter, since they bind roles themselves.
    fn grants(&self, verb: &str, group: &str, resource: &str) -> bool {
        self.all("Role").into_iter().flat_map(|role| items(&role["rules"])).any(|rule| {
            has(&rule["verbs"], verb) && has(&rule["apiGroups"], group) && has(&rule["resources"], resource)
        })
    }

    /// Policies that are enforced in the customer's namespace for this.
    fn admission(&self, group: &str, resource: &str, operation: &str) -> Vec<&Json> {
        let is_bound = |policy: &Json| {
            self.cluster.iter().any(|binding| {
                binding["kind"] == "ValidatingAdmissionPolicyBinding"
                    && binding["spec"]["policyName"] == policy["metadata"]["name"]
                    && has(&binding["spec"]["validationActions"], "Deny")
                    && self.is_selected(&binding["spec"]["matchResources"]["namespaceSelector"])
            })
        };
        let is_about = |policy: &&Json| {
            policy["kind"] == "ValidatingAdmissionPolicy"
                && policy["spec"]["failurePolicy"] == "Fail"
                && items(&policy["spec"]["matchConstraints"]["resourceRules"]).iter().any(|rule| {
                    has(&rule["apiGroups"], group)
                        && has(&rule["resources"], resource)
                        && has(&rule["operations"], operation)
                })
        };
        self.cluster.iter().filter(is_about).filter(|policy| is_bound(policy)).collect()
    }

    fn is_selected(&self, selector: &Json) -> bool {
        let labels = &self.all("Namespace")[0]["metadata"]["labels"];
        items(&selector["matchExpressions"]).iter().all(|wanted| {
            let key = wanted["key"].as_str().expect("a key");
            match wanted["operator"].as_str().expect("an operator") {
                "Exists" => labels.get(key).is_some(),
                // Of the name alone, which the API server sets as a label.
                "NotIn" => !has(&wanted["values"], &self.namespace),
                other => panic!("{other} is not modelled"),
            }
        })
    }

    /// That admission says this of such objects in the namespace.
    fn says(&self, (group, resource, operation): (&str, &str, &str), expression: &str) -> Outcome {
        let policies = self.admission(group, resource, operation);
        let mut rules = policies.iter().flat_map(|policy| items(&policy["spec"]["validations"]));
        let is_said = rules.any(|rule| rule["expression"].as_str().is_some_and(|e| e.contains(expression)));
        ensure(is_said, || format!("no policy has {expression:?} for {resource}"))
    }

    /// Pods that the platform runs for the customer.
    fn pods(&self) -> Vec<&Json> {
        self.all("Deployment").into_iter().map(|object| &object["spec"]["template"]["spec"]).collect()
    }

    /// That the namespace takes no pod against the restricted profile, and
    /// that this holds of each pod and container of the platform's.
    fn restricted(&self, holds: impl Fn(&Json, &Json) -> bool) -> Outcome {
        let labels = &self.all("Namespace")[0]["metadata"]["labels"];
        ensure(labels["pod-security.kubernetes.io/enforce"] == "restricted", || "not restricted".into())?;
        ensure(!self.pods().is_empty(), || "no pods".into())?;
        for pod in self.pods() {
            for container in items(&pod["containers"]).iter().chain(items(&pod["initContainers"])) {
                ensure(holds(pod, container), || format!("container {} does not comply", container["name"]))?;
            }
        }
        Ok(())
    }

    fn hard(&self, limits: &[&str]) -> Outcome {
        let quotas = self.all("ResourceQuota");
        for limit in limits {
            let is_set = quotas.iter().any(|quota| quota["spec"]["hard"][*limit].is_string());
            ensure(is_set, || format!("no limit of {limit}"))?;
        }
        Ok(())
    }

    /// The first object of the kind, to be made worse.
    fn first(&mut self, kind: &str) -> &mut Json {
        self.own.iter_mut().find(|object| object["kind"] == kind).expect("there is one")
    }

    fn role(&mut self, group: &str, resource: &str, verb: &str) {
        let rule = json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
        self.first("Role")["rules"].as_array_mut().expect("rules").push(rule);
    }

    fn container(&mut self, part: &str, value: Json) {
        self.first("Deployment")["spec"]["template"]["spec"]["containers"][0]["securityContext"][part] =
            value;
    }

    fn pod(&mut self, part: &str, value: Json) {
        self.first("Deployment")["spec"]["template"]["spec"][part] = value;
    }

    fn without_policy(&mut self, name: &str) {
        self.cluster.retain(|object| {
            !object["metadata"]["name"].as_str().expect("a name").starts_with(&format!("{name}."))
        });
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// A check: its number, what holds, and what makes it fail.
struct Check {
    id: &'static str,
    holds: fn(&Rendered) -> Outcome,
    worse: fn(&mut Rendered),
}

fn host_is_out_of_reach(rendered: &Rendered, part: &str) -> Outcome {
    rendered.restricted(|pod, _| pod[part] != true)
}

fn no_cluster_resources(rendered: &Rendered) -> Outcome {
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        ensure(rendered.all(kind).is_empty(), || format!("a {kind} is rendered"))?;
    }
    for role in rendered.all("Role") {
        for rule in items(&role["rules"]) {
            let wild = ["apiGroups", "resources", "verbs"].iter().any(|part| has(&rule[part], "*"));
            ensure(!wild, || format!("{rule} has a wildcard"))?;
            let wide = CLUSTER_WIDE.iter().find(|resource| has(&rule["resources"], resource));
            ensure(wide.is_none(), || format!("{rule} is about the cluster"))?;
        }
    }
    Ok(())
}

fn objects_of_the_platform_stay(rendered: &Rendered) -> Outcome {
    let (mut seen, protects) = (0, "'app.kubernetes.io/managed-by'");
    for object in rendered.own.iter().filter(|object| object["metadata"]["namespace"].is_string()) {
        let label = &object["metadata"]["labels"]["app.kubernetes.io/managed-by"];
        ensure(label == "tenantctl", || format!("{} has no label of ours", object["kind"]))?;
        let kind = object["kind"].as_str().expect("a kind");
        let Some((_, group, resource)) = RESOURCES.iter().find(|(known, ..)| *known == kind) else {
            // Kinds that no role of a customer speaks of.
            let group =
                object["apiVersion"].as_str().and_then(|version| version.split_once('/')).expect("a group").0;
            let writes = ["create", "update", "patch", "delete"];
            let grants = |role: &Json| {
                items(&role["rules"]).iter().any(|rule| {
                    has(&rule["apiGroups"], group) && writes.iter().any(|verb| has(&rule["verbs"], verb))
                })
            };
            ensure(!rendered.all("Role").into_iter().any(grants), || format!("{kind} may be changed"))?;
            continue;
        };
        for (verb, operation) in [("update", "UPDATE"), ("patch", "UPDATE"), ("delete", "DELETE")] {
            if rendered.grants(verb, group, resource) {
                rendered.says((group, resource, operation), protects)?;
                seen += 1;
            }
        }
    }
    ensure(seen > 20, || format!("only {seen} ways to change an object of the platform were looked at"))
}

fn quotas_stay(rendered: &Rendered) -> Outcome {
    for resource in ["resourcequotas", "limitranges"] {
        let verb = VERBS[3..].iter().find(|verb| rendered.grants(verb, "", resource));
        ensure(verb.is_none(), || format!("{verb:?} of {resource}"))?;
    }
    Ok(())
}

fn no_other_tenants(rendered: &Rendered) -> Outcome {
    for object in &rendered.own {
        let namespace = &object["metadata"]["namespace"];
        let inside = namespace.is_null() || *namespace == rendered.namespace.as_str();
        ensure(inside, || format!("{} is in {namespace}", object["kind"]))?;
    }
    for binding in rendered.all("RoleBinding") {
        for subject in items(&binding["subjects"]) {
            let group = format!("tenant:{}:", rendered.tenant);
            let is_own = match subject["kind"].as_str() {
                Some("ServiceAccount") => subject["namespace"] == rendered.namespace.as_str(),
                _ => subject["name"].as_str().is_some_and(|name| name.starts_with(&group)),
            };
            ensure(is_own, || format!("{subject} is not the customer's"))?;
        }
    }
    Ok(())
}

fn no_node_ports(rendered: &Rendered) -> Outcome {
    for limit in ["services.nodeports", "services.loadbalancers"] {
        let quota = &rendered.all("ResourceQuota")[0]["spec"]["hard"][limit];
        ensure(quota == "0", || format!("{limit} = {quota}"))?;
    }
    let outside = rendered.all("Service").into_iter().find(|object| {
        matches!(object["spec"]["type"].as_str(), Some("NodePort" | "LoadBalancer" | "ExternalName"))
    });
    ensure(outside.is_none(), || format!("{outside:?}"))
}

fn host_network(rendered: &Rendered) -> Outcome {
    host_is_out_of_reach(rendered, "hostNetwork")?;
    rendered
        .restricted(|_, container| items(&container["ports"]).iter().all(|port| port["hostPort"].is_null()))
}

fn images_are_pulled_always(rendered: &Rendered) -> Outcome {
    rendered.says(("", "pods", "CREATE"), "c.imagePullPolicy == 'Always'")?;
    rendered.restricted(|_, container| container["imagePullPolicy"] == "Always")
}

fn roles_of_their_own(rendered: &Rendered) -> Outcome {
    for resource in ["roles", "rolebindings"] {
        let may = rendered.grants("create", "rbac.authorization.k8s.io", resource);
        ensure(may, || format!("nobody may create {resource}"))?;
        for verb in ["bind", "escalate"] {
            let may = rendered.grants(verb, "rbac.authorization.k8s.io", resource);
            ensure(!may, || format!("somebody may {verb} {resource}"))?;
        }
    }
    let own = "s.name.startsWith('tenant:' + variables.tenant + ':')";
    rendered.says(("rbac.authorization.k8s.io", "rolebindings", "CREATE"), own)
}

fn network_policies_of_their_own(rendered: &Rendered) -> Outcome {
    let may = rendered.grants("create", "networking.k8s.io", "networkpolicies");
    ensure(may, || "nobody may create network policies".into())?;
    for part in ["object.spec.?ingress", "object.spec.?egress"] {
        rendered.says(("networking.k8s.io", "networkpolicies", "CREATE"), part)?;
    }
    let closes = |policy: &&Json| {
        let spec = &policy["spec"];
        let both = ["Ingress", "Egress"].iter().all(|way| has(&spec["policyTypes"], way));
        let open = ["ingress", "egress"].iter().any(|way| !items(&spec[way]).is_empty());
        both && !open && spec["podSelector"].as_object().is_some_and(serde_json::Map::is_empty)
    };
    ensure(rendered.all("NetworkPolicy").iter().any(closes), || "nothing closes the namespace".into())
}

const CHECKS: [Check; 18] = [
    Check {
        id: "MTB-PL1-CC-CPI-1 cluster resources",
        holds: no_cluster_resources,
        worse: |r| r.role("", "nodes", "list"),
    },
    Check {
        id: "MTB-PL1-BC-CPI-2 multitenant resources",
        holds: objects_of_the_platform_stay,
        worse: |r| r.without_policy("platform-objects"),
    },
    Check {
        id: "MTB-PL1-BC-CPI-3 capabilities",
        holds: |r| {
            r.restricted(|_, c| {
                let capabilities = &c["securityContext"]["capabilities"];
                has(&capabilities["drop"], "ALL") && items(&capabilities["add"]).is_empty()
            })
        },
        worse: |r| r.container("capabilities", json!({"drop": ["ALL"], "add": ["NET_ADMIN"]})),
    },
    Check {
        id: "MTB-PL1-BC-CPI-4 non-root",
        holds: |r| r.restricted(|pod, _| pod["securityContext"]["runAsNonRoot"] == true),
        worse: |r| r.pod("securityContext", json!({"runAsUser": 0})),
    },
    Check {
        id: "MTB-PL1-BC-CPI-5 privileged",
        holds: |r| r.restricted(|_, c| c["securityContext"]["privileged"] != true),
        worse: |r| r.container("privileged", json!(true)),
    },
    Check {
        id: "MTB-PL1-BC-CPI-6 escalation",
        holds: |r| r.restricted(|_, c| c["securityContext"]["allowPrivilegeEscalation"] == false),
        worse: |r| r.container("allowPrivilegeEscalation", json!(true)),
    },
    Check {
        id: "MTB-PL1-CC-TI-1 quotas stay",
        holds: quotas_stay,
        worse: |r| r.role("", "resourcequotas", "patch"),
    },
    Check {
        id: "MTB-PL1-CC-TI-2 other tenants",
        holds: no_other_tenants,
        worse: |r| {
            r.first("RoleBinding")["subjects"][0] = json!({"kind": "Group", "name": "tenant:other:admins"});
        },
    },
    Check {
        id: "MTB-PL1-BC-HI-1 host paths",
        holds: |r| {
            r.restricted(|pod, _| items(&pod["volumes"]).iter().all(|volume| volume["hostPath"].is_null()))
        },
        worse: |r| r.pod("volumes", json!([{"name": "host", "hostPath": {"path": "/"}}])),
    },
    Check {
        id: "MTB-PL1-BC-HI-1 node ports",
        holds: no_node_ports,
        worse: |r| r.first("Service")["spec"]["type"] = json!("NodePort"),
    },
    Check {
        id: "MTB-PL1-BC-HI-3 host network",
        holds: host_network,
        worse: |r| r.pod("hostNetwork", json!(true)),
    },
    Check {
        id: "MTB-PL1-BC-HI-4 host PID",
        holds: |r| host_is_out_of_reach(r, "hostPID"),
        worse: |r| r.pod("hostPID", json!(true)),
    },
    Check {
        id: "MTB-PL1-BC-HI-5 host IPC",
        holds: |r| host_is_out_of_reach(r, "hostIPC"),
        worse: |r| {
            r.first("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] =
                json!("baseline");
        },
    },
    Check {
        id: "MTB-PL1-CC-FNS-1 resource quotas",
        holds: |r| r.hard(&["requests.cpu", "requests.memory", "limits.memory", "requests.storage"]),
        worse: |r| r.first("ResourceQuota")["spec"]["hard"]["requests.cpu"] = Json::Null,
    },
    Check {
        id: "MTB-PL1-CC-FNS-2 object limits",
        holds: |r| {
            r.hard(&[
                "pods",
                "persistentvolumeclaims",
                "services",
                "secrets",
                "configmaps",
                "count/deployments.apps",
            ])
        },
        worse: |r| r.own.retain(|object| object["kind"] != "ResourceQuota"),
    },
    Check {
        id: "MTB-PL1-CC-DI-1 pull policy",
        holds: images_are_pulled_always,
        worse: |r| r.without_policy("customer-pods"),
    },
    Check {
        id: "MTB-PL2-BC-OPS-3 role bindings",
        holds: roles_of_their_own,
        worse: |r| r.role("rbac.authorization.k8s.io", "roles", "escalate"),
    },
    Check {
        id: "MTB-PL2-BC-OPS-4 network policies",
        holds: network_policies_of_their_own,
        worse: |r| {
            r.own.retain(|object| {
                object["kind"] != "NetworkPolicy" || object["metadata"]["name"] != "default-deny"
            });
        },
    },
];

/// What each customer gets, by a plan from nothing.
fn rendered() -> Vec<Rendered> {
    let place = Place::new();
    place.ok(EXAMPLE, &["plan", "-out=saved.plan"]);
    let shown: Json =
        serde_json::from_str(&place.ok(EXAMPLE, &["show", "-json", "saved.plan"]).stdout).expect("JSON");
    let manifests = |workspace: &str, module: &str| -> Vec<Json> {
        let changes = items(&shown["workspaces"][workspace]["resource_changes"]).iter();
        let wanted = changes.filter(|change| {
            change["type"] == "kubernetes_manifest"
                && change["address"].as_str().is_some_and(|address| address.starts_with(module))
        });
        wanted.map(|change| change["change"]["after"]["manifest"].clone()).collect()
    };
    let workspaces = shown["workspaces"].as_object().expect("workspaces");
    let tenants = workspaces.iter().filter(|(_, plan)| plan["tenant"].is_string());
    tenants
        .map(|(name, plan)| {
            let own = manifests(name, "kubernetes_manifest");
            // A cluster of one's own is made in the customer's workspace.
            let module = match plan["environment"].as_str().expect("an environment") {
                _ if workspaces[name]["tier"] == "enterprise" => (name.as_str(), "module."),
                "production-eu" => ("platform", "module.eu."),
                "production-us" => ("platform", "module.us."),
                other => panic!("{other}?"),
            };
            let namespace = own.iter().find(|object| object["kind"] == "Namespace").expect("a namespace");
            Rendered {
                namespace: namespace["metadata"]["name"].as_str().expect("a name").to_owned(),
                tenant: plan["tenant"].as_str().expect("a name").to_owned(),
                cluster: manifests(module.0, module.1),
                own,
            }
        })
        .collect()
}

#[test]
fn what_is_rendered_passes_all_eighteen_and_can_fail_each() {
    let customers = rendered();
    assert_eq!(customers.len(), 7);
    for Check { id, holds, worse } in CHECKS {
        for customer in &customers {
            assert_eq!(holds(customer), Ok(()), "{id}: {}", customer.namespace);
            let mut spoilt = customer.clone();
            worse(&mut spoilt);
            assert!(holds(&spoilt).is_err(), "{id}: {} passes although it is spoilt", customer.namespace);
        }
    }
}
