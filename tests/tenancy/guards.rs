use super::{platform, tenant};
use crate::common::Place;

#[test]
fn a_tenant_that_vanished_is_told_of_and_kept() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    std::fs::remove_file(place.example("fleet").join("tenants/globex.hcl")).unwrap();
    let said = place.ok("fleet", &["apply", "-auto-approve"]);
    assert!(said.stderr.contains("Tenants without configuration"), "{}", said.stderr);
    assert!(said.stderr.contains("globex/production"), "{}", said.stderr);
    assert!(said.stdout.contains("No changes."), "{}", said.stdout);
    assert_eq!(place.states("fleet").len(), 4);
}

/// Whoever is planned, the whole fleet is looked at; whose settings are nobody
/// else's goes on.
#[test]
fn a_setting_that_must_be_unique_is_refused_to_both() {
    let place = Place::new();
    platform(&place);
    place.edit("fleet", "tenants/globex.hcl", "globex.example.com", "acme.example.com");
    for flags in [&["plan"][..], &["plan", "-tenant=globex"], &["plan", "-tenant=acme"]] {
        let said = place.run("fleet", flags);
        assert_eq!(said.code, 1, "{}", said.stdout);
        for words in
            ["Claimed twice", "acme/production", "globex/production", "tenants/globex.hcl:4", "main.hcl:34"]
        {
            assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
        }
        assert_eq!(said.stderr.matches("error: ").count(), 1, "told once: {}", said.stderr);
    }
    place.ok("fleet", &["plan", "-tenant=initech"]);
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let states = place.states("fleet");
    let done: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(done, ["acme/staging", "initech/production"]);
}

/// What a tenant has is its own also while nobody plans it: one that was not
/// selected, whose file is not right, or whose file is gone.
#[test]
fn a_name_is_its_holders_whoever_is_planned() {
    let place = Place::new();
    let tenant = |name: &str, host: &str| {
        format!("tenant \"{name}\" {{\n  tier     = \"t\"\n  settings = {{ host = \"{host}\" }}\n}}\n")
    };
    place.write(
        "claims",
        "main.hcl",
        "tenantctl {\n  simulate = [\"kubernetes\"]\n}\nplatform \"p\" {\n  blueprint = \"./b\"\n  tenants   = \"./tenants\"\n}\ntier \"t\" {}\n",
    );
    place.write(
        "claims",
        "b/main.tf",
        "variable \"tenant\" {}\nvariable \"host\" {}\nresource \"simulated_dns_record\" \"web\" {\n  name = var.host\n  type = \"A\"\n  values = [\"10.0.0.1\"]\n}\n",
    );
    place.write("claims", "tenants/one.hcl", &tenant("one", "shop.example.com"));
    place.write("claims", "tenants/two.hcl", &tenant("two", "two.example.com"));
    place.ok("claims", &["apply", "-auto-approve"]);
    place.write("claims", "tenants/two.hcl", &tenant("two", "SHOP.example.com."));
    let refused = |flags: &[&str], hint: &str| {
        let said = place.run("claims", flags);
        assert_eq!(said.code, 1, "{flags:?}: {}", said.stdout);
        let why = "two and one both claim host shop.example.com, which only one may have.";
        assert!(said.words().contains(why), "{flags:?}: {}", said.stderr);
        assert!(said.words().contains(hint), "{flags:?}: {}", said.stderr);
    };
    refused(&["plan"], "");
    refused(&["plan", "-tenant=two"], "one has it by its state.");
    place.write("claims", "tenants/one.hcl", "tenant \"one\" {");
    refused(&["plan"], "one has it by its state.");
    std::fs::remove_file(place.example("claims").join("tenants/one.hcl")).unwrap();
    refused(&["plan"], "tenantctl offboard one");
    // It changes hands in one run.
    place.write("claims", "tenants/one.hcl", &tenant("one", "one.example.com"));
    place.ok("claims", &["plan"]);
    refused(&["plan", "-tenant=two"], "apply -tenant=one first");
    // What is kept of who has what is of no state that was written since, and
    // can be lost.
    place.ok("claims", &["apply", "-tenant=one", "-auto-approve"]);
    place.ok("claims", &["plan", "-tenant=two"]);
    place.write("claims", "tenants/two.hcl", &tenant("two", "one.example.com"));
    let taken = || {
        let said = place.run("claims", &["plan", "-tenant=two"]);
        assert!(said.words().contains("two and one both claim host one.example.com"), "{}", said.stderr);
    };
    taken();
    place.write("claims", "state/cache/claims", "damaged");
    taken();
    std::fs::remove_dir_all(place.example("claims").join("state/cache")).unwrap();
    taken();
}

