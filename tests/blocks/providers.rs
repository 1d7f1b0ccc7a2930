//! Which configuration of a provider an object is made with: what is recorded
//! as its connection tells.

use std::collections::BTreeMap;

use super::{apply, refused, root, settled};
use crate::common::Place;

/// A configuration of the simulated provider, by its endpoint.
fn cluster(name: &str, alias: &str) -> String {
    format!(
        "provider \"kubernetes\" {{\n{alias}  host = \"https://{name}.example.com\"\n  insecure = true\n}}\n"
    )
}

/// An object, with what more its block says.
fn object(name: &str, more: &str) -> String {
    format!(
        "resource \"kubernetes_manifest\" \"{name}\" {{\n{more}  manifest = {{\n    apiVersion = \"v1\"\n    kind = \
         \"Namespace\"\n    metadata = {{ name = \"{name}\" }}\n  }}\n}}\n"
    )
}

const SIMULATE: &str = "tenantctl {\n  simulate = [\"kubernetes\"]\n}\n";

/// The endpoint that each object was made at, without its domain.
fn places(place: &Place) -> BTreeMap<String, String> {
    let records = place.states("x").into_iter().flat_map(|state| state.resources.into_values());
    let name = |connection: &tenantctl_core::value::Value| match connection.get("endpoint") {
        Some(endpoint) => {
            let endpoint = endpoint.as_str().unwrap().to_owned();
            endpoint.trim_start_matches("https://").trim_end_matches(".example.com").to_owned()
        }
        None => "own kubeconfig".to_owned(),
    };
    records.map(|record| (record.key.address.to_string(), name(&record.connection))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(address, place)| ((*address).to_owned(), (*place).to_owned())).collect()
}

#[test]
fn an_alias_is_chosen_by_name_and_the_default_else() {
    let text = [
        SIMULATE,
        &cluster("main", ""),
        &cluster("west", "  alias = \"west\"\n"),
        &object("a", ""),
        &object("b", "  provider = kubernetes.west\n"),
        &object("c", "  provider = kubernetes\n"),
        &object("d", "  provider = \"kubernetes.west\"\n"),
    ]
    .concat();
    let place = root(&text);
    apply(&place);
    let at = |name: &str| format!("kubernetes_manifest.{name}");
    let expected = [(at("a"), "main"), (at("b"), "west"), (at("c"), "main"), (at("d"), "west")];
    let expected: Vec<(&str, &str)> = expected.iter().map(|(a, p)| (a.as_str(), *p)).collect();
    assert_eq!(places(&place), pairs(&expected));
    settled(&place);
    // The object is removed where it was made, though nothing says where any more.
    place.write("x", "main.tf", &[SIMULATE, &cluster("main", ""), &object("a", "")].concat());
    apply(&place);
    assert_eq!(places(&place), pairs(&[("kubernetes_manifest.a", "main")]));
}

/// A module two calls down, with a default and, where asked for, another one.
fn nested(place: &Place) {
    let aliases = "terraform {\n  required_providers {\n    kubernetes = {\n      source = \"hashicorp/kubernetes\"\n      \
                   configuration_aliases = [kubernetes.other]\n    }\n  }\n}\n";
    place.write("x", "plain/main.tf", &object("p", "").replace("name = \"p\"", "name = var.name"));
    place.edit("x", "plain/main.tf", "resource", "variable \"name\" {\n  default = \"p\"\n}\nresource");
    place.write("x", "inner/main.tf", &object("s", ""));
    let inner = "module \"inner\" {\n  source = \"../inner\"\n  providers = {\n    kubernetes = kubernetes.other\n  }\n}\n";
    let both = [aliases, &object("q", "  provider = kubernetes.other\n"), &object("r", ""), inner].concat();
    place.write("x", "both/main.tf", &both);
}

