//! Typed configuration: what `decode` gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::addr::ResourceMode;
use crate::diag::Span;
use crate::expr::{Constraint, Expr};
use crate::syntax::Ident;
use crate::value::Value;

/// A module: one directory.
#[derive(Debug, Default)]
pub struct Module {
    /// Its directory.
    pub dir: PathBuf,
    /// `variable` blocks.
    pub variables: Vec<Variable>,
    /// `locals`.
    pub locals: Vec<(Ident, Expr)>,
    /// `output` blocks.
    pub outputs: Vec<Output>,
    /// `resource` and `data` blocks.
    pub resources: Vec<Resource>,
    /// `module` blocks.
    pub calls: Vec<ModuleCall>,
    /// `provider` blocks: name and configuration by the provider's schema.
    pub providers: Vec<(Ident, Expr)>,
}

/// A `variable` block.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: Ident,
    /// Its type and the defaults inside it.
    pub constraint: Arc<Constraint>,
    /// Its default, converted.
    pub default: Option<Value>,
    /// Whether null is a value for it.
    pub nullable: bool,
    /// Never shown.
    pub sensitive: bool,
    /// `validation` blocks: condition and message.
    pub validations: Vec<(Expr, Expr)>,
}

/// An `output` block.
#[derive(Debug)]
pub struct Output {
    /// Its name.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
    /// Not to be shown.
    pub sensitive: bool,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
}

/// `count` or `for_each`.
#[derive(Debug)]
pub enum Repetition {
    /// One instance.
    None,
    /// So many.
    Count(Expr),
    /// One for each element.
    ForEach(Expr),
}

/// A `resource` or `data` block.
#[derive(Debug)]
pub struct Resource {
    /// Managed or data.
    pub mode: ResourceMode,
    /// The type.
    pub kind: Arc<str>,
    /// The name.
    pub name: Arc<str>,
    /// The block's header.
    pub span: Span,
    /// The provider's name.
    pub provider: String,
    /// How many.
    pub repetition: Repetition,
    /// The body as one expression, which follows the type's schema.
    pub body: Expr,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
    /// `lifecycle`.
    pub lifecycle: Lifecycle,
}

/// A `lifecycle` block.
#[derive(Debug, Default)]
pub struct Lifecycle {
    /// Replace by making the new one first.
    pub create_before_destroy: bool,
    /// Refuse any plan that would remove it.
    pub prevent_destroy: bool,
    /// Top-level attributes whose configuration is not looked at after creation.
    pub ignore_changes: Vec<Arc<str>>,
    /// All attributes.
    pub ignore_all: bool,
    /// Replaced when one of these changes.
    pub replace_triggered_by: Vec<Expr>,
}

/// A `module` block.
#[derive(Debug)]
pub struct ModuleCall {
    /// Its name.
    pub name: Ident,
    /// The module that is called.
    pub module: Arc<Module>,
    /// How many.
    pub repetition: Repetition,
    /// Values of the module's variables.
    pub arguments: BTreeMap<Arc<str>, Expr>,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
}

/// The tenancy blocks of a root directory.
#[derive(Debug, Default)]
pub struct Tenancy {
    /// The platform's name.
    pub name: String,
    /// The blueprint.
    pub blueprint: Arc<Module>,
    /// The platform's settings.
    pub settings: Settings,
    /// Tiers by name.
    pub tiers: BTreeMap<Arc<str>, Tier>,
    /// Tenants by name.
    pub tenants: BTreeMap<Arc<str>, Tenant>,
}

/// Settings of one layer: value and place by name.
pub type Settings = BTreeMap<Arc<str>, (Value, Span)>;

/// A `tier` block.
#[derive(Debug)]
pub struct Tier {
    /// `namespace`, `node_pool` or `cluster`.
    pub isolation: String,
    /// Its settings.
    pub settings: Settings,
}

/// A `tenant` block.
#[derive(Debug)]
pub struct Tenant {
    /// Its name and place.
    pub name: Ident,
    /// Its tier's name and place.
    pub tier: Ident,
    /// Its settings.
    pub settings: Settings,
}
