use std::io::Write;
use std::process::Stdio;

use crate::common::{Place, Said, said};

const MESSY: &str = "a=1\nlonger =  2 # two\n";
const TIDY: &str = "a      = 1\nlonger = 2 # two\n";

/// A folder of files in all states.
fn folder() -> Place {
    let place = Place::new();
    for (name, text) in [
        ("main.tf", MESSY),
        ("tidy.tf", TIDY),
        ("values.tfvars", MESSY),
        ("case.tftest.hcl", MESSY),
        ("platform.hcl", MESSY),
        ("inner/deep/more.tf", MESSY),
        (".hidden.tf", MESSY),
        ("#edited.tf#", MESSY),
        ("data.tf.json", "{}"),
        ("notes.md", "a=1"),
    ] {
        place.write("fmt", name, text);
    }
    place
}

fn read(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.example("fmt").join(file)).expect("the file is there")
}

fn with_input(place: &Place, args: &[&str], input: &[u8]) -> Said {
    let mut command = place.command("fmt", args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // What is too large is not read to its end.
    let _ = child.stdin.take().expect("its input").write_all(input);
    said(child.wait_with_output().expect("the binary ends"))
}

#[test]
fn files_of_a_folder_are_rewritten_and_listed() {
    let place = folder();
    let said = place.ok("fmt", &["fmt"]);
    assert_eq!(said.stdout, "case.tftest.hcl\nmain.tf\nplatform.hcl\nvalues.tfvars\n");
    for file in ["main.tf", "tidy.tf", "values.tfvars", "case.tftest.hcl", "platform.hcl"] {
        assert_eq!(read(&place, file), TIDY, "{file}");
    }
    for file in ["inner/deep/more.tf", ".hidden.tf", "#edited.tf#"] {
        assert_eq!(read(&place, file), MESSY, "{file}");
    }
    let said = place.ok("fmt", &["fmt"]);
    assert_eq!(said.stdout, "");

    let said = place.ok("fmt", &["fmt", "-recursive"]);
    assert_eq!(said.stdout, "inner/deep/more.tf\n");
    assert_eq!(read(&place, "inner/deep/more.tf"), TIDY);
}

#[test]
fn a_check_changes_nothing_and_tells_by_its_exit_code() {
    let place = folder();
    let said = place.run("fmt", &["fmt", "-check", "main.tf", "tidy.tf"]);
    assert_eq!((said.code, said.stdout.as_str()), (3, "main.tf\n"));
    let said = place.run("fmt", &["fmt", "-check", "-list=false"]);
    assert_eq!((said.code, said.stdout.as_str()), (3, ""));
    let said = place.run("fmt", &["fmt", "-check", "-recursive", "inner"]);
    assert_eq!((said.code, said.stdout.as_str()), (3, "inner/deep/more.tf\n"));
    assert_eq!(read(&place, "main.tf"), MESSY);
    let said = place.run("fmt", &["fmt", "-check", "tidy.tf", "inner"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""));
}

#[test]
fn the_difference_is_shown() {
    let place = folder();
    let said = place.ok("fmt", &["fmt", "-diff", "-write=false", "./main.tf"]);
    assert_eq!(
        said.stdout,
        "main.tf\n--- old/main.tf\n+++ new/main.tf\n@@ -1,2 +1,2 @@\n-a=1\n-longer =  2 # two\n+a      = 1\n+longer = 2 # two\n"
    );
    assert_eq!(read(&place, "main.tf"), MESSY);
    let said = place.ok("fmt", &["fmt", "-list=false", "-write=false", "main.tf"]);
    assert_eq!(said.stdout, TIDY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let place = folder();
    let said = with_input(&place, &["fmt", "-"], MESSY.as_bytes());
    assert_eq!((said.code, said.stdout.as_str()), (0, TIDY));
    let said = with_input(&place, &["fmt", "-check", "-"], MESSY.as_bytes());
    assert_eq!((said.code, said.stdout.as_str()), (3, ""));
    let said = with_input(&place, &["fmt", "-check", "-"], TIDY.as_bytes());
    assert_eq!(said.code, 0);
    let said = with_input(&place, &["fmt", "-"], b"a = [\n");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("<stdin>:1:7"), "{}", said.stderr);
}

#[test]
fn what_is_not_valid_stays_as_it_is_and_the_rest_is_done() {
    let place = folder();
    let broken = "a=1\nb = = 2\nc {\n  d = 1 +\n}\n";
    place.write("fmt", "broken.tf", broken);
    let said = place.run("fmt", &["fmt"]);
    assert_eq!(said.code, 2);
    assert_eq!(read(&place, "broken.tf"), broken);
    assert_eq!(read(&place, "main.tf"), TIDY);
    for part in ["broken.tf:2:5", "broken.tf:4:10"] {
        assert!(said.stderr.contains(part), "{part}\n{}", said.stderr);
    }
    let said = place.run("fmt", &["fmt", "-check", "broken.tf"]);
    assert_eq!(said.code, 2);
}

#[test]
fn names_are_not_judged() {
    let place = folder();
    let text = "a = nobody.knows[all]\n";
    place.write("fmt", "names.tf", text);
    place.ok("fmt", &["fmt", "-check", "names.tf"]);
}

#[test]
fn targets_that_cannot_be_meant_are_refused() {
    let place = folder();
    for (target, words) in [
        ("nowhere", "There is no file or directory nowhere."),
        ("notes.md", "The name of notes.md ends with none of .tf, .tofu, .tfvars, .hcl."),
        ("data.tf.json", "The name of data.tf.json ends with none of"),
    ] {
        let said = place.run("fmt", &["fmt", target]);
        assert_eq!(said.code, 2, "{target}");
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
}

#[test]
fn bad_input_is_told_in_words() {
    let place = folder();
    let deep = |open: &str| format!("a = {}", open.repeat(100_000));
    for (input, words) in [
        (b"a = 1\nb = \"\xff\"\n".to_vec(), "Line 2 of <stdin> is not UTF-8 text."),
        (b"a = \0\n".to_vec(), "<stdin>:1:5"),
        (vec![b'#'; 17 * 1024 * 1024], "16 MiB"),
        (deep("[").into_bytes(), "ested"),
        (deep("(").into_bytes(), "ested"),
        (deep("{b=").into_bytes(), "ested"),
        (deep("\"${").into_bytes(), "ested"),
        (deep("!").into_bytes(), "ested"),
        ("a {\n".repeat(100_000).into_bytes(), "ested"),
    ] {
        let said = with_input(&place, &["fmt", "-"], &input);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains(words), "{words}: {:.2000}", said.stderr);
        assert!(said.stderr.len() < 20_000, "{} bytes of complaint", said.stderr.len());
    }
    let said = with_input(&place, &["fmt", "-"], "\u{feff}a=1\r\n".as_bytes());
    assert_eq!((said.code, said.stdout.as_str()), (0, "a = 1\r\n"));
}

#[test]
fn the_examples_are_in_the_canonical_layout() {
    let place = Place::new();
    let said = place.run(".", &["fmt", "-check", "-diff", "-recursive"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
}