#[test]
fn modules_inherit_the_default_and_are_given_the_rest() {
    let calls = "module \"implicit\" {\n  source = \"./plain\"\n}\nmodule \"given\" {\n  source = \"./plain\"\n  name = \"given\"\n  providers = \
                 {\n    kubernetes = kubernetes.west\n  }\n}\nmodule \"both\" {\n  source = \"./both\"\n  providers = {\n    \
                 kubernetes.other = kubernetes.west\n  }\n}\n";
    let text = [SIMULATE, &cluster("main", ""), &cluster("west", "  alias = \"west\"\n"), calls].concat();
    let place = root(&text);
    nested(&place);
    apply(&place);
    let expected = [
        ("module.implicit.kubernetes_manifest.p", "main"),
        ("module.given.kubernetes_manifest.p", "west"),
        ("module.both.kubernetes_manifest.q", "west"),
        ("module.both.kubernetes_manifest.r", "main"),
        ("module.both.module.inner.kubernetes_manifest.s", "west"),
    ];
    assert_eq!(places(&place), pairs(&expected));
    settled(&place);
}

#[test]
fn one_block_configures_one_cluster_for_each_element() {
    let each = "provider \"kubernetes\" {\n  alias    = \"by_region\"\n  for_each = local.regions\n  host     = \
                \"https://${each.value}.example.com\"\n  insecure = true\n}\n";
    let rest = "locals {\n  regions = { eu = \"paris\", us = \"boston\" }\n}\nmodule \"m\" {\n  source   = \"./plain\"\n  \
                for_each = toset(keys(local.regions))\n  name = each.key\n  providers = {\n    kubernetes = kubernetes.by_region[each.key]\n  }\n}\n";
    let own = object("o", "  for_each = local.regions\n  provider = kubernetes.by_region[each.key]\n");
    let own = own.replace("name = \"o\"", "name = \"o-${each.key}\"");
    let place = root(&[SIMULATE, each, rest, &own].concat());
    nested(&place);
    apply(&place);
    let expected = [
        ("kubernetes_manifest.o[\"eu\"]", "paris"),
        ("kubernetes_manifest.o[\"us\"]", "boston"),
        ("module.m[\"eu\"].kubernetes_manifest.p", "paris"),
        ("module.m[\"us\"].kubernetes_manifest.p", "boston"),
    ];
    assert_eq!(places(&place), pairs(&expected));
    settled(&place);
}

