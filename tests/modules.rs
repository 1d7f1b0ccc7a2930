use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

use crate::common::{Place, Said};

/// A place with an example `e`, and a bare repository beside the examples.
struct Repository {
    place: Place,
    work: PathBuf,
    bare: PathBuf,
}

impl Repository {
    fn new() -> Self {
        let place = Place::new();
        place.write("e", "main.tf", "");
        let (work, bare) = (place.example("work"), place.example("net.git"));
        std::fs::create_dir_all(&work).expect("a folder");
        let made = Repository { place, work, bare };
        made.git(&["init", "--quiet", "--initial-branch=main"]);
        made.git(&["init", "--quiet", "--bare", "--initial-branch=main", made.bare.to_str().unwrap()]);
        made
    }

    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.work)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"])
            .arg(&self.work)
            .args(args)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits files under a tag, which is moved, and publishes all; gives the
    /// commit.
    fn publish(&self, files: &[(&str, &str)], tag: &str) -> String {
        for (file, text) in files {
            self.place.write("work", file, text);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=x"]);
        self.git(&["tag", "--force", tag]);
        let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        self.git(&["push", "--quiet", self.bare.to_str().unwrap(), all[0], all[1]]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn source(&self, rest: &str) -> String {
        format!("git::file://{}{rest}", self.bare.display())
    }

    fn call(&self, rest: &str) {
        let text = format!(
            "module \"m\" {{\n  source = \"{}\"\n}}\noutput \"o\" {{\n  value = module.m.o\n}}\n",
            self.source(rest)
        );
        self.place.write("e", "main.tf", &text);
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.place.example("e").join(".tenantctl.lock.hcl")).unwrap_or_default()
    }

    fn run(&self, args: &[&str]) -> Said {
        self.place.run("e", args)
    }

    /// What `module.m.o` is.
    fn value(&self) -> String {
        let plan = self.place.ok("e", &["plan", "-json"]);
        let all = plan.stdout + &plan.stderr;
        let line = all.lines().rev().find(|line| line.contains("\"type\":\"outputs\""));
        let said: Json = serde_json::from_str(line.unwrap_or_else(|| panic!("{all}"))).expect("JSON");
        said["outputs"]["o"]["value"].as_str().unwrap_or_default().to_owned()
    }
}

const SUMMARY: &str = "Success! The configuration is valid.";

fn output(value: &str) -> String {
    format!("output \"o\" {{\n  value = {value}\n}}\n")
}

#[test]
fn a_module_stays_at_its_commit_until_it_is_upgraded() {
    let repo = Repository::new();
    let first = repo.publish(&[("main.tf", &output("\"one\""))], "v1");
    repo.call("?ref=v1");

    let before = repo.run(&["plan"]);
    assert_eq!(before.code, 1);
    assert!(before.stderr.contains("Module not installed"), "{}", before.stderr);
    assert!(before.stderr.contains("tenantctl init"), "{}", before.stderr);
    assert!(before.stderr.contains("main.tf:2:12"), "{}", before.stderr);

    let init = repo.place.ok("e", &["init", "-input=false", "-no-color"]);
    assert!(init.stdout.contains(&format!("{} is at {first}", repo.source("?ref=v1"))), "{}", init.stdout);
    assert!(repo.lock().contains(&first), "{}", repo.lock());
    assert_eq!(repo.value(), "one");

    let second = repo.publish(&[("main.tf", &output("\"two\""))], "v1");
    assert_ne!(first, second);
    let again = repo.place.ok("e", &["init"]);
    assert!(!again.stdout.contains("Fetching"), "{}", again.stdout);
    // What was fetched can be fetched again, from the pin alone.
    std::fs::remove_dir_all(repo.place.example("e").join(".tenantctl")).expect("removed");
    repo.place.ok("e", &["get"]);
    assert_eq!(repo.value(), "one");

    let kept = repo.run(&["init", "-upgrade", "-lockfile=readonly"]);
    assert_eq!(kept.code, 1);
    repo.place.ok("e", &["init", "-upgrade"]);
    assert!(repo.lock().contains(&second) && !repo.lock().contains(&first), "{}", repo.lock());
    assert_eq!(repo.value(), "two");
    assert!(
        !repo
            .place
            .example("e")
            .join(".tenantctl/modules")
            .read_dir()
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with('.') })
    );
}

