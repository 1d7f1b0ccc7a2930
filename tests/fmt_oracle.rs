use std::path::{Path, PathBuf};
use std::process::Command;

use tenantctl_test_servers::opentofu;

use crate::common::Place;

/// Variants of every file, with other space in them.
const VARIANTS: u64 = 20;

/// What examples have little of.
const CONSTRUCTS: &str = r#"
a=[ for k,v in var.b: "${k}-${ v }" if v!=null&&!contains([1,-2],v) ]
b={ for x in[1]: x=>- x... }
c = provider::p::f( var . b [ 0 ].*. d, {} , []... ) // list
d="${
  var.x
}"
e = "${ { a=1 } }%{ if b ~} c %{ else }d%{ endif }"
longer_name = <<-EOT
    x ${ a+b } $${c}
  EOT here
    EOT
f = cond ? {
a = 1 # one
bcd = 22 /* two */
} : (-1 - -2)
variable "l" {
type = "list"
default=[] # none

  nested{ x=1 }
 }
resource a b { quoted = 1 }
"#;

/// The configuration files of the examples.
fn examples(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            examples(&path, found);
        } else if path.extension().is_some_and(|end| end == "tf" || end == "hcl") {
            found.push(path);
        }
    }
}

/// The text with other blanks where it has blanks, the same for each seed.
fn disturbed(text: &str, seed: u64) -> String {
    let mut state = seed;
    let mut pick = |choices: &[&'static str]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        choices[usize::try_from(state >> 33).unwrap_or(0) % choices.len()]
    };
    let mut result = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        match (c, blanks) {
            ('\n', _) => result.push_str(pick(&["\n", "\n", "\n", "\n  ", "\n\t", "\n\n"])),
            (_, 0) => result.push(c),
            _ => result.push_str(pick(&[" ", " ", "  ", "\t", "     "])),
        }
        rest = &rest[blanks.max(c.len_utf8())..];
    }
    result
}

#[test]
fn files_are_laid_out_as_by_opentofu() {
    let place = Place::new();
    let mut files = Vec::new();
    examples(&place.example(""), &mut files);
    let mut texts: Vec<String> =
        files.iter().map(|path| std::fs::read_to_string(path).expect("text")).collect();
    texts.push(CONSTRUCTS.to_owned());
    let all: Vec<String> = texts
        .iter()
        .flat_map(|text| std::iter::once(text.clone()).chain((1..VARIANTS).map(|seed| disturbed(text, seed))))
        .collect();
    for (i, text) in all.iter().enumerate() {
        place.write("ours", &format!("{i}.tf"), text);
        place.write("theirs", &format!("{i}.tf"), text);
    }
    place.ok("ours", &["fmt", "-list=false"]);
    let said = Command::new(opentofu())
        .env_clear()
        .env("HOME", place.example("home"))
        .env("CHECKPOINT_DISABLE", "1")
        .current_dir(place.example("theirs"))
        .args(["fmt", "-list=false", "-no-color"])
        .output()
        .expect("OpenTofu runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    for (i, text) in all.iter().enumerate() {
        let [ours, theirs] = ["ours", "theirs"].map(|tool| {
            std::fs::read_to_string(place.example(tool).join(format!("{i}.tf"))).expect("the file is there")
        });
        assert_eq!(ours, theirs, "of\n{text}");
    }
}
