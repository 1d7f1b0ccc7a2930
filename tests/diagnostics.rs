use crate::common::Place;

/// What is put in place of what, in which file, and what must be said of it.
const CASES: [(&str, &str, &str, &str, &str); 12] = [
    ("syntax error", "main.hcl", "platform \"shop\" {", "platform \"shop\" {{", "main.hcl:9:"),
    ("unknown block", "main.hcl", "tier \"starter\" {", "teir \"starter\" {", "Did you mean \"tier\"?"),
    ("unknown tier", "main.hcl", "tier = \"starter\"", "tier = \"startr\"", "Did you mean \"starter\"?"),
    ("missing blueprint", "main.hcl", "./blueprint", "./blueprints", "There is no directory"),
    ("undeclared setting", "main.hcl", "app_version =", "app_versoin =", "Did you mean \"app_version\"?"),
    ("wrong type", "main.hcl", "replicas = 2", "replicas = \"two\"", "a number is required"),
    ("failed validation", "main.hcl", "log_level = \"debug\"", "log_level = \"loud\"", "log_level is one of"),
    (
        "duplicate tenant",
        "main.hcl",
        "tenant \"globex\"",
        "tenant \"acme\"",
        "There are two tenants \"acme\"",
    ),
    ("unknown argument", "blueprint/app.tf", "  manifest = {", "  manifst = {", "Did you mean \"manifest\"?"),
    ("unresolved reference", "blueprint/guards.tf", "var.pods", "var.podz", "Did you mean \"pods\"?"),
    (
        "cycle",
        "blueprint/namespace.tf",
        "app = { \"app.kubernetes.io/name\" = \"web\" }",
        "app = { a = local.namespace, b = local.app }",
        "in a circle",
    ),
    ("bad name", "main.hcl", "tenant \"globex\"", "tenant \"Globex_\"", "Invalid name"),
];

#[test]
fn each_mistake_is_named_at_its_place() {
    for (what, file, from, to, expected) in CASES {
        let place = Place::new();
        place.edit("quickstart", file, from, to);
        for command in ["validate", "plan"] {
            let said = place.run("quickstart", &[command]);
            let all = format!("{}{}", said.stdout, said.stderr);
            assert_eq!(said.code, 1, "{what}: {command}: {all}");
            let words: String =
                all.split_whitespace().filter(|w| *w != "|" && *w != "=").collect::<Vec<_>>().join(" ");
            assert!(words.contains(expected), "{what}: {command} does not say {expected:?}:\n{all}");
            assert!(!all.contains("panicked"), "{what}: {all}");
        }
    }
}

#[test]
fn all_mistakes_of_a_directory_are_reported_in_one_run() {
    let place = Place::new();
    place.edit("quickstart", "main.hcl", "tier = \"starter\"", "tier = \"startr\"");
    place.edit("quickstart", "blueprint/app.tf", "  manifest = {", "  manifst = {");
    place.edit("quickstart", "blueprint/guards.tf", "cpu = var.cpu, memory", "cpu = var.cpu memory");
    let said = place.run("quickstart", &["validate"]);
    for expected in ["main.hcl:", "app.tf:", "guards.tf:"] {
        assert!(said.stderr.contains(expected), "{expected}\n{}", said.stderr);
    }
}
