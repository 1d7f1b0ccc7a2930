//! Which properties of a JSON object are blocks, and how many labels they
//! have.

use crate::provider::{Block as Schema, Registry};
use crate::syntax::Ident;

/// What a body can hold besides arguments.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    /// The type of the block, empty for one of a schema.
    pub(super) kind: &'a str,
    /// What a provider says of the block.
    pub(super) schema: Option<&'a Schema>,
}

/// Blocks of the language inside blocks of the language, with the number of
/// their labels.
fn language(kind: &str) -> &'static [(&'static str, usize)] {
    match kind {
        "file" => &[
            ("variable", 1),
            ("locals", 0),
            ("output", 1),
            ("resource", 2),
            ("data", 2),
            ("ephemeral", 2),
            ("module", 1),
            ("provider", 1),
            ("terraform", 0),
            ("language", 0),
            ("moved", 0),
            ("removed", 0),
            ("import", 0),
            ("check", 1),
            ("tenantctl", 0),
            ("platform", 1),
            ("tier", 1),
            ("environment", 1),
            ("tenant", 1),
            ("role", 1),
            ("policy", 1),
        ],
        "test" => &[
            ("run", 1),
            ("variables", 0),
            ("provider", 1),
            ("mock_provider", 1),
            ("override_resource", 0),
            ("override_data", 0),
            ("override_module", 0),
        ],
        "run" => &[
            ("variables", 0),
            ("assert", 0),
            ("module", 0),
            ("plan_options", 0),
            ("override_resource", 0),
            ("override_data", 0),
            ("override_module", 0),
        ],
        "mock_provider" => &[
            ("mock_resource", 1),
            ("mock_data", 1),
            ("override_resource", 0),
            ("override_data", 0),
            ("override_module", 0),
        ],
        "tenant" => &[("environment", 1)],
        "variable" => &[("validation", 0)],
        "output" => &[("precondition", 0)],
        "resource" | "data" | "ephemeral" => &[("lifecycle", 0), ("connection", 0), ("provisioner", 1)],
        "module" => &[("lifecycle", 0)],
        "lifecycle" => &[("precondition", 0), ("postcondition", 0)],
        "provisioner" => &[("connection", 0)],
        "removed" => &[("lifecycle", 0), ("provisioner", 1)],
        "check" => &[("data", 2), ("assert", 0)],
        "terraform" => &[("backend", 1), ("cloud", 0), ("required_providers", 0), ("provider_meta", 1)],
        "language" => &[("compatible_with", 0)],
        "cloud" => &[("workspaces", 0)],
        "tenantctl" => &[("backend", 1)],
        _ => &[],
    }
}

impl<'a> Shape<'a> {
    /// A file of configuration.
    pub(super) const ROOT: Self = Shape { kind: "file", schema: None };
    /// A file of tests.
    pub(super) const TEST: Self = Shape { kind: "test", schema: None };
    /// A file of values.
    pub(super) const VALUES: Self = Shape { kind: "values", schema: None };

    /// How many labels a block of a type has here; `None` for an argument.
    pub(super) fn labels(&self, name: &str) -> Option<usize> {
        if let Some((_, labels)) = language(self.kind).iter().find(|(known, _)| *known == name) {
            return Some(*labels);
        }
        match (self.kind, self.schema) {
            // At the top there are no arguments: what has no such type is told so.
            ("file" | "test", _) => Some(0),
            ("dynamic", Some(_)) if name == "content" => Some(0),
            ("dynamic", _) | (_, None) => None,
            (_, Some(schema)) if schema.blocks.contains_key(name) => Some(0),
            (_, Some(schema)) => (name == "dynamic" && !schema.blocks.is_empty()).then_some(1),
        }
    }

    /// The shape of a block's body.
    pub(super) fn inner(&self, kind: &str, labels: &[Ident], registry: Option<&'a Registry>) -> Shape<'a> {
        let label = labels.first().map_or("", |label| &*label.name);
        if let Some((known, _)) = language(self.kind).iter().find(|(known, _)| *known == kind) {
            let schema = registry.and_then(|registry| of_registry(registry, known, label));
            return Shape { kind: known, schema };
        }
        let nested = |name: &str| self.schema.and_then(|schema| schema.blocks.get(name)).map(|b| &b.block);
        match kind {
            // Blocks of a dynamic block are those of what it makes.
            "dynamic" => Shape { kind: "dynamic", schema: nested(label) },
            "content" if self.kind == "dynamic" => Shape { kind: "", schema: self.schema },
            _ => Shape { kind: "", schema: nested(kind) },
        }
    }
}

fn of_registry<'a>(registry: &'a Registry, kind: &str, label: &str) -> Option<&'a Schema> {
    if kind == "provider" {
        return registry.get(label).map(|provider| &provider.schema().config);
    }
    let types = registry.of_type(label)?.schema();
    let types = match kind {
        "resource" => &types.resources,
        "data" => &types.data_sources,
        "ephemeral" => &types.ephemeral,
        _ => return None,
    };
    types.get(label).map(|schema| &schema.block)
}
