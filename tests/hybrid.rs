//! examples/saas-hybrid: three tiers of isolation from one blueprint.

pub mod fleet;

use serde_json::Value as Json;

use crate::common::{Place, Said};
use fleet::{EU, EXAMPLE, Fleet, OWN, US};

/// Instances of the example, and the cluster that each is in.
const INSTANCES: [(&str, &str, &str); 7] = [
    ("acme", "production-eu", EU),
    ("globex", "production-eu", EU),
    ("hooli", "production-eu", OWN),
    ("initech", "production-eu", EU),
    ("initech", "production-us", US),
    ("stark", "production-us", US),
    ("umbrella", "production-us", US),
];

/// One more customer.
const WAYNE: &str = "tenant \"wayne\" {\n  tier = \"business\"\n}\n";

/// `+`, `~` and `-` of each workspace, by the table under a plan.
fn counts(said: &Said) -> Vec<(String, [u32; 3])> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, numbers @ ..] = words.as_slice() else { return None };
        let numbers: Vec<u32> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
        Some((name.to_string(), numbers.try_into().ok()?))
    };
    let table = said.stdout.lines().skip_while(|line| !line.trim_start().starts_with("tenant "));
    table.skip(1).take_while(|line| !line.trim().is_empty()).filter_map(row).collect()
}

/// The workspaces that a plan changes.
fn touched(said: &Said) -> Vec<String> {
    counts(said).into_iter().filter(|(_, n)| n.iter().sum::<u32>() > 0).map(|(name, _)| name).collect()
}

/// What was said on the side, without line breaks.
fn complaint(said: &Said) -> String {
    said.stderr.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ")
}

/// Has all customers come in by Gateways.
pub fn by_gateway(place: &Place) {
    place.edit(EXAMPLE, "clusters.tf", "gateway = false", "gateway = true");
    place.edit(
        EXAMPLE,
        "main.hcl",
        "    app_version = ",
        "    routing     = \"gateway\"\n    app_version = ",
    );
}

fn simulated() -> Place {
    let place = Place::new();
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    place
}

#[test]
fn every_tier_has_what_its_isolation_needs() {
    let place = Place::new();
    let plan = place.ok(EXAMPLE, &["plan", "-json"]);
    let planned: Vec<(String, String)> = plan
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        .filter(|line| line["type"] == "planned_change")
        .map(|line| {
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            (text(&line["workspace"]), text(&line["change"]["resource"]["addr"]))
        })
        .collect();
    let has =
        |workspace: &str, address: &str| planned.iter().any(|(of, what)| of == workspace && what == address);
    let shared = [
        "kubernetes_manifest.namespace",
        "kubernetes_manifest.priority",
        "kubernetes_manifest.service_account[\"app\"]",
        "kubernetes_manifest.role[\"viewer\"]",
        "kubernetes_manifest.role_binding[\"developer\"]",
        "kubernetes_manifest.role_binding[\"reconciler\"]",
        "kubernetes_manifest.quota",
        "kubernetes_manifest.limits",
        "kubernetes_manifest.network_policy[\"default-deny\"]",
        "kubernetes_manifest.web",
        "kubernetes_manifest.service",
        "kubernetes_manifest.ingress",
        "kubernetes_manifest.autoscaler",
        "kubernetes_manifest.disruption_budget",
        "kubernetes_manifest.service_monitor",
        "kubernetes_manifest.alert_routing",
        "kubernetes_manifest.dashboard",
        "kubernetes_manifest.secret_store",
        "kubernetes_manifest.external_secret",
        "kubernetes_manifest.database",
        "kubernetes_manifest.scheduled_backup",
        "kubernetes_manifest.pooler",
        "kubernetes_manifest.pod_monitor[\"db\"]",
        "simulated_bucket.backups",
        "simulated_vault.this",
        "simulated_identity.this",
        "simulated_dns_record.web",
    ];
    for (tenant, environment, cluster) in INSTANCES {
        let workspace = format!("{tenant}/{environment}");
        for address in shared {
            assert!(has(&workspace, address), "{workspace} has no {address}\n{planned:#?}");
        }
        let pool = has(&workspace, "simulated_node_pool.this[0]");
        assert_eq!(pool, ["hooli", "initech", "stark"].contains(&tenant), "{workspace}");
        let own = has(&workspace, "module.cluster[0].simulated_cluster.this");
        let policies = has(&workspace, "module.cluster[0].kubernetes_manifest.policy[\"pool-owners\"]");
        assert_eq!((own, policies), (cluster == OWN, cluster == OWN), "{workspace}");
    }
}

