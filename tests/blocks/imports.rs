use serde_json::Value as Json;

use super::{actions, apply, ids, plan_json, refused, root, settled};

#[test]
fn imports_take_objects_in() {
    let place = root(
        r#"
import {
  to = terraform_data.a
  id = "x"
}
import {
  for_each = { p = "id-p", q = "id-q" }
  to       = terraform_data.b[each.key]
  id       = each.value
}
resource "terraform_data" "a" {}
resource "terraform_data" "b" {
  for_each = toset(["p", "q"])
  input    = 1
}
"#,
    );
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.b[\"p\"] update", "terraform_data.b[\"q\"] update"]);
    let changes = plan["resource_changes"].as_array().unwrap();
    let imported = changes.iter().find(|change| change["address"] == "terraform_data.a").unwrap();
    assert_eq!(imported["change"]["importing"]["id"], "x");
    let said = place.ok("x", &["plan"]);
    for words in
        ["terraform_data.a will be imported", "imported from \"id-p\"", "3 to import, 0 to add, 2 to change"]
    {
        assert!(said.stdout.contains(words), "{words}\n{}", said.stdout);
    }
    let said = place.ok("x", &["apply", "p"]);
    assert!(said.stdout.contains("3 imported, 0 added, 2 changed"), "{}", said.stdout);
    assert_eq!(ids(&place)[0], ("terraform_data.a".to_owned(), "x".to_owned()));
    settled(&place);

    for (text, expected) in [
        (
            "import {\n  to = terraform_data.z\n  id = \"z\"\n}\n",
            "Configuration for import target does not exist",
        ),
        ("import {\n  to = terraform_data.b[\"r\"]\n  id = \"z\"\n}\n", "has no instance terraform_data.b"),
        (
            "import {\n  to = terraform_data.c\n  id = terraform_data.d.id\n}\nresource \"terraform_data\" \"c\" {}\nresource \"terraform_data\" \"d\" {}\n",
            "Import not possible yet",
        ),
        ("import {\n  to = terraform_data.c\n}\n", "The argument \"id\" is required"),
        ("import {\n  to = module.m\n  id = \"z\"\n}\n", "Invalid address"),
        ("import {\n  to = terraform_data.a\n  id = \"y\"\n}\n", "Duplicate import"),
    ] {
        place.write("x", "more.tf", text);
        let words = refused(&place, &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn configuration_is_made_for_imported_objects() {
    let place = root("import {\n  to = terraform_data.a\n  id = \"x\"\n}\n");
    // It can be made, so that its absence is no mistake of the configuration.
    place.ok("x", &["validate"]);
    let said = place.ok("x", &["plan", "-generate-config-out=made.tf", "-out=saved"]);
    assert!(said.stdout.contains("1 to import"), "{}", said.stdout);
    let plan: Json = serde_json::from_str(&place.ok("x", &["show", "-json", "saved"]).stdout).unwrap();
    let told = &plan["resource_changes"][0]["change"]["generated_config"];
    assert_eq!(*told, "resource \"terraform_data\" \"a\" {\n}");
    let made = std::fs::read_to_string(place.example("x").join("made.tf")).unwrap();
    assert!(made.contains("resource \"terraform_data\" \"a\" {"), "{made}");
    assert!(refused(&place, &["plan", "-generate-config-out=made.tf"]).contains("File exists"));
    let said = apply(&place);
    assert!(said.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    settled(&place);
}

#[test]
fn the_import_command_takes_one_object_in_and_does_nothing_else() {
    let place = root(
        "resource \"terraform_data\" \"a\" {\n  count = 2\n  input = 1\n}\nresource \"terraform_data\" \"b\" {}\n",
    );
    let said = place.ok("x", &["import", "terraform_data.a[1]", "the-id"]);
    assert!(said.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    assert_eq!(ids(&place), [("terraform_data.a[1]".to_owned(), "the-id".to_owned())]);
    assert!(refused(&place, &["import", "terraform_data.a[1]", "y"]).contains("Already managed"));
    let words = refused(&place, &["import", "terraform_data.a[2]", "y"]);
    assert!(words.contains("Configuration for import target does not exist"), "{words}");
    let words = refused(&place, &["import", "terraform_data.zz", "y"]);
    assert!(words.contains("Configuration for import target does not exist"), "{words}");
    assert_eq!(
        actions(&plan_json(&place, &[])),
        ["terraform_data.a[0] create", "terraform_data.a[1] update", "terraform_data.b create"]
    );
}

#[test]
fn an_object_without_a_block_is_imported_by_the_provider_that_is_named() {
    let text = "terraform {\n  required_providers {\n    tf = { source = \"terraform.io/builtin/terraform\" }\n  }\n}\n\
                provider \"tf\" {\n  alias = \"east\"\n}\n\
                import {\n  to       = terraform_data.a\n  id       = \"x\"\n  provider = tf.east\n}\n";
    let place = root(text);
    let said = place.ok("x", &["plan", "-generate-config-out=made.tf"]);
    assert!(said.stdout.contains("1 to import"), "{}", said.stdout);
    let made = std::fs::read_to_string(place.example("x").join("made.tf")).unwrap();
    assert!(made.contains("provider = tf.east"), "{made}");
    let said = apply(&place);
    assert!(said.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    settled(&place);
    let words =
        refused(&root(&text.replace("tf.east\n}", "tf.west\n}")), &["plan", "-generate-config-out=made.tf"]);
    assert!(words.contains("no configuration tf.west"), "{words}");
}
