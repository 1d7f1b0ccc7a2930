//! What documents say of the program is what the program has.

/// Which attributes count for policies.
mod policies;
/// What providers take.
mod resources;

use std::fmt::Write as _;
use std::path::Path;

use tenantctl_core::config::{LANGUAGE, TENANCY, Vocabulary};
use tenantctl_core::expr::functions::signatures;

const HEAD: &str = "\
# The language

Written by a test from what the program has: `TENANTCTL_WRITE_DOCUMENTS=1 cargo test --test runner documents`.

tenantctl reads the Terraform language as OpenTofu 1.12 has it. Arguments and blocks of resources, data sources,
ephemeral resources and providers are those of the provider's schema, besides what stands here. What a `terraform`
block of a `*.tf` file asks of versions, experiments and editions is meant for Terraform and not judged, as in OpenTofu;
`language` blocks and `*.tofu` files are.
";

const PLATFORMS: &str = "
## Platforms and tenants

These blocks stand in a root directory, `tenant` blocks also one file each in the platform's directory of tenants.
`tenantctl explain TENANT` says of every setting which of them it comes from. `guard` is an argument, an object.
";

const ABSENT: &str = "
## What is refused

Each of these is answered by a diagnostic that says so; nothing is ignored in silence.

| what | why |
| --- | --- |
| `connection` blocks, provisioners other than `local-exec` | commands run on this machine only, where they can call ssh |
| module sources that are a registry's, `version` of a module | modules come from directories and git repositories |
| `backend` other than `local`, `cloud`, `encryption`, `provider_meta` | state is kept on this machine, secrets in it sealed |
| `ephemeral` values in what a resource's connection is made of | how an object is reached is kept with it |
| provider functions, experiments, `action` blocks | no provider of this build has any |
";

fn row(block: &Vocabulary) -> String {
    let names = |names: &[&str]| match names {
        [] => "–".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "),
    };
    let (outer, kind) = block.kind.split_once(' ').unwrap_or(("", block.kind));
    let labels: String = block.labels.iter().map(|label| format!(" \"{}\"", label.to_uppercase())).collect();
    let place = if outer.is_empty() { String::new() } else { format!(" in `{outer}`") };
    let arguments = if block.kind == "locals" { "any name".into() } else { names(block.arguments) };
    format!("| `{kind}{labels}`{place} | {arguments} | {} |\n", names(block.blocks))
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "\n## Blocks\n\n| block | arguments | blocks |\n| --- | --- | --- |");
    LANGUAGE.iter().for_each(|block| text.push_str(&row(block)));
    text.push_str(
        "\n`dynamic \"TYPE\"` makes blocks of a schema: `for_each`, `iterator` and a `content` block.\n",
    );
    let _ = writeln!(text, "{PLATFORMS}\n| block | arguments | blocks |\n| --- | --- | --- |");
    TENANCY.iter().for_each(|block| text.push_str(&row(block)));
    let all = signatures();
    let _ = writeln!(
        text,
        "\n## Functions\n\n{} functions; what may be left out stands in brackets.\n",
        all.len()
    );
    for signature in all.values() {
        let _ = writeln!(text, "- `{signature}`");
    }
    text.push_str(ABSENT);
    text
}

/// The document says just this; with `TENANTCTL_WRITE_DOCUMENTS` it is made to.
fn is_current(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("TENANTCTL_WRITE_DOCUMENTS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, text).expect("written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(found == text, "{path} is not current: write it anew, as it says itself");
}

#[test]
fn the_table_of_the_language_is_current() {
    is_current("docs/language.md", &document());
}
