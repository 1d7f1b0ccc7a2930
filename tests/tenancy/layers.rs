use super::{platform, tenant};
use crate::common::Place;

#[test]
fn each_instance_has_the_settings_of_its_layers() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    for (workspace, app) in [
        ("acme/staging", "acme namespace eu-west-1 1.0 debug 1 2 db.example.com low+shop"),
        ("acme/production", "acme namespace eu-central-1 1.0 info 2 2 db.example.com low+shop"),
        ("globex/production", "globex node_pool eu-central-1 1.0 info 3 2 none low+shop"),
        ("initech/production", "initech namespace eu-central-1 1.1 info 2 2 db.example.com low+shop"),
    ] {
        let said = place.ok("fleet", &["output", "-raw", "app", "-tenant", workspace]);
        assert_eq!(said.stdout.trim(), app, "{workspace}");
    }
    assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0);
}

/// A setting of a layer touches those who have it from there.
#[test]
fn a_default_that_changes_touches_all_but_who_override_it() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    place.edit("fleet", "main.hcl", "version = \"1.0\"", "version = \"2.0\"");
    let said = place.ok("fleet", &["plan"]);
    assert!(said.stdout.contains("0 to add, 3 to change, 0 to destroy"), "{}", said.stdout);
    assert!(!said.stdout.contains("Tenant initech"), "{}", said.stdout);
    place.edit("fleet", "main.hcl", "version = \"2.0\"", "version = \"1.0\"");
    place.edit("fleet", "tenants/globex.hcl", "host = null", "size = 5");
    let said = place.ok("fleet", &["plan"]);
    assert!(said.stdout.contains("0 to add, 1 to change, 0 to destroy"), "{}", said.stdout);
    assert!(said.stdout.contains("globex/production"), "{}", said.stdout);
}