/// Host names, whatever cluster they are served from; names of objects, in one
/// cluster.
#[test]
fn two_tenants_that_claim_one_name_are_refused_both() {
    let place = Place::new();
    let shop = |host: &str, namespace: &str| {
        format!(
            r#"
variable "tenant" {{
  type = object({{ name = string }})
}}
resource "kubernetes_manifest" "namespace" {{
  manifest = {{ apiVersion = "v1", kind = "Namespace", metadata = {{ name = "{namespace}" }} }}
}}
resource "kubernetes_manifest" "web" {{
  manifest = {{
    apiVersion = "networking.k8s.io/v1"
    kind       = "Ingress"
    metadata   = {{ name = "web", namespace = kubernetes_manifest.namespace.manifest.metadata.name }}
    spec       = {{ rules = [{{ host = "{host}" }}] }}
  }}
}}
"#
        )
    };
    place.write(
        "claims",
        "main.hcl",
        "tenantctl {\n  simulate = [\"kubernetes\"]\n}\nplatform \"p\" {\n  blueprint = \"./b\"\n}\n\
         tier \"t\" {}\ntenant \"a\" {\n  tier = \"t\"\n}\ntenant \"b\" {\n  tier = \"t\"\n}\n",
    );
    let each = shop("${var.tenant.name}.example.com", "${var.tenant.name}");
    place.write("claims", "b/main.tf", &each);
    place.ok("claims", &["apply", "-auto-approve"]);
    for (text, name) in [
        (shop("shop.example.com", "${var.tenant.name}"), "host shop.example.com"),
        (shop("${var.tenant.name}.example.com", "shop"), "core/Namespace/shop"),
    ] {
        place.write("claims", "b/main.tf", &text);
        let said = place.run("claims", &["apply", "-auto-approve"]);
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(said.stderr.contains("Claimed twice"), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("a and b both claim {name}")), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("b and a both claim {name}")), "{}", said.stderr);
    }
    // Who has a name keeps it; the other is refused.
    let only_a = shop("${var.tenant.name == \"a\" ? \"a\" : \"a\"}.example.com", "${var.tenant.name}");
    place.write("claims", "b/main.tf", &only_a);
    let said = place.run("claims", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("b and a both claim host a.example.com"), "{}", said.stderr);
    assert!(!said.stderr.contains("a and b both claim"), "{}", said.stderr);
}

#[test]
fn a_guard_stops_what_goes_beyond_it() {
    let place = Place::new();
    platform(&place);
    let guard = |limits: &str| {
        place.edit(
            "fleet",
            "main.hcl",
            "unique    = [\"domains\"]",
            &format!("unique    = [\"domains\"]\n  guard = {{ {limits} }}"),
        );
    };
    place.ok("fleet", &["apply", "-auto-approve"]);
    guard("max_destroy_percent = 10");
    place.edit("fleet", "blueprint/main.tf", "\"terraform_data\" \"app\"", "\"terraform_data\" \"web\"");
    place.edit("fleet", "blueprint/main.tf", "terraform_data.app.output", "terraform_data.web.output");
    for flags in [&["plan"][..], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]] {
        let said = place.run("fleet", flags);
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(
            said.stderr.contains("4 of 4 objects would be destroyed, which is more than 10 percent"),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains("main.hcl:14"), "{}", said.stderr);
    }
    place.ok("fleet", &["destroy", "-auto-approve", "-tenant=initech"]);
    place.ok("fleet", &["apply", "-auto-approve", "-ignore-guard"]);
    place.edit("fleet", "main.hcl", "max_destroy_percent = 10", "max_tenants = 1");
    place.edit("fleet", "main.hcl", "level = local.level", "level = \"warn\"");
    let said = place.run("fleet", &["plan"]);
    assert!(said.stderr.contains("3 tenants would be changed, which is more than 1."), "{}", said.stderr);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=acme"]);
}

/// Names that only look alike are apart, and long ones are told so.
#[test]
fn tenants_of_like_names_do_not_meet() {
    let place = Place::new();
    platform(&place);
    place.write("fleet", "tenants/acme-2.hcl", &tenant("acme-2", "starter", "level = \"info\""));
    place.ok("fleet", &["apply", "-auto-approve"]);
    let said = place.ok("fleet", &["state", "list", "-tenant=acme"]);
    assert!(!said.stdout.contains("acme-2"), "{}", said.stdout);
    let said = place.ok("fleet", &["destroy", "-auto-approve", "-tenant=acme"]);
    assert!(said.stdout.contains("2 destroyed"), "{}", said.stdout);
    let said = place.ok("fleet", &["output", "-raw", "app", "-tenant=acme-2"]);
    assert!(said.stdout.starts_with("acme-2 "), "{}", said.stdout);
    for name in ["a".repeat(64), "Acme".into(), "-a".into(), "a_b".into(), "a/b".into(), String::new()] {
        place.write("fleet", "tenants/wrong.hcl", &tenant(&name, "starter", "level = \"info\""));
        let said = place.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{name}");
        assert!(said.stderr.contains("Invalid name"), "{name}: {}", said.stderr);
    }
}

/// Ten thousand tenants with a mistake in each: told in bounded time and space.
#[test]
fn many_mistakes_are_told_in_few_lines() {
    let place = Place::new();
    platform(&place);
    let text: String = (0..10_000)
        .map(|i| format!("tenant \"t{i}\" {{\n  tier = \"starter\"\n  environments = [\"production\"]\n  settings = {{ levl = {i} }}\n}}\n"))
        .collect();
    place.write("fleet", "tenants/many.hcl", &text);
    let said = place.run("fleet", &["plan", "-tier=starter"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.lines().count() < 500, "{} lines", said.stderr.lines().count());
    assert!(
        said.stderr.contains("10000"),
        "{}",
        said.stderr.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    );
}
