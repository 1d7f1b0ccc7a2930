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

/// One slip is one error: what is there misspelt is not missing, too.
#[test]
fn a_misspelt_argument_is_told_once() {
    let platform = "platform \"p\" {\n  blueprint = \"./x\"\n  settings = { name = 1 }\n}\n";
    for (file, text) in [
        ("main.tf", "output \"x\" {\n  vlaue = 1\n}\n"),
        (
            "main.tf",
            "variable \"x\" {\n  validation {\n    conditon = var.x == 1\n    error_message = \"no\"\n  }\n}\n",
        ),
        ("main.tf", "resource \"simulated_bucket\" \"x\" {\n  nam = \"x\"\n  region = \"r\"\n}\n"),
        (
            "main.tf",
            "resource \"aws_s3_bucket_versioning\" \"x\" {\n  bucket = \"x\"\n  \
             versioning_configuration {\n    sttaus = \"Enabled\"\n  }\n}\n",
        ),
        ("main.tf", "moved {\n  form = terraform_data.a\n  to = terraform_data.b\n}\n"),
        ("main.tf", "removed {\n  form = terraform_data.a\n  lifecycle {\n    destroy = false\n  }\n}\n"),
        (
            "main.tf",
            "import {\n  to = terraform_data.x\n  idd = \"x\"\n}\nresource \"terraform_data\" \"x\" {}\n",
        ),
        ("main.tf", "module \"x\" {\n  source = \"./x\"\n  nmae = 1\n}\n"),
        ("main.hcl", "platform \"p\" {\n  bluprint = \"./x\"\n}\n"),
        ("main.hcl", &format!("{platform}tier \"t\" {{}}\ntenant \"a\" {{\n  teir = \"t\"\n}}\n")),
        (
            "main.hcl",
            &format!("{platform}policy \"p\" {{\n  condition = var.name == 1\n  error_mesage = \"no\"\n}}\n"),
        ),
    ] {
        let place = Place::new();
        place.write("x", file, text);
        place.write("x", "x/main.tf", "variable \"name\" {}\n");
        let said = place.run("x", &["validate", "-json"]);
        assert_eq!(said.code, 1, "{text}: {}", said.stdout);
        let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        let told = json["diagnostics"].as_array().expect("a list");
        assert_eq!(told.len(), 1, "{text}: {}", said.stdout);
        assert_eq!(told[0]["summary"], "Unsupported argument", "{text}: {}", said.stdout);
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

/// Mistakes of all sorts at once, each told once, at its line.
#[test]
fn a_mistake_keeps_no_other_from_being_told() {
    const ROOT: &str = r#"resource "terraform_data" "x" { nope = 1 }
output "a" { value = var.nope }
output "b" { value = local.nope }
output "c" { value = foo }
output "d" { value = upper(1, 2) }
output "e" { value = nope(1) }
output "f" { value = terraform_data.x.id }
output "g" { value = 1 + "a" }
resource "terraform_dat" "y" {}
output "h" { value = terraform_dat.y.id }
module "m" { source = "./nowhere" }
output "i" { value = module.m.x }
output "j" {}
module "n" { source = "./n" }
output "k" { value = module.n.given }
variable "v" {
  validation {
    condition     = terraform_data.x.input > 5
    error_message = "no"
  }
}
moved {
  from = one
  to   = terraform_data.x
}
"#;
    let place = Place::new();
    place.write("x", "main.tf", ROOT);
    place.write("x", "n/main.tf", "output \"given\" {}\noutput \"other\" { value = var.gone }\n");
    let expected = [1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 18, 23].map(|line| ("main.tf", line));
    let expected = [&expected[..], &[("n/main.tf", 1), ("n/main.tf", 2)]].concat();
    for flags in [&["validate", "-json"][..], &["plan", "-json"]] {
        let said = place.run("x", flags);
        assert_eq!(said.code, 1, "{flags:?}: {}", said.stdout);
        let lines =
            said.stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut told: Vec<serde_json::Value> = lines.map(|line| line["diagnostic"].clone()).collect();
        if flags[0] == "validate" {
            let whole: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
            told = whole["diagnostics"].as_array().expect("a list").clone();
        }
        let ranges = told.iter().map(|one| &one["range"]).filter(|range| range.is_object());
        let mut places: Vec<(&str, u64)> = ranges
            .map(|range| {
                let line = range["start"]["line"].as_u64().expect("a line");
                (range["filename"].as_str().expect("a file"), line)
            })
            .collect();
        places.sort_unstable();
        assert_eq!(places, expected, "{flags:?}: {}", said.stdout);
    }
}

/// The line with the mistake is quoted, but never the secret in it.
#[test]
fn no_line_that_is_quoted_shows_a_secret() {
    let module = "variable \"secret\" {\n  type      = list(number)\n  sensitive = true\n  default   = [DEFAULT]\n}\n\
                  variable \"plain\" {\n  type    = number\n  default = 1\n}\n";
    let with_default = |default: &str| module.replace("DEFAULT", default);
    for (what, default, values, args) in [
        ("a value of a wrong type", "1", "secret = [\"hunter2\"]\nplain = \"shown\"\n", &[][..]),
        ("a file of values that cannot be read", "1", "secret = [\"hunter2]\nplain = \"shown\"\n", &[]),
        ("a default of a wrong type", "\"hunter2\"", "plain = \"shown\"\n", &[]),
        ("an argument that cannot be read", "1", "plain = \"shown\"\n", &["-var", "secret=[\"hunter2\", {]"]),
    ] {
        let place = Place::new();
        place.write("x", "main.tf", &with_default(default));
        place.write("x", "terraform.tfvars", values);
        for flags in [&["plan"][..], &["plan", "-json"]] {
            let said = place.run("x", &[flags, args].concat());
            let all = format!("{}{}", said.stdout, said.stderr);
            assert_eq!(said.code, 1, "{what}: {all}");
            assert!(all.contains("****") && !all.contains("hunter2"), "{what}: {all}");
        }
    }
    let place = Place::new();
    place.edit("quickstart", "main.hcl", "replicas = 2", "replicas = \"hunter2\"");
    place.edit(
        "quickstart",
        "blueprint/variables.tf",
        "variable \"replicas\" {",
        "variable \"replicas\" {\n  sensitive = true\n",
    );
    let said = place.run("quickstart", &["plan"]);
    assert!(
        said.code == 1 && said.stderr.contains("****") && !said.stderr.contains("hunter2"),
        "{}",
        said.stderr
    );
}