#[test]
fn explain_tells_where_each_setting_comes_from() {
    let place = Place::new();
    platform(&place);
    let said = place.ok("fleet", &["explain", "acme", "-environment=staging"]);
    insta::assert_snapshot!(said.stdout, @r#"
    acme/staging (starter, namespace)
      setting      value                         set by                  at
      db.host      "db.example.com"              platform                main.hcl:11
      db.size      2                             tier starter            main.hcl:16
        overrides  1                             platform                main.hcl:11
      domains      ["acme.staging.example.com"]  tenant acme in staging  main.hcl:36
        overrides  ["acme.example.com"]          tenant acme             main.hcl:34
        overrides  []                            blueprint               blueprint/main.tf:20
      level        "debug"                       environment staging     main.hcl:26
        overrides  "info"                        platform                main.hcl:11
      replicas     1                             tenant acme in staging  main.hcl:36
        overrides  2                             tier starter            main.hcl:16
      version      "1.0"                         platform                main.hcl:11
    "#);
    let said = place.ok("fleet", &["explain", "globex", "db", "-json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let settings = &json["instances"][0]["settings"];
    assert_eq!(settings[0]["setting"], "db.host");
    // Taken away, which brings the attribute's default back.
    assert_eq!((&settings[0]["value"], &settings[0]["layer"]), (&"none".into(), &"blueprint".into()));
    assert_eq!(settings[0]["overrides"][0]["value"], serde_json::Value::Null);
    assert_eq!(settings[0]["overrides"][1]["value"], "db.example.com");
    assert_eq!(settings[1]["layer"], "tier starter");
    assert_eq!(settings[1]["place"], "main.hcl:16");
    let said = place.run("fleet", &["explain", "globex", "db.sise"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Did you mean \"db.size\"?"), "{}", said.stderr);
}

/// What is wrong in a layer is said at the line that set it; once, however many
/// tenants have it from there.
#[test]
fn mistakes_are_named_where_they_were_made() {
    for (file, from, to, place_of, words) in [
        ("main.hcl", "replicas = 3", "replcas = 3", "main.hcl:22", "Did you mean \"replicas\"?"),
        ("main.hcl", "replicas = 3", "replicas = \"x\"", "main.hcl:22", "number"),
        ("main.hcl", "db = { size = 2 }", "db = { sise = 2 }", "main.hcl:16", "Did you mean \"size\"?"),
        ("main.hcl", "version = \"1.0\"", "version = [1]", "main.hcl:11", "the variable \"version\""),
        ("main.hcl", "extends   = \"starter\"", "extends = \"busines\"", "main.hcl:20", "There is no tier"),
        (
            "main.hcl",
            "extends   = \"starter\"",
            "extends = \"business\"",
            "main.hcl:20",
            "cannot lie below itself",
        ),
        ("main.hcl", "isolation = \"node_pool\"", "isolation = \"pool\"", "main.hcl:21", "none of"),
        (
            "main.hcl",
            "[\"staging\", \"production\"]",
            "[\"stagging\"]",
            "main.hcl:33",
            "Did you mean \"staging\"?",
        ),
        (
            "main.hcl",
            "environment \"staging\" {\n    settings",
            "environment \"test\" {\n    settings",
            "main.hcl:35",
            "There is no environment",
        ),
        ("main.hcl", "level = local.level", "level = local.levl", "main.hcl:11", "Did you mean \"level\"?"),
        (
            "tenants/globex.hcl",
            "\"business\"",
            "\"busines\"",
            "tenants/globex.hcl:2",
            "Did you mean \"business\"?",
        ),
        ("tenants/globex.hcl", "host = null", "host = 1 + ", "tenants/globex.hcl:4", "expression"),
        ("tenants/globex.hcl", "\"globex\"", "\"initech\"", "tenants/initech.hcl:1", "There are two tenants"),
        ("tenants/globex.hcl", "\"globex\"", "\"platform\"", "tenants/globex.hcl:1", "cannot be the name"),
    ] {
        let at = Place::new();
        platform(&at);
        at.edit("fleet", file, from, to);
        let said = at.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{to}: {}", said.stdout);
        assert!(said.stderr.contains(place_of), "{to}: {}", said.stderr);
        assert!(said.stderr.contains(words), "{to}: {}", said.stderr);
        assert_eq!(said.stderr.matches("error: ").count(), 1, "{to}: {}", said.stderr);
    }
}

/// No directory, or an empty one: never a smaller fleet.
#[test]
fn a_tenant_source_that_is_not_there_is_an_error() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    let refused = |words: &str| {
        let said = place.run("fleet", &["apply", "-auto-approve"]);
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(said.stderr.contains(words), "{}", said.stderr);
    };
    let tenants = place.example("fleet").join("tenants");
    std::fs::remove_dir_all(&tenants).unwrap();
    refused("Unreadable tenants");
    std::fs::create_dir(&tenants).unwrap();
    refused("No tenants");
    assert_eq!(place.states("fleet").iter().map(|state| state.resources.len()).sum::<usize>(), 4);
}

/// One tenant's settings are wrong; the others go on, and the run says so.
#[test]
fn a_mistake_of_one_tenant_is_that_tenants_alone() {
    let place = Place::new();
    platform(&place);
    place.write("fleet", "tenants/hooli.hcl", &tenant("hooli", "starter", "levle = \"x\""));
    let said = place.run("fleet", &["apply", "-auto-approve", "-fail-fast"]);
    assert_eq!(said.code, 1);
    assert!(place.states("fleet").is_empty(), "nothing is done");
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("tenants/hooli.hcl:4"), "{}", said.stderr);
    assert!(said.stderr.contains("1 of 5 workspaces could not be planned"), "{}", said.stderr);
    assert_eq!(place.states("fleet").len(), 4, "the others are there");
    place.edit("fleet", "tenants/hooli.hcl", "levle", "level");
    let said = place.ok("fleet", &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("1 added, 0 changed, 0 destroyed"), "{}", said.stdout);
}

#[test]
fn instances_are_selected_by_what_they_are() {
    let place = Place::new();
    platform(&place);
    place.edit("fleet", "tenants/globex.hcl", "tier         =", "labels = { plan = \"annual\" }\n  tier =");
    for (flags, chosen) in [
        (&["-tenant=acme"][..], "acme/production acme/staging"),
        (&["-tier=starter", "-environment=production"], "acme/production initech/production"),
        (&["-label=plan=annual"], "globex/production"),
        (&["-label=team=shop", "-label=cost=low", "-tier=business"], "globex/production"),
    ] {
        let said = place.ok("fleet", &[&["tenants", "-json"], flags].concat());
        let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        let tenants = json["tenants"].as_array().expect("a list");
        let names: Vec<&str> = tenants.iter().filter_map(|tenant| tenant["workspace"].as_str()).collect();
        assert_eq!(names.join(" "), chosen, "{flags:?}");
    }
    let said = place.run("fleet", &["plan", "-environment=prod"]);
    assert!(said.code == 1 && said.stderr.contains("There is no environment \"prod\""), "{}", said.stderr);
}

/// A tenant's own module beside the blueprint: it sees the blueprint's outputs
/// and variables by name, and its other variables are settings.
#[test]
fn a_tenant_extends_its_blueprint() {
    let place = Place::new();
    platform(&place);
    place.write(
        "fleet",
        "extra/main.tf",
        "variable \"app\" {}\nvariable \"tier\" {}\nvariable \"color\" {}\n\
         resource \"terraform_data\" \"extra\" {\n  input = \"${var.app} ${var.tier.name} ${var.color}\"\n}\n",
    );
    place.edit("fleet", "tenants/globex.hcl", "host = null }", "host = null }, color = \"red\"");
    place.edit("fleet", "tenants/globex.hcl", "tier         =", "extension = \"./extra\"\n  tier =");
    place.ok("fleet", &["apply", "-auto-approve"]);
    let said =
        place.ok("fleet", &["state", "show", "-tenant=globex", "module.extension.terraform_data.extra"]);
    assert!(said.stdout.contains("globex node_pool eu-central-1"), "{}", said.stdout);
    assert!(said.stdout.contains("business red"), "{}", said.stdout);
    let said = place.ok("fleet", &["state", "list", "-tenant=initech"]);
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    for (flags, has) in [(&["graph"][..], false), (&["graph", "-tenant=globex"], true)] {
        let said = place.ok("fleet", flags);
        assert!(said.stdout.contains("terraform_data.app"), "{}", said.stdout);
        assert_eq!(said.stdout.contains("module.extension"), has, "{flags:?}: {}", said.stdout);
    }
}

/// A required setting that is there under a mistyped name lacks once, not for
/// each tenant again.
#[test]
fn a_mistyped_setting_is_not_said_to_be_missing() {
    let place = Place::new();
    platform(&place);
    place.edit("fleet", "main.hcl", "replicas = 2", "replica = 2");
    place.edit("fleet", "main.hcl", "settings  = { replicas = 3 }", "settings = {}");
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("Did you mean \"replicas\"?"), "{}", said.stderr);
    assert!(!said.stderr.contains("No value for required variable"), "{}", said.stderr);
    assert_eq!(said.stderr.matches("error: ").count(), 1, "{}", said.stderr);
    // What has no name near to it does lack.
    place.edit("fleet", "main.hcl", "replica = 2, ", "");
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.stderr.matches("No value for required variable").count(), 3, "{}", said.stderr);
}