#[test]
fn one_tenants_setting_touches_that_tenant_alone() {
    let place = simulated();
    assert_eq!(place.run(EXAMPLE, &["plan", "-detailed-exitcode"]).code, 0, "the second plan is not empty");
    place.edit(EXAMPLE, "tenants/globex.hcl", "debug", "warn");
    let plan = place.ok(EXAMPLE, &["plan"]);
    assert_eq!(touched(&plan), ["globex/production-eu"], "{}", plan.stdout);
    assert!(plan.stdout.contains("LOG_LEVEL = \"debug\" -> \"warn\""), "{}", plan.stdout);
}

#[test]
fn a_setting_for_one_environment_touches_the_tenant_there() {
    let place = simulated();
    place.edit(EXAMPLE, "tenants/initech.hcl", "min = 6", "min = 7");
    let plan = place.ok(EXAMPLE, &["plan"]);
    assert_eq!(touched(&plan), ["initech/production-us"], "{}", plan.stdout);
}

#[test]
fn a_default_touches_all_that_do_not_override_it_in_few_lines() {
    let place = simulated();
    place.edit(EXAMPLE, "main.hcl", "app_version = \"1.27\"", "app_version = \"1.28\"");
    let plan = place.ok(EXAMPLE, &["plan"]);
    let but_initech = [
        "acme/production-eu",
        "globex/production-eu",
        "hooli/production-eu",
        "stark/production-us",
        "umbrella/production-us",
    ];
    assert_eq!(touched(&plan), but_initech, "{}", plan.stdout);
    // What five tenants share is shown once, or once for each shape of it.
    let shown = plan.stdout.matches("-> \"nginxinc/nginx-unprivileged:1.28\"").count();
    assert!(shown <= 4, "{}", plan.stdout);
}

