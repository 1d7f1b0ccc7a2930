use super::{platform, tenant};
use crate::common::Place;

fn file(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.example("fleet").join("tenants").join(name)).expect("the file is there")
}

#[test]
fn a_tenant_is_taken_in_by_a_file_of_its_own() {
    let place = Place::new();
    platform(&place);
    let line = [
        "onboard",
        "hooli",
        "-tier=starter",
        "-environment=production",
        "-set=version=1.10",
        "-set=db.size=3",
        "-set=domains=[\"hooli.example.com\"]",
        "-label=plan=annual",
        "-compliance=gdpr",
    ];
    let said = place.ok("fleet", &line);
    assert!(said.stdout.contains("Wrote tenants/hooli.hcl."), "{}", said.stdout);
    insta::assert_snapshot!(file(&place, "hooli.hcl"), @r#"
    tenant "hooli" {
      tier         = "starter"
      environments = ["production"]
      compliance   = ["gdpr"]
      labels       = { plan = "annual" }
      settings     = { version = "1.10", db = { size = 3 }, domains = ["hooli.example.com"] }
    }
    "#);
    // Again: nothing changes.
    let said = place.ok("fleet", &line);
    assert!(said.stdout.contains("Nothing to change in tenants/hooli.hcl."), "{}", said.stdout);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=hooli"]);
    let said = place.ok("fleet", &["output", "-raw", "app", "-tenant=hooli"]);
    assert!(said.stdout.starts_with("hooli namespace eu-central-1 1.10 info 2 3 "), "{}", said.stdout);
}

#[test]
fn a_change_keeps_comments_and_layout() {
    let place = Place::new();
    platform(&place);
    let text = "# Since 2019.\ntenant \"globex\" {\n  tier         = \"business\" # soon more\n  environments = [\"production\"]\n\n  settings = {\n    # small\n    db = { size = 1 }\n  }\n}\n";
    place.write("fleet", "tenants/globex.hcl", text);
    let said = place
        .ok("fleet", &["onboard", "globex", "-set=db.size=9", "-set=level=warn", "-apply", "-auto-approve"]);
    assert!(said.stdout.contains("Changed tenants/globex.hcl."), "{}", said.stdout);
    assert!(said.stdout.contains("1 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    assert!(
        said.stdout.contains("app = \"globex node_pool eu-central-1 1.0 warn 3 9 db.example.com"),
        "{}",
        said.stdout
    );
    assert_eq!(
        file(&place, "globex.hcl"),
        text.replace("size = 1 }", "size = 9 }")
            .replace("9 }\n", "9 }\n    level = \"warn\"\n")
            .replace("    db = ", "    db    = ")
    );
}

#[test]
fn what_would_not_be_valid_is_not_written() {
    let place = Place::new();
    platform(&place);
    let before = place.files();
    for (line, words) in [
        (&["onboard", "hooli"][..], "needs a tier"),
        (&["onboard", "hooli", "-tier=startr", "-environment=production"], "Did you mean \"starter\"?"),
        (&["onboard", "hooli", "-tier=starter"], "in which environments"),
        (
            &["onboard", "hooli", "-tier=starter", "-environment=production", "-set=levl=x"],
            "Did you mean \"level\"?",
        ),
        (
            &["onboard", "hooli", "-tier=starter", "-environment=production", "-set=replicas=many"],
            "no value that could be written",
        ),
        (&["onboard", "Hooli", "-tier=starter", "-environment=production"], "cannot be the name"),
        (
            &[
                "onboard",
                "hooli",
                "-tier=starter",
                "-environment=production",
                "-set=domains=[\"acme.example.com\"]",
            ],
            "Claimed twice",
        ),
        (&["onboard", "globex", "-set=db.sise=3"], "Did you mean \"size\"?"),
    ] {
        let said = place.run("fleet", line);
        assert_eq!(said.code, 1, "{line:?}: {}", said.stdout);
        assert!(said.stderr.contains(words), "{line:?}: {}", said.stderr);
    }
    assert_eq!(place.files(), before);
}

/// The first tenant of a platform, whose directory is empty still.
#[test]
fn the_first_tenant_is_taken_in() {
    let place = Place::new();
    platform(&place);
    for name in ["globex", "initech"] {
        std::fs::remove_file(place.example("fleet").join(format!("tenants/{name}.hcl"))).unwrap();
    }
    assert_eq!(place.run("fleet", &["plan"]).code, 1);
    place.ok("fleet", &["onboard", "hooli", "-tier=starter", "-environment=production"]);
    place.ok("fleet", &["plan"]);
}

#[test]
fn a_tenant_goes_step_by_step() {
    let place = Place::new();
    platform(&place);
    place.edit(
        "fleet",
        "blueprint/main.tf",
        "compliance = list(string) })",
        "compliance = list(string), suspended = bool })",
    );
    place.edit(
        "fleet",
        "blueprint/main.tf",
        "input = \"",
        "input = \"${var.tenant.suspended ? \"off \" : \"\"}",
    );
    place.ok("fleet", &["apply", "-auto-approve"]);
    // Not before it is suspended.
    let said = place.run("fleet", &["offboard", "globex", "-delete", "-auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("Not suspended"), "{}", said.stderr);
    for _ in 0..2 {
        let said = place.ok("fleet", &["offboard", "globex", "-auto-approve"]);
        assert!(said.stdout.contains("globex is suspended."), "{}", said.stdout);
    }
    assert!(file(&place, "globex.hcl").contains("suspended"), "{}", file(&place, "globex.hcl"));
    let said = place.ok("fleet", &["output", "-raw", "app", "-tenant=globex"]);
    assert!(said.stdout.starts_with("off globex"), "{}", said.stdout);
    let export =
        std::fs::read_to_string(place.example("fleet").join("state/offboarded/globex-export.json")).unwrap();
    assert!(export.contains("terraform_data.app"), "{export}");
    // Not before its time.
    let said = place.run("fleet", &["offboard", "globex", "-delete", "-auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("Retention time not over"), "{}", said.stderr);
    let text = file(&place, "globex.hcl");
    let year = text
        .split("delete_after")
        .nth(1)
        .and_then(|rest| rest.split('"').nth(1))
        .map(|time| time[..4].to_owned())
        .expect("a time");
    place.edit("fleet", "tenants/globex.hcl", &format!("\"{year}-"), "\"2020-");
    let said = place.ok("fleet", &["offboard", "globex", "-delete", "-auto-approve"]);
    assert!(said.stdout.contains("globex is deleted."), "{}", said.stdout);
    let proof =
        std::fs::read_to_string(place.example("fleet").join("state/offboarded/globex-deleted.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&proof).expect("JSON");
    assert_eq!(proof["deleted"][0]["values"]["root_module"]["resources"][0]["address"], "terraform_data.app");
    assert_eq!(proof["left"][0]["objects"], 0);
    assert!(!place.example("fleet").join("tenants/globex.hcl").exists());
    let said = place.ok("fleet", &["plan"]);
    assert!(
        said.stdout.contains("No changes.") && !said.stderr.contains("without configuration"),
        "{}",
        said.stderr
    );
    let said = place.ok("fleet", &["audit"]);
    assert!(said.stdout.contains("offboard delete"), "{}", said.stdout);
}

/// However often the deletion breaks off, its proof names all that there was;
/// and a tenant that comes and goes once more leaves both proofs.
#[test]
fn a_proof_names_what_earlier_runs_deleted() {
    let place = Place::new();
    let tenant = "tenant \"acme\" {\n  tier = \"t\"\n}\n";
    place.write(
        "left",
        "main.hcl",
        "platform \"p\" {\n  blueprint = \"./b\"\n  tenants   = \"./tenants\"\n}\ntier \"t\" {}\n",
    );
    let bucket = |name: &str, after: &str| {
        format!(
            "resource \"simulated_bucket\" \"{name}\" {{\n  name = \"{name}\"\n  region = \"eu\"\n  depends_on = [{after}]\n}}\n"
        )
    };
    let buckets = bucket("a", "") + &bucket("b", "simulated_bucket.a") + &bucket("c", "simulated_bucket.b");
    place.write("left", "b/main.tf", &(String::from("variable \"tenant\" {}\n") + &buckets));
    place.write(
        "left",
        "fail.json",
        r#"{"version":1,"rules":[{"match":{"operation":"delete"},"nth":[2],"then":{"fail":{"class":"invalid","message":"no"}}}]}"#,
    );
    let delete = ["offboard", "acme", "-delete", "-retention=0", "-auto-approve"];
    let proof = place.example("left").join("state/offboarded");
    for proofs in [1, 2] {
        place.write("left", "tenants/acme.hcl", tenant);
        place.ok("left", &["apply", "-auto-approve"]);
        let said = place.run("left", &[&delete[..], &["-fault-script=fail.json"]].concat());
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert_eq!(place.states("left")[0].resources.len(), 2, "one went");
        place.ok("left", &delete);
        let text = std::fs::read_to_string(proof.join("acme-deleted.json")).expect("a proof");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let deleted = json["deleted"][0]["values"]["root_module"]["resources"].as_array().expect("a list");
        let deleted: Vec<_> = deleted.iter().filter_map(|resource| resource["address"].as_str()).collect();
        assert_eq!(deleted, ["simulated_bucket.a", "simulated_bucket.b", "simulated_bucket.c"]);
        assert_eq!(json["deleted"].as_array().map(Vec::len), Some(1), "each once");
        let files = std::fs::read_dir(&proof).expect("a folder").flatten();
        let names: Vec<_> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(names.iter().filter(|name| name.starts_with("acme-deleted")).count(), proofs, "{names:?}");
        assert_eq!(names.len(), proofs, "nothing else is left: {names:?}");
    }
}

/// A tenant whose file somebody took away is deleted by its name alone.
#[test]
fn what_is_left_of_a_tenant_goes_when_named() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    std::fs::remove_file(place.example("fleet").join("tenants/globex.hcl")).unwrap();
    let said = place.run("fleet", &["offboard", "globex", "-delete", "-auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("-retention=0"), "{}", said.stderr);
    let said = place.ok("fleet", &["offboard", "globex", "-delete", "-retention=0", "-auto-approve"]);
    assert!(said.stdout.contains("1 destroyed"), "{}", said.stdout);
    assert!(!place.ok("fleet", &["plan"]).stderr.contains("without configuration"));
    let said = place.run("fleet", &["offboard", "globx"]);
    assert!(said.code == 1 && said.stderr.contains("There is no tenant"), "{}", said.stderr);
}

#[test]
fn a_report_says_what_came_of_each_workspace() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=acme"]);
    place.write("fleet", "tenants/hooli.hcl", &tenant("hooli", "starter", "levl = 1"));
    let said = place.run("fleet", &["apply", "-auto-approve", "-report=run.json"]);
    assert_eq!(said.code, 1);
    let text = std::fs::read_to_string(place.example("fleet").join("run.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows: Vec<String> = report["workspaces"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| format!("{} {} {}", row["workspace"], row["result"], row["reason"]).replace('"', ""))
        .collect();
    assert_eq!(
        rows,
        [
            "acme/production unchanged null",
            "acme/staging unchanged null",
            "globex/production succeeded null",
            "initech/production succeeded null",
            "hooli/production failed Undeclared setting",
        ]
    );
    let failed = &report["workspaces"][4];
    assert_eq!(failed["detail"], "The blueprint has no variable \"levl\".");
    assert_eq!(failed["place"], "tenants/hooli.hcl:4");
    for (name, value) in [("tenant", "hooli"), ("tier", "starter"), ("environment", "production")] {
        assert_eq!(failed[name], value, "it is known whose it is");
    }
    place.run("fleet", &["plan", "-report=run.xml"]);
    let text = std::fs::read_to_string(place.example("fleet").join("run.xml")).unwrap();
    assert!(text.contains("tests=\"5\" failures=\"1\" skipped=\"0\""), "{text}");
    let failure = "<failure message=\"Undeclared setting\">tenants/hooli.hcl:4: The blueprint has no variable &quot;levl&quot;.</failure>";
    assert!(text.contains(failure), "{text}");
}

#[test]
fn drift_is_shown_by_itself() {
    let place = Place::new();
    // What nobody has applied yet is no drift.
    let said = place.ok("quickstart", &["drift", "-detailed-exitcode"]);
    assert!(!said.stdout.contains("Outputs"), "{}", said.stdout);
    place.ok("quickstart", &["apply", "-auto-approve"]);
    assert_eq!(place.run("quickstart", &["drift", "-detailed-exitcode"]).code, 0);
    place.edit("quickstart", "main.hcl", "app_version = \"1.27\"", "app_version = \"1.28\"");
    // Nor is what the configuration wants.
    assert_eq!(place.run("quickstart", &["drift", "-detailed-exitcode"]).code, 0);
}