/// What nobody set comes from the blueprint, down to attributes that are left
/// out of an object: it is what the instance gets.
#[test]
fn explain_shows_defaults_that_are_in_force() {
    let place = Place::new();
    platform(&place);
    place.edit("fleet", "main.hcl", ", host = \"db.${var.base}\"", "");
    place.edit("fleet", "tenants/globex.hcl", "db = { host = null }", "domains = null");
    place.edit("fleet", "tenants/globex.hcl", "domains = [\"globex.example.com\"], ", "");
    let said = place.ok("fleet", &["explain", "globex"]);
    insta::assert_snapshot!(said.stdout, @r#"
    globex/production (business, node_pool)
      setting      value              set by         at
      db.host      "none"             blueprint      blueprint/main.tf:24
      db.size      2                  tier starter   main.hcl:16
        overrides  1                  platform       main.hcl:11
      domains      []                 blueprint      blueprint/main.tf:20
        overrides  null (taken away)  tenant globex  tenants/globex.hcl:4
      level        "info"             platform       main.hcl:11
      replicas     3                  tier business  main.hcl:22
        overrides  2                  tier starter   main.hcl:16
      version      "1.0"              platform       main.hcl:11
    "#);
    let said = place.ok("fleet", &["explain", "globex", "db.host"]);
    assert!(said.stdout.contains("blueprint/main.tf:24"), "{}", said.stdout);
}

/// A condition that cannot be judged for what a value is names the line that
/// set the value.
#[test]
fn a_value_that_a_validation_cannot_take_is_named() {
    let place = Place::new();
    platform(&place);
    place.edit(
        "fleet",
        "blueprint/main.tf",
        "variable \"replicas\" {\n  type = number\n",
        "variable \"replicas\" {\n  type = number\n  validation {\n    condition     = var.replicas < 9\n    error_message = \"no\"\n  }\n",
    );
    place.edit("fleet", "tenants/globex.hcl", "db = { host = null }", "replicas = null");
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("tenants/globex.hcl:4"), "{}", said.stderr);
    assert!(said.words().contains("in: globex/production:var.replicas"), "{}", said.stderr);
    assert!(said.stderr.contains("the value of var.replicas"), "{}", said.stderr);
}
