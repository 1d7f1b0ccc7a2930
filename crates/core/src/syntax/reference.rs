//! What a dotted name refers to.

use crate::addr::ResourceMode;
use crate::diag::Diagnostic;
use crate::expr::Reference;

/// What is said of a name that refers to nothing; the syntax is right then.
pub(crate) const INVALID_REFERENCE: &str = "Invalid reference";

/// The reference that a name begins, and how many of the names after it
/// belong to the reference; `None` when it refers to nothing.
pub(super) fn reference(root: &str, names: &[&str]) -> Option<(Reference, usize)> {
    let first = names.first().copied();
    Some(match root {
        "var" => (Reference::Var(first?.into()), 1),
        "local" => (Reference::Local(first?.into()), 1),
        "module" => (Reference::Module(first?.into()), 1),
        "each" if first? == "key" => (Reference::EachKey, 1),
        "each" if first? == "value" => (Reference::EachValue, 1),
        "count" if first? == "index" => (Reference::CountIndex, 1),
        "path" if ["module", "root", "cwd"].contains(&first?) => (Reference::Path(first?.into()), 1),
        "terraform" | "tofu" if ["workspace", "applying"].contains(&first?) => {
            let name = first?.into();
            (if root == "tofu" { Reference::Tofu(name) } else { Reference::Terraform(name) }, 1)
        }
        "each" | "count" | "path" | "terraform" | "tofu" => return None,
        "self" => (Reference::Itself, 0),
        "resource" | "data" | "ephemeral" => {
            let mode = match root {
                "resource" => ResourceMode::Managed,
                "data" => ResourceMode::Data,
                _ => ResourceMode::Ephemeral,
            };
            let name = names.get(1)?;
            (Reference::Resource { mode, kind: first?.into(), name: (*name).into() }, 2)
        }
        kind => {
            (Reference::Resource { mode: ResourceMode::Managed, kind: kind.into(), name: first?.into() }, 1)
        }
    })
}

/// Why a dotted name refers to nothing.
pub(super) fn bad_reference(root: &str) -> Diagnostic {
    let want = match root {
        "var" | "local" | "module" => format!("{root:?} is followed by a dot and a name."),
        "data" => "A data source is referred to as data.TYPE.NAME.".into(),
        "resource" => "A resource is referred to as resource.TYPE.NAME, or TYPE.NAME.".into(),
        "ephemeral" => "An ephemeral resource is referred to as ephemeral.TYPE.NAME.".into(),
        "each" => "The \"each\" object has the attributes \"key\" and \"value\".".into(),
        "count" => "The \"count\" object has the attribute \"index\".".into(),
        "path" => "The \"path\" object has the attributes \"module\", \"root\" and \"cwd\".".into(),
        "terraform" => "The \"terraform\" object has the attributes \"workspace\" and \"applying\".".into(),
        other => format!("A reference to a resource has its type and its name: {other}.NAME."),
    };
    Diagnostic::error(INVALID_REFERENCE, want)
}

/// Why a name that stands alone refers to nothing.
pub(super) fn bare_name(name: &str) -> Diagnostic {
    let what = format!(
        "The name {name:?} alone refers to nothing: a reference to a resource has a type and a name."
    );
    Diagnostic::error(INVALID_REFERENCE, what).hint(format!(
        "To refer to a variable write var.{name}, to a local value local.{name}; text stands in quotes."
    ))
}