#[test]
fn what_is_wrong_with_providers_is_told() {
    let west = cluster("west", "  alias = \"west\"\n");
    let each = "provider \"kubernetes\" {\n  alias    = \"by\"\n  for_each = { a = \"b\" }\n  host     = each.value\n}\n";
    let call = |more: &str| format!("module \"m\" {{\n  source = \"./m\"\n{more}}}\n");
    let aliases = "terraform {\n  required_providers {\n    kubernetes = {\n      source = \"hashicorp/kubernetes\"\n      \
                   configuration_aliases = [kubernetes.other]\n    }\n  }\n}\n";
    let plain = object("p", "");
    for (text, module, expected) in [
        (
            object("a", "  provider = kubernetes.east\n") + &west,
            "",
            "There is no configuration kubernetes.east",
        ),
        (object("a", "  provider = terraform\n"), "", "Wrong provider"),
        (object("a", "  provider = 3\n"), "", "Invalid provider reference"),
        (west.clone() + &west, "", "two definitions of provider kubernetes.west"),
        ("provider \"kubernetes\" {\n  for_each = {}\n}\n".into(), "", "Alias required when using for_each"),
        (cluster("w", "  alias = \"a b\"\n"), "", "Invalid alias"),
        (
            each.to_owned() + &object("a", "  provider = kubernetes.by\n"),
            "",
            "Provider instance key required",
        ),
        (
            each.to_owned() + &object("a", "  provider = kubernetes.by[\"c\"]\n"),
            "",
            "Provider instance not present",
        ),
        (
            west.clone() + &object("a", "  provider = kubernetes.west[\"c\"]\n"),
            "",
            "Unexpected provider instance key",
        ),
        (
            call("  providers = {\n    kubernetes.x = kubernetes\n  }\n"),
            &*plain,
            "Undeclared provider configuration",
        ),
        (
            call("  providers = {\n    kubernetes = kubernetes.x\n  }\n"),
            &*plain,
            "Provider configuration not present",
        ),
        (call("  providers = {\n    kubernetes = terraform\n  }\n"), &*plain, "Provider type mismatch"),
        (call(""), aliases, "Missing required provider configuration"),
        (
            call("  providers = {\n    kubernetes = kubernetes\n  }\n"),
            &*cluster("m", ""),
            "Cannot override provider",
        ),
        (call("  count = 2\n"), &*cluster("m", ""), "Module is incompatible with count"),
        (
            "resource \"terraform_data\" \"a\" {}\nprovider \"kubernetes\" {\n  alias = \"x\"\n  for_each = \
             toset([terraform_data.a.id])\n}\n"
                .into(),
            "",
            "known only when everything is planned",
        ),
        // A block that nothing uses is looked at too.
        (
            "provider \"kubernetes\" {\n  alias = \"x\"\n  host = length(3)\n}\n".into(),
            "",
            "Error in function call",
        ),
    ] {
        let place = root(&text);
        if !module.is_empty() {
            place.write("x", "m/main.tf", module);
        }
        let words = refused(&place, &["plan", "-simulate=kubernetes"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn providers_of_a_module_wait_for_what_they_are_made_of() {
    // The cluster's address is known only after apply.
    let cluster = "resource \"terraform_data\" \"cluster\" {\n  input = \"made\"\n}\nprovider \"kubernetes\" {\n  alias = \
                   \"made\"\n  host = \"https://${terraform_data.cluster.id == \"\" ? \"\" : \
                   terraform_data.cluster.output}.example.com\"\n  insecure = true\n}\n";
    let call =
        "module \"m\" {\n  source = \"./plain\"\n  providers = {\n    kubernetes = kubernetes.made\n  }\n}\n";
    let place = root(&[SIMULATE, cluster, call].concat());
    nested(&place);
    apply(&place);
    assert_eq!(
        places(&place)["module.m.kubernetes_manifest.p"],
        "made",
        "the configuration is finished when the cluster is there"
    );
    settled(&place);
}

#[test]
fn a_module_may_call_a_provider_by_a_name_of_its_own() {
    let required = |name: &str| {
        format!(
            "terraform {{\n  required_providers {{\n    {name} = {{\n      source = \"hashicorp/kubernetes\"\n      \
             configuration_aliases = [{name}.west]\n    }}\n  }}\n}}\n"
        )
    };
    let own = |text: String| text.replace("provider \"kubernetes\"", "provider \"k8s\"");
    let text = [
        SIMULATE.to_owned(),
        required("k8s").replace("[k8s.west]", "[]"),
        own(cluster("here", "")),
        own(cluster("east", "  alias = \"east\"\n")),
        object("a", ""),
        object("b", "  provider = k8s.east\n"),
        "module \"m\" {\n  source = \"./m\"\n  providers = {\n    other      = k8s\n    other.west = k8s.east\n  }\n}\n".to_owned(),
    ];
    let place = root(&text.concat());
    let inner = [required("other"), object("c", ""), object("d", "  provider = other.west\n")];
    place.write("x", "m/main.tf", &inner.concat());
    apply(&place);
    let expected = [
        ("kubernetes_manifest.a", "here"),
        ("kubernetes_manifest.b", "east"),
        ("module.m.kubernetes_manifest.c", "here"),
        ("module.m.kubernetes_manifest.d", "east"),
    ];
    assert_eq!(places(&place), pairs(&expected));
    settled(&place);
    // Messages and documents have the module's own names.
    place.ok("x", &["plan", "-out=p"]);
    let shown = place.ok("x", &["show", "-json", "p"]).stdout;
    let plan: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let resources = plan["configuration"]["root_module"]["resources"].as_array().unwrap();
    let keys: Vec<&str> = resources.iter().map(|one| one["provider_config_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["k8s", "k8s.east"]);
    assert_eq!(plan["configuration"]["provider_config"]["k8s.east"]["name"], "k8s");
    place.write("x", "more.tf", &object("e", "  provider = k8s.north\n"));
    let words = refused(&place, &["plan"]);
    assert!(words.contains("no configuration k8s.north"), "{words}");
    let twice = required("k8s")
        .replace("[k8s.west]", "[]")
        .replace("k8s = {", "kube = { source = \"hashicorp/kubernetes\" }\n k8s = {");
    let words = root(&twice).ok("x", &["validate"]).stderr;
    assert!(words.contains("asked for by two names"), "{words}");
}
