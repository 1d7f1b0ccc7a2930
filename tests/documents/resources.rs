//! What each provider takes, from its schema: `docs/resources/PROVIDER.md`, with
//! an example of each type from `docs/resources/examples/PROVIDER.tf`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tenantctl_core::provider::{Attribute, Block, BlockType, Nesting, Provider, ResourceSchema, Type, Words};

use super::is_current;
use crate::common::Place;

pub(super) fn providers() -> Vec<Box<dyn Provider>> {
    vec![
        // All of its types, whatever this build has of them.
        #[cfg(feature = "aws-iam")]
        Box::new(tenantctl_providers::aws::Aws::new(tenantctl_providers::aws::Options::default())),
        #[cfg(feature = "azure")]
        Box::new(tenantctl_providers::azure::Azure::new(tenantctl_providers::azure::Options::default())),
        Box::new(tenantctl_providers::builtin::Builtin::new()),
        #[cfg(feature = "dns")]
        Box::new(tenantctl_providers::dns::Dns::new()),
        #[cfg(feature = "kubernetes")]
        Box::new(tenantctl_providers::kubernetes::Kubernetes::new(
            tenantctl_providers::kubernetes::Options::default(),
        )),
        Box::new(tenantctl_providers::null::Null),
        Box::new(tenantctl_providers::simulated::Sandbox),
    ]
}

/// An argument, as a row of a table.
fn argument(name: &str, attribute: &Attribute) -> String {
    let need = match (attribute.required, attribute.computed) {
        (true, _) => "required",
        (false, true) => "the service's when not set",
        (false, false) => "optional",
    };
    let mut notes = Vec::new();
    notes.extend(attribute.force_new.then_some("a change makes a new object"));
    notes.extend(attribute.sensitive.then_some("never shown"));
    notes.extend(attribute.write_only.then_some("never kept"));
    let notes = if notes.is_empty() { String::new() } else { format!(" *{}.*", notes.join(", ")) };
    format!("| `{name}` | `{}` | {need} | {}{notes} |\n", attribute.ty, attribute.description)
}

fn arguments(text: &mut String, block: &Block) {
    let set: Vec<_> = block.attributes.iter().filter(|(_, attribute)| attribute.is_argument()).collect();
    if !set.is_empty() {
        text.push_str("\n| argument | type | | what it is |\n| --- | --- | --- | --- |\n");
        set.into_iter().for_each(|(name, attribute)| text.push_str(&argument(name, attribute)));
    }
}

/// Nested blocks, each by the way that leads to it.
fn nested(text: &mut String, blocks: &BTreeMap<&'static str, BlockType>, outer: &str) {
    for (name, nested) in blocks {
        let path = format!("{outer}{name}");
        let often = match (nested.nesting, nested.required) {
            (Nesting::Single, true) => "once",
            (Nesting::Single, false) => "once at most",
            (Nesting::List, true) => "at least once",
            (Nesting::List, false) => "any number of times",
        };
        let _ = writeln!(text, "\nBlock `{path}`, {often}:");
        arguments(text, &nested.block);
        results(text, &nested.block);
        self::nested(text, &nested.block.blocks, &format!("{path}."));
    }
}

fn results(text: &mut String, block: &Block) {
    let given: Vec<_> = block.attributes.iter().filter(|(_, attribute)| !attribute.is_argument()).collect();
    if !given.is_empty() {
        text.push_str("\n| result | type | what it is |\n| --- | --- | --- |\n");
        for (name, attribute) in given {
            let secret = if attribute.sensitive { " *never shown.*" } else { "" };
            let _ = writeln!(text, "| `{name}` | `{}` | {}{secret} |", attribute.ty, attribute.description);
        }
    }
}

fn block(text: &mut String, block: &Block) {
    arguments(text, block);
    results(text, block);
    nested(text, &block.blocks, "");
    if !block.timeouts.is_empty() && !block.blocks.contains_key("timeouts") {
        let limits =
            block.timeouts.operations().map(|(timed, limit)| format!("`{}` {}", timed.name(), Words(limit)));
        let _ = writeln!(text, "\n`timeouts`, when not set: {}.", limits.collect::<Vec<_>>().join(", "));
    }
}