#[test]
fn a_pin_that_would_change_is_refused_when_it_must_not() {
    let repo = Repository::new();
    repo.publish(&[("main.tf", &output("1"))], "v1");
    repo.call("?ref=v1");
    let refused = repo.run(&["init", "-lockfile=readonly"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("Lock file out of date"), "{}", refused.stderr);
    assert_eq!(repo.lock(), "");
    repo.place.ok("e", &["init"]);
    repo.place.ok("e", &["init", "-lockfile=readonly"]);
    // A source that is gone takes its pin along.
    repo.place.write("e", "main.tf", "locals {}\n");
    repo.place.ok("e", &["init"]);
    assert!(!repo.lock().contains("commit ="), "{}", repo.lock());
}

#[test]
fn tags_branches_commits_and_directories_are_found() {
    let repo = Repository::new();
    let inner = "module \"n\" {\n  source = \"../deep/x\"\n}\noutput \"o\" {\n  value = module.n.o\n}\n";
    let first = repo.publish(&[("sub/a/main.tf", inner), ("sub/deep/x/main.tf", &output("\"one\""))], "t/1");
    repo.git(&["branch", "side"]);
    repo.publish(&[("sub/deep/x/main.tf", &output("\"two\""))], "t/2");
    for (rest, value) in [
        ("//sub/a", "two"),
        ("//sub/a?ref=t/1", "one"),
        ("//sub/a?ref=t%2F2", "two"),
        ("//sub/a?ref=side", "one"),
        (&format!("//sub/a?ref={first}"), "one"),
        (&format!("//sub/a?ref={}", &first[..9]), "one"),
    ] {
        repo.call(rest);
        repo.place.ok("e", &["init"]);
        assert_eq!(repo.value(), value, "{rest}");
    }
}

#[test]
fn a_blueprint_may_come_from_a_repository() {
    let repo = Repository::new();
    let blueprint = "variable \"size\" {}\nresource \"terraform_data\" \"a\" {\n  input = var.size\n}\n";
    repo.publish(&[("b/main.tf", blueprint)], "v1");
    let text = format!(
        "platform \"p\" {{\n  blueprint = \"{}\"\n}}\ntier \"t\" {{\n  settings = {{ size = 3 }}\n}}\ntenant \"acme\" {{\n  tier = \"t\"\n}}\n",
        repo.source("//b?ref=v1")
    );
    repo.place.write("e", "main.tf", &text);
    repo.place.ok("e", &["init"]);
    let validated = repo.place.ok("e", &["validate", "-no-color"]);
    assert!(validated.stdout.contains(SUMMARY), "{}", validated.stdout);
    let graph = repo.place.ok("e", &["graph"]);
    assert!(graph.stdout.contains("\"terraform_data.a\""), "{}", graph.stdout);
    let providers = repo.place.ok("e", &["providers"]);
    assert!(providers.stdout.contains("└── blueprint\n    └── provider[terraform]"), "{}", providers.stdout);
}

#[test]
fn what_cannot_be_fetched_is_said_at_the_source() {
    let repo = Repository::new();
    let outside = "module \"n\" {\n  source = \"../../../../outside\"\n}\n";
    std::os::unix::fs::symlink("../../..", repo.work.join("link")).expect("a link");
    repo.publish(&[("main.tf", &output("1")), ("out/main.tf", outside)], "v1");
    repo.place.write("e", "outside/main.tf", &output("1"));
    for (rest, words) in [
        ("?ref=v2", "no such tag, branch or commit"),
        ("//nowhere?ref=v1", "has no directory nowhere"),
        ("//out", "leads out of the repository"),
        ("//link/outside", "leads out of the repository"),
        ("x?ref=v1", "Git says"),
        ("?ref=--upload-pack=x", "cannot be the name"),
    ] {
        repo.call(rest);
        let said = repo.run(&["init"]);
        assert_eq!(said.code, 1, "{rest}");
        assert!(said.stderr.replace("\n   ", "").contains(words), "{rest}: {}", said.stderr);
        let place = if rest == "//out" { "main.tf:2:12" } else { "--> main.tf:2:12" };
        assert!(said.stderr.contains(place), "{rest}: {}", said.stderr);
    }
    for source in
        ["hashicorp/consul/aws", "https://example.com/a.zip", "s3::https://s3.amazonaws.com/b/a.zip"]
    {
        repo.place.write("e", "main.tf", &format!("module \"m\" {{\n  source = \"{source}\"\n}}\n"));
        let said = repo.run(&["init"]);
        assert!(said.stderr.contains("Module source not supported"), "{}", said.stderr);
        assert!(said.stderr.contains("git::https://"), "{}", said.stderr);
    }
    repo.call("?ref=v1");
    std::fs::remove_dir_all(repo.place.example("e").join(".tenantctl")).expect("removed");
    let no_git = repo.place.command("e", &["init"]).env("PATH", "/nowhere").output().expect("runs");
    let said = String::from_utf8_lossy(&no_git.stderr).into_owned();
    assert!(!no_git.status.success() && said.contains("Install git"), "{said}");
    repo.place.ok("e", &["init"]);
}

#[test]
fn a_secret_in_an_address_is_not_shown_or_kept() {
    let repo = Repository::new();
    repo.publish(&[("main.tf", &output("1"))], "v1");
    // Git leaves the user of a local repository aside.
    let source = format!("git::file://ann:hush@{}?ref=v1", repo.bare.display());
    repo.place.write("e", "main.tf", &format!("module \"m\" {{\n  source = \"{source}\"\n}}\n"));
    let said = repo.run(&["init"]);
    let shown = said.stdout.clone() + &said.stderr.replace(&source, "");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!repo.lock().contains("hush"), "{}", repo.lock());
}

