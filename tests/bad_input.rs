//! Configuration that would take all time or memory if it were let: each is
//! answered by a clear error, or as what it is, in 1.5 GB of memory.

use std::process::Command;

use crate::common::{Place, Said, said};

/// Runs in little memory; one that hangs is ended, and its test fails.
fn confined(place: &Place, args: &[&str]) -> Said {
    let mut command = Command::new("/usr/bin/env");
    let plain = place.command("x", args);
    command.arg("sh").arg("-c").arg("ulimit -v 1500000 && exec timeout 120 \"$0\" \"$@\"");
    command.arg(plain.get_program()).args(plain.get_args()).env_clear();
    let set = plain.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(set).env("PATH", "/usr/bin:/bin");
    command.current_dir(plain.get_current_dir().expect("a folder"));
    said(command.output().expect("it runs"))
}

fn root(text: &str) -> Place {
    let place = Place::new();
    place.write("x", "main.tf", text);
    place
}

#[test]
fn what_would_grow_without_end_is_refused() {
    let many = "join(\"\", [for i in range(1000) : \"0123456789\"])";
    let output = |expression: &str| format!("output \"o\" {{\n  value = {expression}\n}}\n");
    for (text, expected) in [
        (output("length(range(1e9))"), "more than 1024 numbers"),
        (
            output("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"),
            "goes through more than 10000000 elements",
        ),
        (
            format!("locals {{\n  a = {many}\n  b = [for i in range(1000) : local.a]\n}}\n")
                + &output("length(join(\"\", [for i in range(1000) : join(\"\", local.b)]))"),
            "more than 512 MiB together",
        ),
        (output(&format!("length(replace({many}, \"/./\", {many}))")), "larger than 64 MiB"),
        (output("format(\"%0999999999d\", 1)"), "greater than 1048576"),
        (output("regex(\"((a{1000}){1000}){1000}\", \"a\")"), "is not a regular expression: it is too large"),
        ("locals {\n  a = local.b\n  b = local.c\n  c = local.a\n}\n".into(), "local.a -> local.b"),
        (
            "resource \"terraform_data\" \"a\" {\n  input = terraform_data.a.id\n}\n".into(),
            "terraform_data.a -> terraform_data.a",
        ),
        ("module \"m\" {\n  source = \"./\"\n}\n".into(), "is called from inside itself"),
        (
            "resource \"terraform_data\" \"a\" {\n  count = 1e9\n}\n".into(),
            "A whole number from 0 is required",
        ),
    ] {
        let said = confined(&root(&text), &["plan"]);
        assert_eq!(said.code, 1, "{text}\n{}\n{}", said.stdout, said.stderr);
        assert!(said.words().contains(expected), "{expected}\n{}", said.stderr);
        assert!(said.stderr.len() < 20_000, "{} bytes of complaint", said.stderr.len());
    }
}

#[test]
fn what_only_looks_dangerous_is_done() {
    // No expression makes the matcher go back and forth.
    let text = "output \"o\" {\n  value = length(regexall(\"(a+)+$\", join(\"\", [for i in range(1000) : \"aaaaaaaaaaaaaaaab\"])))\n}\n";
    assert!(confined(&root(text), &["plan"]).stdout.contains("o = 0"));
    let large = format!(
        "locals {{\n  a = <<-EOT\n{}  EOT\n}}\noutput \"o\" {{\n  value = length(local.a)\n}}\n",
        "  0123456789\n".repeat(800_000)
    );
    assert!(large.len() > 10_000_000);
    let said = confined(&root(&large), &["plan"]);
    assert!(said.stdout.contains("o = 8800000"), "{}\n{}", said.stdout, said.stderr);
    let odd = "\u{feff}locals {\r\n  a = <<-EOT\r\n    x\r\n  EOT\r\n}\r\noutput \"o\" {\r\n  value = length(local.a)\r\n}\r\n";
    let said = confined(&root(odd), &["plan"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
}

#[test]
fn a_file_that_is_none_is_told() {
    let place = root("output \"o\" {\n  value = 1\n}\n");
    let link = place.example("x").join("gone.tf");
    std::os::unix::fs::symlink("nowhere", &link).expect("a link");
    let said = confined(&place, &["validate"]);
    // What is no file is no configuration; nothing hangs on it.
    assert!(said.code == 0 || said.words().contains("gone.tf"), "{}", said.stderr);
    std::fs::remove_file(&link).expect("goes");
    assert!(Command::new("mkfifo").arg(&link).status().expect("mkfifo runs").success());
    let said = confined(&place, &["validate"]);
    assert!(said.code == 0 || said.words().contains("gone.tf"), "{}", said.stderr);
}

/// A pipe that nobody writes into, a directory, and a link to nothing.
#[test]
fn values_that_are_in_no_file_are_told() {
    let place = root("variable \"v\" {\n  default = 1\n}\n");
    let values = place.example("x").join("terraform.tfvars");
    let told = |why: &str| {
        let said = confined(&place, &["plan"]);
        assert!(said.code == 1 && said.words().contains("terraform.tfvars"), "{why}: {}", said.stderr);
    };
    assert!(Command::new("mkfifo").arg(&values).status().expect("mkfifo runs").success());
    told("a pipe");
    std::fs::remove_file(&values).expect("goes");
    std::fs::create_dir(&values).expect("a directory");
    told("a directory");
    std::fs::remove_dir(&values).expect("goes");
    std::os::unix::fs::symlink("nowhere", &values).expect("a link");
    told("a link to nothing");
}

/// What functions read is a file, too.
#[test]
fn functions_do_not_wait_for_a_pipe() {
    let place = root("output \"v\" {\n  value = file(\"pipe\")\n}\n");
    let pipe = place.example("x").join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let said = confined(&place, &["plan"]);
    assert!(said.code == 1 && said.words().contains("not an ordinary file"), "{}", said.stderr);
}