/// The examples of a provider.
fn examples(provider: &dyn Provider) -> String {
    let path = format!("{}/docs/resources/examples/{}.tf", env!("CARGO_MANIFEST_DIR"), provider.name());
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The block among the examples that begins so, in a fence.
fn example(examples: &str, head: &str) -> Option<String> {
    let mut starts = examples.match_indices(head).map(|(at, _)| at);
    let start = starts.find(|at| *at == 0 || examples[..*at].ends_with('\n'))?;
    let rest = &examples[start..];
    let text = match rest.lines().next()? {
        whole if whole.ends_with("{}") => whole,
        _ => &rest[..rest.find("\n}\n")? + 2],
    };
    Some(format!("\n```hcl\n{text}\n```\n"))
}

fn kinds(
    text: &mut String,
    (title, word): (&str, &str),
    all: &BTreeMap<&'static str, ResourceSchema>,
    examples: &str,
) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}");
    for (kind, schema) in all {
        let head = format!("{word} \"{kind}\"");
        let _ = writeln!(text, "\n### `{head}`");
        let shown = example(examples, &format!("{head} ")).unwrap_or_else(|| panic!("{head}: no example"));
        text.push_str(&shown);
        block(text, &schema.block);
    }
}

fn document(provider: &dyn Provider) -> String {
    let (name, schema) = (provider.name(), provider.schema());
    let mut text = format!(
        "# What `{name}` provides\n\nWritten by a test from the provider's schema: \
         `TENANTCTL_WRITE_DOCUMENTS=1 cargo test --test runner --features aws-iam documents`.\n"
    );
    let (config, examples) = (&schema.config, examples(provider));
    if !config.attributes.is_empty() || !config.blocks.is_empty() {
        let head = format!("provider \"{name}\"");
        let _ = writeln!(text, "\n## `{head}`");
        text.push_str(&example(&examples, &head).unwrap_or_else(|| panic!("{head}: no example")));
        block(&mut text, config);
    }
    kinds(&mut text, ("Resources", "resource"), &schema.resources, &examples);
    kinds(&mut text, ("Data sources", "data"), &schema.data_sources, &examples);
    kinds(&mut text, ("Ephemeral resources", "ephemeral"), &schema.ephemeral, &examples);
    text
}

#[test]
fn what_providers_take_is_told_as_it_is() {
    for provider in providers() {
        is_current(&format!("docs/resources/{}.md", provider.name()), &document(&*provider));
    }
}

/// Every argument has its sentence, and what is required is an argument.
#[test]
fn every_argument_is_described() {
    fn missing(block: &Block, path: &str, found: &mut Vec<String>) {
        let silent = block.attributes.iter().filter(|(_, attribute)| attribute.description.is_empty());
        found.extend(silent.map(|(name, _)| format!("{path}.{name}")));
        for (name, nested) in &block.blocks {
            missing(&nested.block, &format!("{path}.{name}"), found);
        }
    }
    let mut found = Vec::new();
    for provider in providers() {
        for (kind, schema) in &provider.schema().resources {
            missing(&schema.block, kind, &mut found);
        }
    }
    assert!(found.is_empty(), "without a description: {found:#?}");
}

/// The examples plan as they are, each resource to be made.
#[test]
fn every_example_is_planned() {
    for provider in providers() {
        let (place, examples) = (Place::new(), examples(&*provider));
        place.write("document", "main.tf", &examples);
        // What one of them reads.
        place.write("network", "terraform.tfstate", r#"{"version": 4, "outputs": {}}"#);
        let said = place.ok("document", &["plan", "-simulate"]);
        for kind in provider.schema().resources.keys() {
            let (head, planned) = (format!("resource \"{kind}\" \""), format!("# {kind}."));
            let shown = examples.matches(&head).count();
            let planned = said.stdout.lines().filter(|line| line.contains(&planned)).count();
            assert!(shown > 0 && shown == planned, "{kind}: {}", said.stdout);
        }
    }
}

/// What a number counts is told: of what it is so many.
#[test]
fn every_quantity_has_its_unit() {
    const MEASURES: [(&str, &str); 8] = [
        ("ttl", "econds"),
        ("day", "ays"),
        ("hour", "ours"),
        ("minute", "inutes"),
        ("second", "econds"),
        ("duration", "econds"),
        ("size_gb", "GiB"),
        ("disk_size", "GiB"),
    ];
    fn missing(block: &Block, path: &str, found: &mut Vec<String>) {
        for (name, attribute) in block.attributes.iter().filter(|(_, a)| a.ty == Type::Number) {
            let measure = MEASURES.iter().find(|(part, _)| name.contains(part));
            let lacks = measure.is_some_and(|(_, unit)| !attribute.description.contains(unit));
            found.extend(lacks.then(|| format!("{path}.{name}: {}", attribute.description)));
        }
        for (name, nested) in &block.blocks {
            missing(&nested.block, &format!("{path}.{name}"), found);
        }
    }
    let mut found = Vec::new();
    for provider in providers() {
        for (kind, schema) in &provider.schema().resources {
            missing(&schema.block, kind, &mut found);
        }
    }
    assert!(found.is_empty(), "without a unit: {found:#?}");
}