#[test]
fn a_damaged_lock_file_is_neither_used_nor_written_over() {
    let repo = Repository::new();
    repo.publish(&[("main.tf", &output("1"))], "v1");
    repo.call("?ref=v1");
    for damaged in ["<<<<<<< HEAD\n", "module \"a\" {\n  commit = \"v1\"\n}\n"] {
        repo.place.write("e", ".tenantctl.lock.hcl", damaged);
        for command in ["init", "plan"] {
            let said = repo.run(&[command]);
            assert_eq!(said.code, 1, "{command}");
            assert!(said.stderr.contains(".tenantctl.lock.hcl:1"), "{command}: {}", said.stderr);
        }
        assert_eq!(repo.lock(), damaged);
    }
}

#[test]
fn what_a_configuration_asks_of_the_program_is_checked() {
    let place = Place::new();
    for (text, words) in [
        ("language {\n  compatible_with {\n    opentofu = \">= 99\"\n  }\n}\n", "asks for \">= 99\""),
        ("language {\n  edition = tofu3000\n}\n", "one edition of the language: tofu2024"),
        ("tenantctl {\n  required_version = \"~> 99.1\"\n}\n", "asks for \"~> 99.1\""),
        ("language {\n  compatible_with {\n    opentofu = \"later\"\n  }\n}\n", "Invalid version constraint"),
        ("terraform {\n  required_versoin = \"1\"\n}\n", "Did you mean \"required_version\"?"),
        ("terraform {\n  required_provider {}\n}\n", "Did you mean \"required_providers\"?"),
        ("language {\n  experiments = [a]\n}\n", "Experiment not supported"),
        ("terraform {\n  backend \"s3\" {}\n}\n", "no backend \"s3\""),
        ("terraform {\n  cloud {}\n}\n", "no backend \"cloud\""),
        ("terraform {\n  backend \"local\" {\n    path = \"x\"\n  }\n}\n", "takes no arguments"),
        ("tenantctl {\n  backend \"s3\" {}\n}\n", "no backend \"s3\""),
        (
            "terraform {\n  required_providers {\n    google = { source = \"hashicorp/google\" }\n  }\n}\n",
            "no provider \"google\". It has: ",
        ),
        (
            "terraform {\n  required_providers {\n    kubernetes = { sourc = \"x\" }\n  }\n}\n",
            "Did you mean \"source\"?",
        ),
        ("module \"m\" {\n  source  = \"./m\"\n  version = \"1\"\n}\n", "Only modules of a registry"),
    ] {
        place.write("e", "m/main.tf", "locals {}\n");
        place.write("e", "main.tf", text);
        for command in ["init", "validate"] {
            let said = place.run("e", &[command]);
            assert_eq!(said.code, 1, "{text}");
            let shown = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ").replace(" = ", " ");
            assert!(shown.contains(words), "{text}: {}", said.stderr);
            assert!(said.stderr.contains("--> main.tf:"), "{text}: {}", said.stderr);
        }
    }
    // Versions of Terraform, in files that are for Terraform too, are not ours.
    let good = "terraform {\n  required_version = \">= 99\"\n  experiments = [a]\n  backend \"local\" {}\n  required_providers {\n    \
                kubernetes = {\n      source  = \"hashicorp/kubernetes\"\n      version = \">= 2\"\n      \
                configuration_aliases = [kubernetes.other]\n    }\n    terraform = \"1\"\n  }\n}\n\
                tenantctl {\n  required_version = \">= 0.1\"\n}\n";
    place.write("e", "main.tf", good);
    let providers = place.ok("e", &["providers"]);
    assert!(providers.stdout.contains("├── provider[kubernetes] >= 2\n"), "{}", providers.stdout);
    place.ok("e", &["init"]);
    assert!(!place.example("e").join(".tenantctl").exists());
    assert!(!place.example("e").join(".tenantctl.lock.hcl").exists());
    // A provider may be called otherwise than it calls itself.
    let named =
        "terraform {\n  required_providers {\n    k = { source = \"hashicorp/kubernetes\" }\n  }\n}\n";
    place.write("e", "main.tf", named);
    place.ok("e", &["validate"]);
}

