//! Which blocks the language has, with their labels, arguments and blocks: what
//! `decode` reads, and what the documentation is generated from.

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::syntax::Body;

/// A block of the language.
#[derive(Debug)]
pub struct Vocabulary {
    /// The block's type; after the type that it stands in, where it is not at
    /// the top of a file.
    pub kind: &'static str,
    /// What its labels are.
    pub labels: &'static [&'static str],
    /// Its arguments; those of a schema come on top.
    pub arguments: &'static [&'static str],
    /// Blocks inside it; those of a schema come on top.
    pub blocks: &'static [&'static str],
}

const fn block(
    kind: &'static str,
    labels: &'static [&'static str],
    arguments: &'static [&'static str],
    blocks: &'static [&'static str],
) -> Vocabulary {
    Vocabulary { kind, labels, arguments, blocks }
}

const RULE: &[&str] = &["condition", "error_message"];

/// All of them, those at the top of a file first.
pub const LANGUAGE: &[Vocabulary] = &[
    block(
        "variable",
        &["name"],
        &["type", "default", "description", "sensitive", "nullable", "ephemeral", "deprecated", "const"],
        &["validation"],
    ),
    block("locals", &[], &[], &[]),
    block(
        "output",
        &["name"],
        &["value", "description", "sensitive", "depends_on", "ephemeral", "deprecated"],
        &["precondition"],
    ),
    block(
        "resource",
        &["type", "name"],
        &["count", "for_each", "depends_on", "provider"],
        &["lifecycle", "connection", "provisioner"],
    ),
    block("data", &["type", "name"], &["count", "for_each", "depends_on", "provider"], &["lifecycle"]),
    block("ephemeral", &["type", "name"], &["count", "for_each", "depends_on", "provider"], &["lifecycle"]),
    block(
        "module",
        &["name"],
        &["source", "version", "count", "for_each", "depends_on", "providers"],
        &["lifecycle"],
    ),
    block("provider", &["name"], &["version", "alias", "for_each"], &[]),
    block(
        "terraform",
        &[],
        &["required_version", "experiments", "language"],
        &["required_providers", "backend", "cloud", "provider_meta", "encryption"],
    ),
    block("language", &[], &["edition", "experiments"], &["compatible_with"]),
    block("moved", &[], &["from", "to"], &[]),
    block("removed", &[], &["from"], &["lifecycle", "provisioner", "connection"]),
    block("import", &[], &["to", "id", "for_each", "provider"], &[]),
    block("check", &["name"], &[], &["assert", "data"]),
    block("variable validation", &[], RULE, &[]),
    block("output precondition", &[], RULE, &[]),
    block("check assert", &[], RULE, &[]),
    block(
        "resource lifecycle",
        &[],
        &[
            "create_before_destroy",
            "prevent_destroy",
            "ignore_changes",
            "replace_triggered_by",
            "destroy",
            "enabled",
        ],
        &["precondition", "postcondition"],
    ),
    block("data lifecycle", &[], &["enabled"], &["precondition", "postcondition"]),
    block("ephemeral lifecycle", &[], &["enabled"], &["precondition", "postcondition"]),
    block("module lifecycle", &[], &["enabled"], &[]),
    block("removed lifecycle", &[], &["destroy"], &[]),
    block(
        "resource provisioner",
        &["type"],
        &["when", "on_failure", "command", "working_dir", "interpreter", "environment", "quiet"],
        &["connection"],
    ),
];

/// Blocks that make a root directory a platform, those at the top of a file
/// first. What is asked of limits is an argument: an object with these
/// attributes.
pub const TENANCY: &[Vocabulary] = &[
    block("tenantctl", &[], &["required_version", "simulate"], &["backend"]),
    block(
        "platform",
        &["name"],
        &["blueprint", "settings", "labels", "compliance", "guard", "unique", "environments", "tenants"],
        &[],
    ),
    block(
        "tier",
        &["name"],
        &["isolation", "extends", "settings", "labels", "environments", "blueprint"],
        &[],
    ),
    block("environment", &["name"], &["region", "cluster", "capacity", "settings", "labels"], &[]),
    block(
        "tenant",
        &["name"],
        &[
            "tier",
            "environments",
            "compliance",
            "members",
            "settings",
            "labels",
            "blueprint",
            "extension",
            "suspended",
            "delete_after",
        ],
        &["environment"],
    ),
    block("role", &["name"], &["rules", "permissions", "members"], &[]),
    block(
        "policy",
        &["name"],
        &[
            "condition",
            "error_message",
            "enforcement",
            "compliance",
            "tiers",
            "environments",
            "tenants",
            "applies_to",
            "resources",
        ],
        &[],
    ),
    block("tenant environment", &["name"], &["settings"], &[]),
    block("platform guard", &[], &["max_destroy_percent", "max_tenant_percent", "max_tenants"], &[]),
];

/// Whether a block stands in a root directory only.
pub(super) fn is_tenancy(kind: &str) -> bool {
    !kind.contains(' ') && TENANCY.iter().any(|block| block.kind == kind)
}

/// Whether a name means something in a `module` block, so that no variable has
/// it.
pub(super) fn is_reserved(name: &str) -> bool {
    vocabulary("module").arguments.contains(&name) || ["lifecycle", "locals"].contains(&name)
}

/// Types of blocks that stand at the top of a file.
pub(super) fn at_top() -> impl Iterator<Item = &'static str> {
    LANGUAGE.iter().chain(TENANCY).map(|block| block.kind).filter(|kind| !kind.contains(' '))
}

/// A block that is known to be in the vocabulary; of others nothing is known.
pub(super) fn vocabulary(kind: &str) -> &'static Vocabulary {
    static NOTHING: Vocabulary = block("", &[], &[], &[]);
    LANGUAGE.iter().chain(TENANCY).find(|block| block.kind == kind).unwrap_or(&NOTHING)
}

/// Checks that arguments and blocks of a body are those of a block.
pub(super) fn check(kind: &str, body: &Body, diagnostics: &mut Diagnostics) {
    let known = vocabulary(kind);
    super::reader::check_names(body, known.arguments, known.blocks, diagnostics);
}

/// Reports an argument that a block cannot do without; nothing when it is there
/// misspelt, which [`check`] reports.
pub(super) fn missing(kind: &str, body: &Body, name: &str, span: Span, diagnostics: &mut Diagnostics) {
    if !is_misspelt(kind, body, name) {
        let detail = format!("The argument {name:?} is required.");
        diagnostics.push(Diagnostic::error("Missing required argument", detail).at(span));
    }
}

/// Whether a rule lacks one of its two arguments, and not by a slip that
/// [`check`] reports.
pub(super) fn lacks_rule(kind: &str, body: &Body) -> bool {
    RULE.iter().any(|name| body.attribute(name).is_none() && !is_misspelt(kind, body, name))
}

/// Whether [`check`] takes another argument of a body for this one.
pub(super) fn is_misspelt(kind: &str, body: &Body, name: &str) -> bool {
    super::reader::is_misspelt(body, name, vocabulary(kind).arguments.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_block_stands_once_and_inside_one_that_has_it() {
        let kinds: BTreeSet<&str> = LANGUAGE.iter().chain(TENANCY).map(|block| block.kind).collect();
        assert_eq!(kinds.len(), LANGUAGE.len() + TENANCY.len());
        for inner in kinds.iter().filter_map(|kind| kind.split_once(' ')) {
            let outer = vocabulary(inner.0);
            assert!(outer.blocks.contains(&inner.1) || outer.arguments.contains(&inner.1), "{inner:?}");
        }
        assert!(vocabulary("nothing").arguments.is_empty());
    }
}