#[test]
fn an_applied_change_leaves_nothing_to_do() {
    let place = simulated();
    place.edit(
        EXAMPLE,
        "main.hcl",
        "memory = \"8Gi\", storage = \"50Gi\"",
        "memory = \"9Gi\", storage = \"50Gi\"",
    );
    let plan = place.ok(EXAMPLE, &["plan"]);
    assert_eq!(touched(&plan), ["acme/production-eu", "globex/production-eu", "umbrella/production-us"]);
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    let said = place.run(EXAMPLE, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
}

#[test]
fn a_first_plan_needs_no_cluster() {
    let place = Place::new();
    place.edit(EXAMPLE, "main.hcl", "  simulate = [\"kubernetes\"]\n", "");
    let plan = place.ok(EXAMPLE, &["plan"]);
    assert_eq!(counts(&plan).len(), INSTANCES.len() + 1, "{}", plan.stdout);
    assert!(plan.stdout.contains(" 0 to change, 0 to destroy"), "{}", plan.stdout);
}

#[test]
fn a_new_customer_is_a_file_and_touches_nobody_else() {
    let place = simulated();
    place.write(EXAMPLE, "tenants/wayne.hcl", WAYNE);
    assert_eq!(touched(&place.ok(EXAMPLE, &["plan"])), ["wayne/production-eu"]);
}

#[test]
fn a_customer_whose_file_vanished_stays() {
    let place = simulated();
    std::fs::remove_file(place.example(EXAMPLE).join("tenants/umbrella.hcl")).expect("removed");
    let plan = place.run(EXAMPLE, &["plan"]);
    assert!(!plan.stdout.contains("will be destroyed"), "{}", plan.stdout);
    assert!(format!("{}{}", plan.stdout, plan.stderr).contains("umbrella"), "{}", plan.stderr);

    for file in ["acme", "globex", "hooli", "initech", "stark"] {
        std::fs::remove_file(place.example(EXAMPLE).join(format!("tenants/{file}.hcl"))).expect("removed");
    }
    let plan = place.run(EXAMPLE, &["plan"]);
    assert_eq!(plan.code, 1, "{}", plan.stdout);
    assert!(complaint(&plan).contains("No tenants"), "{}", plan.stderr);
}

#[test]
fn names_are_short_and_never_the_same() {
    let place = Place::new();
    let long = "a".repeat(60);
    let tenants =
        ["acme-2".to_owned(), "acme-production".to_owned(), format!("{long}-x"), format!("{long}-y")];
    for tenant in &tenants {
        let text = format!("tenant \"{tenant}\" {{\n  tier = \"starter\"\n}}\n");
        place.write(EXAMPLE, &format!("tenants/{tenant}.hcl"), &text);
    }
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    let mut namespaces = Vec::new();
    for state in place.states(EXAMPLE) {
        for record in state.resources.values() {
            let address = &record.key.address;
            let manifest = record.attributes.get("manifest");
            let name = match (&manifest, record.attributes.get("name")) {
                (Some(manifest), _) => manifest.get("metadata").and_then(|metadata| metadata.get("name")),
                (None, name) => name,
            };
            let Some(name) = name.as_ref().and_then(|name| name.as_str().map(str::to_owned)) else {
                continue;
            };
            // A host name has 63 characters between its dots.
            let longest = name.split('.').map(str::len).max().unwrap_or_default();
            assert!(longest <= 63, "{address}: {name}");
            if address.to_string() == "kubernetes_manifest.namespace" {
                namespaces.push(name);
            }
        }
    }
    assert_eq!(namespaces.len(), INSTANCES.len() + tenants.len(), "{namespaces:#?}");
    let all = namespaces.len();
    namespaces.sort();
    namespaces.dedup();
    assert_eq!(namespaces.len(), all, "{namespaces:#?}");
}

#[test]
fn a_name_that_could_be_taken_for_anothers_is_refused() {
    let place = Place::new();
    place.write(EXAMPLE, "tenants/bad.hcl", "tenant \"acme--production\" {\n  tier = \"starter\"\n}\n");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("no two hyphens in a row"), "{}", said.stderr);
}

#[test]
fn what_a_regime_or_the_platform_asks_is_checked_at_plan() {
    let tenants = |name: &str| format!("tenants/{name}.hcl");
    let cases = [
        (tenants("stark"), "retention_days = 2555", "retention_days = 400", "kept for seven years"),
        (tenants("hooli"), "[\"gdpr\"", "[\"gdpr\", \"hipaa\"", "kept for seven years"),
        (
            tenants("acme"),
            "tier ",
            "compliance = [\"hipaa\"]\n  tier ",
            "a node pool or a cluster of its own",
        ),
        (tenants("umbrella"), "tier ", "compliance = [\"gdpr\"]\n  tier ", "no region of the EU"),
        (
            tenants("initech"),
            "app_version",
            "database = { instances = 1 }\n    app_version",
            "two instances or more",
        ),
        (
            "blueprints/customer-instance/database.tf".to_owned(),
            "encrypted      = true",
            "encrypted      = false",
            "must be encrypted",
        ),
    ];
    for (file, from, to, words) in cases {
        let place = Place::new();
        place.edit(EXAMPLE, &file, from, to);
        let said = place.run(EXAMPLE, &["plan"]);
        assert_eq!(said.code, 1, "{file}: {}", said.stdout);
        assert!(complaint(&said).contains(words), "{file}: {}", said.stderr);
    }
}