/// What decides which module is read must be known before anything is planned.
#[test]
fn a_source_takes_only_what_constants_give() {
    let place = Place::new();
    place.write("e", "m/main.tf", "output \"m\" {\n  value = \"read\"\n}\n");
    let variable = |more: &str| format!("variable \"dir\" {{\n  type = string\n{more}}}\n");
    let call = |source: &str| format!("module \"m\" {{\n  source = {source}\n}}\n");
    let cases = [
        (variable("  sensitive = true\n  default = \"m\"\n"), "\"./${var.dir}\"", "var.dir is sensitive"),
        (variable("  ephemeral = true\n  default = \"m\"\n"), "\"./${var.dir}\"", "var.dir is ephemeral"),
        (variable(""), "\"./${var.dir}\"", "decides which module is read"),
        (variable("  default = [1]\n"), "\"./${var.dir}\"", "default"),
        ("locals {\n  a = local.b\n  b = local.a\n}\n".into(), "local.a", "local.a depends on itself"),
        (
            "resource \"terraform_data\" \"d\" {\n  input = \"m\"\n}\n".into(),
            "\"./${terraform_data.d.output}\"",
            "known only when everything is planned",
        ),
        (String::new(), "\"./${var.dri}\"", "no variable \"dri\""),
        (String::new(), "sensitive(\"./m\")", "secret"),
    ];
    for (text, source, words) in cases {
        place.write("e", "main.tf", &format!("{text}{}", call(source)));
        let said = place.run("e", &["plan"]);
        assert_eq!(said.code, 1, "{source}");
        let shown = said.stderr.split_whitespace().filter(|word| *word != "=").collect::<Vec<_>>().join(" ");
        assert!(shown.contains(words), "{source}: {}", said.stderr);
        assert!(said.stderr.contains("--> main.tf:"), "{source}: {}", said.stderr);
    }
    let output = "output \"m\" {\n  value = module.m.m\n}\n";
    place.write("e", "main.tf", &format!("{}{}{output}", variable(""), call("\"./${var.dir}\"")));
    let said = place.ok("e", &["plan", "-var", "dir=m"]);
    assert!(said.stdout.contains("\"read\""), "{}", said.stdout);
}

