use super::{MODULE, actions, apply, ids, plan_json, refused, root, settled};

#[test]
fn objects_move_with_their_blocks() {
    let place = root(
        "resource \"terraform_data\" \"a\" {}\n\
         resource \"terraform_data\" \"n\" {\n count = 2\n}\n\
         resource \"terraform_data\" \"user\" {\n input = terraform_data.a.id\n}\n\
         module \"m\" {\n source = \"./m\"\n}\n",
    );
    place.write("x", "m/main.tf", MODULE);
    apply(&place);
    let mut before = ids(&place);

    // Through a chain, into a module, with new keys, a whole module.
    place.write(
        "x",
        "main.tf",
        r#"
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
moved {
  from = terraform_data.b
  to   = module.k["x"].terraform_data.in
}
moved {
  from = terraform_data.n[0]
  to   = terraform_data.n["p"]
}
moved {
  from = terraform_data.n[1]
  to   = terraform_data.n["q"]
}
moved {
  from = module.m
  to   = module.k["y"]
}
resource "terraform_data" "n" {
  for_each = toset(["p", "q"])
}
resource "terraform_data" "user" {
  input = module.k["x"].id
}
module "k" {
  source   = "./k"
  for_each = toset(["x", "y"])
}
"#,
    );
    let inner = "variable \"input\" {\n  default = null\n}\nresource \"terraform_data\" \"in\" {\n  input = var.input\n}\noutput \"id\" {\n  value = terraform_data.in.id\n}\n";
    place.write("x", "k/main.tf", inner);
    place.edit(
        "x",
        "main.tf",
        "source   = \"./k\"\n",
        "source   = \"./k\"\n  input = each.key == \"y\" ? \"none\" : null\n",
    );
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), Vec::<String>::new(), "{plan}");
    let previous: Vec<&str> = plan["resource_changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["previous_address"].as_str())
        .collect();
    assert_eq!(previous.len(), 4, "{previous:?}");
    let said = place.run("x", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stdout.contains("terraform_data.n[0] has moved to terraform_data.n[\"p\"]"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("0 to add, 0 to change, 0 to destroy"), "{}", said.stdout);

    apply(&place);
    settled(&place);
    let mut after = ids(&place);
    let at = |address: &str| after.iter().find(|(a, _)| a == address).unwrap().1.clone();
    let was = |address: &str| before.iter().find(|(a, _)| a == address).unwrap().1.clone();
    assert_eq!(at("module.k[\"x\"].terraform_data.in"), was("terraform_data.a"));
    assert_eq!(at("module.k[\"y\"].terraform_data.in"), was("module.m.terraform_data.in"));
    assert_eq!(at("terraform_data.n[\"q\"]"), was("terraform_data.n[1]"));
    let user = place.states("x").remove(0).resources.into_values().find(|r| &*r.key.address.name == "user");
    let dependencies = user.unwrap().dependencies;
    assert_eq!(
        dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["module.k.terraform_data.in"],
        "as the block says: all instances of a module beside"
    );
    before.sort_by(|a, b| a.1.cmp(&b.1));
    after.sort_by(|a, b| a.1.cmp(&b.1));
    assert!(before.iter().map(|b| &b.1).eq(after.iter().map(|a| &a.1)), "nothing was made anew");
}

#[test]
fn a_count_that_comes_or_goes_keeps_the_first_object() {
    let place = root("resource \"terraform_data\" \"a\" {}\n");
    apply(&place);
    let before = ids(&place)[0].1.clone();
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {\n  count = 2\n}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a[1] create"]);
    apply(&place);
    assert_eq!(ids(&place)[0], ("terraform_data.a[0]".to_owned(), before.clone()));
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a[1] delete"]);
    apply(&place);
    assert_eq!(ids(&place), [("terraform_data.a".to_owned(), before)]);
    settled(&place);
}

#[test]
fn a_module_whose_count_comes_or_goes_keeps_its_first_instance() {
    let place = root("module \"m\" {\n  source = \"./m\"\n}\n");
    place.write("x", "m/main.tf", "module \"in\" {\n  source = \"./in\"\n}\n");
    place.write("x", "m/in/main.tf", "resource \"terraform_data\" \"a\" {}\n");
    apply(&place);
    let before = ids(&place)[0].1.clone();
    place.write("x", "main.tf", "module \"m\" {\n  source = \"./m\"\n  count  = 2\n}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["module.m[1].module.in.terraform_data.a create"]);
    apply(&place);
    assert_eq!(ids(&place)[0], ("module.m[0].module.in.terraform_data.a".to_owned(), before.clone()));
    // The way back, while the inner call gets a count: both at once.
    place.write("x", "main.tf", "module \"m\" {\n  source = \"./m\"\n}\n");
    place.write("x", "m/main.tf", "module \"in\" {\n  source = \"./in\"\n  count  = 1\n}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["module.m[1].module.in[0].terraform_data.a delete"]);
    apply(&place);
    assert_eq!(ids(&place), [("module.m.module.in[0].terraform_data.a".to_owned(), before)]);
    settled(&place);
}

#[test]
fn moves_that_contradict_one_another_are_refused() {
    let moved = |from: &str, to: &str| format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n");
    let (a, b, c) = ("terraform_data.a", "terraform_data.b", "terraform_data.c");
    for (text, expected) in [
        (moved(a, b) + &moved(b, a), "Cycle of moves"),
        (moved("module.a", "module.b") + &moved("module.b", "module.a"), "Cycle of moves"),
        (moved(a, b) + &moved(a, c), "Ambiguous moves"),
        (moved(a, c) + &moved(b, c), "Ambiguous moves"),
        (moved(a, a), "Redundant move"),
        (moved(a, "module.b"), "Invalid \"moved\" addresses"),
        (moved(a, "other_type.b"), "Invalid \"moved\" addresses"),
        (moved("data.terraform_data.a", b), "Invalid \"moved\" addresses"),
        (moved("var.a", b), "Invalid address"),
        (moved("terraform_data.a[var.x]", b), "Invalid address"),
        (moved(a, b) + "resource \"terraform_data\" \"a\" {}\n", "Moved object still exists"),
        (
            moved("terraform_data.a[1]", b) + "resource \"terraform_data\" \"a\" {\n  count = 2\n}\n",
            "Moved object still exists",
        ),
    ] {
        let words = refused(&root(&text), &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
    // Keys alone are no cycle, nor is a move of some instance.
    let fine = moved("terraform_data.a[0]", "terraform_data.a[\"x\"]")
        + &moved("terraform_data.a[1]", "terraform_data.a[\"y\"]")
        + "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n}\n";
    root(&fine).ok("x", &["plan"]);
}

#[test]
fn an_object_does_not_move_to_where_another_is() {
    let place = root("resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n");
    apply(&place);
    place.write(
        "x",
        "main.tf",
        "moved {\n  from = terraform_data.a\n  to = terraform_data.b\n}\nresource \"terraform_data\" \"b\" {}\n",
    );
    let said = place.ok("x", &["plan"]);
    assert!(said.stderr.contains("Object not moved"), "{}", said.stderr);
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a delete"]);
}

#[test]
fn objects_become_objects_of_another_type_where_their_provider_does_that() {
    let old = "resource \"null_resource\" \"a\" {\n  count = 2\n  triggers = {\n    v = \"1\"\n  }\n}\nresource \
               \"null_resource\" \"b\" {}\n";
    let place = root(old);
    apply(&place);
    settled(&place);
    let before = ids(&place);
    let new = "resource \"terraform_data\" \"a\" {\n  count = 2\n  triggers_replace = {\n    v = \"1\"\n  }\n}\nresource \
               \"terraform_data\" \"c\" {}\nmoved {\n  from = null_resource.a\n  to = terraform_data.a\n}\nmoved {\n  from = \
               null_resource.b\n  to = terraform_data.c\n}\n";
    place.write("x", "main.tf", new);
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), Vec::<String>::new());
    let changes = plan["resource_changes"].as_array().unwrap();
    let previous = changes.iter().map(|c| c["previous_address"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(
        previous.contains(&"null_resource.a[0]") && previous.contains(&"null_resource.b"),
        "{previous:?}"
    );
    apply(&place);
    let renamed: Vec<(String, String)> = before
        .iter()
        .map(|(address, id)| (address.replace("null_resource.b", "null_resource.c"), id.clone()))
        .map(|(address, id)| (address.replace("null_resource", "terraform_data"), id))
        .collect();
    assert_eq!(ids(&place), renamed);
    settled(&place);
    // The new triggers are what replaces it from now on.
    place.edit("x", "main.tf", "v = \"1\"", "v = \"2\"");
    assert_eq!(
        actions(&plan_json(&place, &[])),
        ["terraform_data.a[0] delete,create", "terraform_data.a[1] delete,create"]
    );
    let back = "moved {\n  from = terraform_data.a\n  to = null_resource.a\n}\nresource \"null_resource\" \"a\" {}\n";
    assert!(refused(&root(back), &["plan"]).contains("cannot become objects of the other"));
}
