use super::{MODULE, actions, apply, plan_json, recorded, refused, root, settled};

#[test]
fn removed_blocks_forget_or_destroy() {
    let all = "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\nmodule \"m\" {\n  source = \"./m\"\n}\n";
    let place = root(all);
    place.write("x", "m/main.tf", MODULE);
    apply(&place);
    let removed = |from: &str, destroy: bool| {
        format!("removed {{\n  from = {from}\n  lifecycle {{\n    destroy = {destroy}\n  }}\n}}\n")
    };
    let text =
        removed("terraform_data.a", false) + &removed("terraform_data.b", true) + &removed("module.m", false);
    place.write("x", "main.tf", &text);
    let plan = plan_json(&place, &[]);
    let found = actions(&plan);
    assert_eq!(
        found,
        ["module.m.terraform_data.in forget", "terraform_data.a forget", "terraform_data.b delete"]
    );
    let said = apply(&place);
    assert!(said.stdout.contains("1 to destroy, 2 to forget"), "{}", said.stdout);
    assert!(said.stdout.contains("1 destroyed, 2 forgotten"), "{}", said.stdout);
    assert!(recorded(&place).is_empty());

    place.write("x", "main.tf", &(all.to_owned() + &removed("terraform_data.a", true)));
    assert!(refused(&place, &["plan"]).contains("Removed object still exists"));
    place.write("x", "main.tf", &removed("terraform_data.a[0]", true));
    assert!(refused(&place, &["plan"]).contains("without instance keys"));
    place.write("x", "main.tf", "removed {\n  from = terraform_data.a\n}\n");
    let said = place.ok("x", &["plan"]);
    assert!(said.stderr.contains("Removed block without lifecycle"), "{}", said.stderr);
}

#[test]
fn an_object_whose_block_says_so_is_never_destroyed() {
    let keep = "resource \"terraform_data\" \"a\" {\n  count            = 2\n  triggers_replace = \"1\"\n  lifecycle {\n    destroy = false\n  }\n}\n";
    let place = root(keep);
    apply(&place);
    assert_eq!(
        actions(&plan_json(&place, &["-destroy"])),
        ["terraform_data.a[0] forget", "terraform_data.a[1] forget"]
    );
    place.edit("x", "main.tf", "\"1\"", "\"2\"");
    assert_eq!(
        actions(&plan_json(&place, &[])),
        ["terraform_data.a[0] forget,create", "terraform_data.a[1] forget,create"]
    );
    let said = apply(&place);
    assert!(said.stdout.contains("2 added, 0 changed, 0 destroyed, 2 forgotten"), "{}", said.stdout);
    settled(&place);
    // Even when the block is gone.
    place.write("x", "main.tf", "\n");
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.a[0] forget", "terraform_data.a[1] forget"]);
}