#[test]
fn a_module_may_ask_for_versions_too_but_not_for_a_backend() {
    let place = Place::new();
    place.write("e", "main.tf", "module \"m\" {\n  source = \"./m\"\n}\n");
    place.write("e", "m/main.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    let said = place.ok("e", &["validate"]);
    assert!(said.stderr.contains("Backend configuration ignored"), "{}", said.stderr);
    place.write("e", "m/main.tofu", "terraform {\n  required_version = \"< 1\"\n}\n");
    let said = place.run("e", &["validate"]);
    assert!(said.code == 1 && said.stderr.contains("--> m/main.tofu:2:22"), "{}", said.stderr);
}

const CHAIN: &str = r#"
variable "n" {}
resource "terraform_data" "a" {
  count = var.n
  input = var.n
}
resource "terraform_data" "b" {
  input = terraform_data.a[0].id
}
module "m" {
  source = "./m"
  x      = [terraform_data.a[0].id, terraform_data.b.id]
}
resource "terraform_data" "z" {
  input = module.m.o
}
"#;

fn chain() -> Place {
    let place = Place::new();
    place.write("e", "main.tf", CHAIN);
    let inner = "variable \"x\" {}\nresource \"terraform_data\" \"c\" {\n  input = var.x\n}\n";
    place.write("e", "m/main.tf", &(inner.to_owned() + &output("terraform_data.c.id")));
    place
}

#[test]
fn a_graph_has_each_step_once() {
    let place = chain();
    let dot = place.ok("e", &["graph"]).stdout;
    let edges: Vec<&str> = dot.lines().map(str::trim).filter(|line| line.contains("->")).collect();
    assert_eq!(
        edges,
        [
            "\"module.m.terraform_data.c\" -> \"terraform_data.b\";",
            "\"terraform_data.b\" -> \"terraform_data.a\";",
            "\"terraform_data.z\" -> \"module.m.terraform_data.c\";",
        ]
    );
    assert!(dot.contains("subgraph \"cluster_module.m\""), "{dot}");
    assert!(!dot.contains("var."), "{dot}");
    let json: Json =
        serde_json::from_str(&place.ok("e", &["graph", "-json", "-type=blocks"]).stdout).unwrap();
    let nodes: Vec<&str> =
        json["nodes"].as_array().unwrap().iter().filter_map(|n| n["address"].as_str()).collect();
    for node in ["var.n", "module.m", "module.m.var.x", "module.m.output.o", "terraform_data.z"] {
        assert!(nodes.contains(&node), "{node}: {nodes:?}");
    }
}

#[test]
fn providers_are_those_of_configuration_and_state() {
    let place = chain();
    let tree = place.ok("e", &["providers"]).stdout;
    assert_eq!(
        tree.trim(),
        "Providers required by configuration:\n.\n├── provider[terraform]\n└── module.m\n    └── provider[terraform]"
    );
    assert!(!place.example("e").join("state").exists());
    place.ok("e", &["apply", "-auto-approve", "-var", "n=1"]);
    let json: Json = serde_json::from_str(&place.ok("e", &["providers", "-json"]).stdout).unwrap();
    assert_eq!(json["state"], serde_json::json!(["terraform"]));
}

#[test]
fn validation_needs_no_values_and_tells_programs_all() {
    let place = chain();
    let said = place.ok("e", &["validate", "-json"]);
    let json: Json = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "format_version": "1.0", "valid": true, "error_count": 0, "warning_count": 0, "diagnostics": [],
        })
    );
    let wrong =
        "locals {\n  l = [var.n]\n}\nresource \"terraform_data\" \"w\" {\n  input = upper(local.l)\n}\n";
    place.edit("e", "main.tf", "variable \"n\" {}\n", &format!("variable \"n\" {{}}\n{wrong}"));
    let said = place.run("e", &["validate", "-json"]);
    assert_eq!(said.code, 1);
    let json: Json = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&json["valid"], &json["error_count"]), (&false.into(), &1.into()), "{json}");
    let problem = &json["diagnostics"][0];
    assert_eq!(problem["range"]["filename"], "main.tf");
    assert_eq!(problem["range"]["start"]["line"], 7);
    assert_eq!(problem["snippet"]["context"], "resource \"terraform_data\" \"w\"");
    assert_eq!(problem["snippet"]["code"], "  input = upper(local.l)");
    assert_eq!(problem["snippet"]["start_line"], 7);
    assert!(problem["snippet"]["values"].is_array(), "{problem}");
}

#[test]
fn a_lock_file_is_no_configuration() {
    let place = Place::new();
    place.write("e", ".tenantctl.lock.hcl", "");
    let said = place.run("e", &["plan"]);
    assert!(said.stderr.contains("No configuration files"), "{}", said.stderr);
}

#[test]
fn providers_tell_what_they_take() {
    let place = Place::new();
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    let said = place.ok("x", &["providers", "schema", "-json"]);
    let json: Json = serde_json::from_str(&said.stdout).expect("JSON");
    let schema = &json["provider_schemas"]["terraform"]["resource_schemas"]["terraform_data"];
    assert_eq!(schema["block"]["attributes"]["input"]["optional"], true);
    assert_eq!(schema["block"]["attributes"]["id"]["computed"], true);
    let said = place.run("x", &["providers", "schema"]);
    assert!(said.code == 1 && said.stderr.contains("--json"), "there is no other form: {}", said.stderr);
    assert!(place.ok("x", &["providers", "lock", "-platform=linux_amd64"]).stdout.contains("nothing to do"));
}
