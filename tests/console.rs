//! `console`: what it answers, what it sees, how it ends.

use std::io::Write as _;
use std::process::Stdio;

use crate::common::{Place, Said, said};

/// A root whose only resource was applied.
const ROOT: &str = r#"
variable "region" {
  default = "eu"
}
variable "unset" {
  type = list(string)
}
variable "password" {
  default   = "hunter2"
  sensitive = true
}
locals {
  names = ["a", var.region]
  text  = <<-EOT
    first
    second
  EOT
}
resource "terraform_data" "one" {
  input = { n = 1 }
}
resource "terraform_data" "many" {
  count = 2
  input = count.index
}
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("root", "main.tf", ROOT);
    place
}

fn console(place: &Place, args: &[&str], input: &str) -> Said {
    let args: Vec<&str> = ["console"].iter().chain(args).copied().collect();
    let mut child = place
        .command("root", &args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the console starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end before it has read everything.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    said(child.wait_with_output().expect("the console ends"))
}

/// Nothing is configured, and so nothing is wrong; there is nothing to plan.
#[test]
fn a_directory_without_configuration_has_a_console() {
    let place = Place::new();
    place.write("root", "readme.txt", "");
    assert_eq!(console(&place, &[], "1 + 1\n").stdout.trim_end(), "2");
    place.ok("root", &["validate"]);
    assert_eq!(place.run("root", &["plan"]).code, 1);
}

#[test]
fn values_are_written_in_terraforms_notation() {
    let input = "local.names\n{\n  a = tolist([1]),\n  b = null\n}\nvar.password\nlocal.text\ntype(local.names)\n1 + \\\n2\n";
    let said = console(&place(), &[], input);
    let expected = "[\n  \"a\",\n  \"eu\",\n]\n\
        {\n  \"a\" = tolist([\n    1,\n  ])\n  \"b\" = null\n}\n\
        (sensitive value)\n\
        <<EOT\nfirst\nsecond\n\nEOT\n\
        tuple([\n    string,\n    string,\n])\n\
        3\n";
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, expected, ""));
}

#[test]
fn variables_that_are_not_set_are_unknown_and_others_can_be_set() {
    let said = console(&place(), &["-var", "region=us"], "var.region\nvar.unset\ntype(var.unset)\n");
    assert_eq!(said.stdout, "\"us\"\n(known after apply)\nlist(string)\n");
}

#[test]
fn the_first_mistake_ends_it() {
    let said = console(&place(), &[], "1\nlocal.nmes\n2\n");
    assert_eq!((said.code, said.stdout.as_str()), (1, "1\n"));
    assert!(
        said.stderr.contains("no local value \"nmes\"") && said.stderr.contains("\"names\""),
        "{}",
        said.stderr
    );
}

#[test]
fn exit_ends_it_in_peace() {
    let said = console(&place(), &[], "exit\nnosuch\n");
    assert_eq!((said.code, said.stdout.as_str()), (0, ""));
}

#[test]
fn what_is_null_in_the_state_is_there() {
    let place = place();
    place.write("root", "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    place.ok("root", &["apply", "-auto-approve"]);
    let said = console(&place, &[], "terraform_data.a.input\nkeys(terraform_data.a)\n");
    let keys = "[\n  \"id\",\n  \"input\",\n  \"output\",\n  \"triggers_replace\",\n]\n";
    assert_eq!((said.stdout, said.stderr), (format!("null\n{keys}"), String::new()));
}

#[test]
fn it_sees_the_state_and_makes_none() {
    let place = place();
    let ask = "terraform_data.one.output.n\nterraform_data.many[*].output\n";
    let before = place.files();
    let said = console(&place, &[], "terraform_data.one.output\n");
    assert_eq!(said.stdout, "(known after apply)\n");
    assert!(place.files() == before, "the console wrote files");
    place.ok("root", &["apply", "-auto-approve", "-var", "unset=[]"]);
    assert_eq!(console(&place, &[], ask).stdout, "1\n[\n  0,\n  1,\n]\n");
}

#[test]
fn it_sees_a_tenants_settings() {
    let place = Place::new();
    std::fs::rename(place.example("quickstart"), place.example("root")).expect("moved");
    let said = console(&place, &["-tenant=acme"], "var.tenant.name\n");
    assert_eq!((said.code, said.stdout.as_str()), (0, "\"acme\"\n"), "{}", said.stderr);
    let said = console(&place, &["-tenant=acm"], "1\n");
    assert!(said.code == 1 && said.stderr.contains("Did you mean \"acme\"?"), "{}", said.stderr);
}
