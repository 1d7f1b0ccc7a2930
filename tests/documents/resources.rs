//! What each provider takes, from its schema: `docs/resources/PROVIDER.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tenantctl_core::provider::{Attribute, Block, BlockType, Nesting, Provider, ResourceSchema, Words};

use super::is_current;

fn providers() -> Vec<Box<dyn Provider>> {
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

fn kinds(text: &mut String, title: &str, word: &str, all: &BTreeMap<&'static str, ResourceSchema>) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}");
    for (kind, schema) in all {
        let _ = writeln!(text, "\n### `{word} \"{kind}\"`");
        block(text, &schema.block);
    }
}

fn document(provider: &dyn Provider) -> String {
    let (name, schema) = (provider.name(), provider.schema());
    let mut text = format!(
        "# What `{name}` provides\n\nWritten by a test from the provider's schema: \
         `TENANTCTL_WRITE_DOCUMENTS=1 cargo test --test runner --features aws-iam documents`.\n"
    );
    let config = &schema.config;
    if !config.attributes.is_empty() || !config.blocks.is_empty() {
        let _ = writeln!(text, "\n## `provider \"{name}\"`");
        block(&mut text, config);
    }
    kinds(&mut text, "Resources", "resource", &schema.resources);
    kinds(&mut text, "Data sources", "data", &schema.data_sources);
    kinds(&mut text, "Ephemeral resources", "ephemeral", &schema.ephemeral);
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