#[test]
fn a_host_name_of_two_tenants_is_refused_naming_both() {
    let place = Place::new();
    place.edit(EXAMPLE, "tenants/globex.hcl", "log_level = \"debug\"", "domains = [\"shop.acme.example\"]");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    for word in ["shop.acme.example", "acme", "globex"] {
        assert!(said.stderr.contains(word), "{}", said.stderr);
    }

    // Nor the name that the platform gives to another.
    let place = Place::new();
    place.edit(EXAMPLE, "tenants/acme.hcl", "shop.acme.example", "globex.eu.shop.example.com");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let words = "acme/production-eu and globex/production-eu both claim host globex.eu.shop.example.com";
    assert!(complaint(&said).contains(words), "{}", said.stderr);
}

/// The other way in takes the first one's place, whatever the isolation; names
/// are claimed alike.
#[test]
fn a_route_of_the_gateway_takes_the_place_of_an_ingress() {
    let place = simulated();
    // A shared cluster without Gateway is not a place for routes.
    place.edit(EXAMPLE, "tenants/globex.hcl", "log_level", "routing = \"gateway\", log_level");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(complaint(&said).contains("production-eu has no Gateway"), "{}", said.stderr);
    place.edit(EXAMPLE, "tenants/globex.hcl", "routing = \"gateway\"", "routing = \"getaway\"");
    let said = place.run(EXAMPLE, &["plan", "-tenant=globex"]);
    assert!(complaint(&said).contains("routing is one of ingress, gateway, both."), "{}", said.stderr);
    place.edit(EXAMPLE, "tenants/globex.hcl", "routing = \"getaway\", ", "");

    by_gateway(&place);
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    assert_eq!(place.run(EXAMPLE, &["plan", "-detailed-exitcode"]).code, 0, "the second plan is not empty");
    for state in place.states(EXAMPLE) {
        let has = |name: &str| state.resources.keys().any(|key| key.address.to_string() == name);
        let is_customer = state.name.as_str() != "platform";
        assert!(!has("kubernetes_manifest.ingress"), "{}", state.name);
        assert_eq!(has("kubernetes_manifest.route"), is_customer, "{}", state.name);
        // Customers with a cluster of their own have a Gateway of their own.
        let own = has("module.cluster[0].kubernetes_manifest.gateway");
        assert_eq!(own, state.name.as_str().starts_with("hooli"), "{}", state.name);
    }

    // On the way from one to the other there are both.
    place.edit(EXAMPLE, "tenants/globex.hcl", "log_level", "routing = \"both\", log_level");
    let said = place.ok(EXAMPLE, &["plan", "-tenant=globex"]);
    assert!(said.stdout.contains("# kubernetes_manifest.ingress will be created"), "{}", said.stdout);
    assert!(!said.stdout.contains("kubernetes_manifest.route"), "{}", said.stdout);
    for words in [
        "+ \"kubernetes.io/metadata.name\" = \"ingress-nginx\"",
        "Plan: 1 to add, 1 to change, 0 to destroy.",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    place.edit(EXAMPLE, "tenants/globex.hcl", "routing = \"both\", ", "");

    place.edit(EXAMPLE, "tenants/acme.hcl", "shop.acme.example", "globex.eu.shop.example.com");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let words = "acme/production-eu and globex/production-eu both claim host globex.eu.shop.example.com";
    assert!(complaint(&said).contains(words), "{}", said.stderr);
    // One by a route, the other by an Ingress: it is one name all the same.
    place.edit(EXAMPLE, "tenants/acme.hcl", "domains =", "routing = \"ingress\", domains =");
    let said = place.run(EXAMPLE, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(complaint(&said).contains(words), "{}", said.stderr);
}

#[test]
fn one_apply_leads_from_nothing_to_healthy_databases_in_three_clusters() {
    let fleet = Fleet::shared();
    let made = fleet.first.stdout.lines().rev().find(|line| line.starts_with("Apply complete!"));
    assert!(made.is_some_and(|line| line.ends_with("0 changed, 0 destroyed. Workspaces: 8.")), "{made:?}");
    for (tenant, environment, cluster) in INSTANCES {
        let namespace = format!("shop-{tenant}--{environment}");
        let get = |what: &str, path: &str| {
            let path = format!("jsonpath={path}");
            let output = fleet.cluster(cluster).kubectl(&["get", what, "-n", &namespace, "-o", &path]);
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(get("clusters.postgresql.cnpg.io/db", "{.status.phase}"), "Cluster in healthy state");
        let asked = get("clusters.postgresql.cnpg.io/db", "{.spec.instances}");
        assert_eq!(get("clusters.postgresql.cnpg.io/db", "{.status.readyInstances}"), asked, "{namespace}");
        assert_eq!(get("deployment/web", "{.status.conditions[?(@.type==\"Available\")].status}"), "True");
        let pools = get("pods", "{.items[*].spec.nodeSelector.shop\\.example\\.com/pool}");
        let dedicated = ["hooli", "initech", "stark"].contains(&tenant);
        assert_eq!(!pools.is_empty(), dedicated, "{namespace}: {pools}");
    }
}

#[test]
fn plans_on_real_clusters_touch_what_changed_alone() {
    let change = Fleet::shared().change();
    let said = change.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);

    change.place.edit(EXAMPLE, "tenants/globex.hcl", "debug", "warn");
    let plan = change.ok(&["plan"]);
    assert_eq!(touched(&plan), ["globex/production-eu"], "{}", plan.stdout);
    change.ok(&["apply", "-auto-approve"]);

    change.place.edit(EXAMPLE, "main.hcl", "app_version = \"1.27\"", "app_version = \"1.28\"");
    let plan = change.ok(&["plan"]);
    assert_eq!(touched(&plan).len(), 5, "{}", plan.stdout);
    assert!(!touched(&plan).iter().any(|name| name.starts_with("initech")), "{}", plan.stdout);
    change.ok(&["apply", "-auto-approve"]);
    let said = change.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
}

#[test]
fn a_customer_comes_and_goes_on_a_real_cluster() {
    let fleet = Fleet::shared();
    let change = fleet.change();
    let namespace = || {
        let output =
            fleet.cluster(EU).kubectl(&["get", "namespace", "shop-wayne--production-eu", "-o", "name"]);
        output.status.success()
    };
    change.place.write(EXAMPLE, "tenants/wayne.hcl", WAYNE);
    assert_eq!(touched(&change.ok(&["plan"])), ["wayne/production-eu"]);
    change.ok(&["apply", "-auto-approve", "-tenant=wayne"]);
    assert!(namespace());
    assert_eq!(change.run(&["plan", "-detailed-exitcode"]).code, 0);

    change.ok(&["destroy", "-auto-approve", "-tenant=wayne"]);
    assert!(!namespace());
    std::fs::remove_file(change.place.example(EXAMPLE).join("tenants/wayne.hcl")).expect("removed");
    assert_eq!(change.run(&["plan", "-detailed-exitcode"]).code, 0);
}

#[test]
fn a_platform_begins_from_the_example() {
    let place = Place::new();
    std::fs::create_dir(place.example("new")).expect("a folder");
    let said = place.ok("new", &["init", "-from-example", "saas-hybrid", "shop"]);
    assert!(said.stdout.contains("files of the example saas-hybrid are in shop"), "{}", said.stdout);
    let plan = place.ok("new", &["-chdir=shop", "plan"]);
    assert_eq!(counts(&plan).len(), INSTANCES.len() + 1, "{}", plan.stdout);

    place.write("new", "shop/main.hcl", "# mine");
    let said = place.run("new", &["-chdir=shop", "init", "-from-example=saas-hybrid"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("main.hcl is there already"), "{}", said.stderr);
    assert_eq!(std::fs::read(place.example("new").join("shop/main.hcl")).expect("there"), b"# mine");

    let said = place.run("new", &["init", "-from-example=nothing"]);
    assert!(complaint(&said).contains("quickstart"), "{}", said.stderr);
}
