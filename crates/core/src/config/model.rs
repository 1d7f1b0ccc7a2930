//! Typed configuration: what `decode` gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::providers::{LocalNames, ProviderBlock, ProviderRef};
use super::provisioners::Provisioner;
use super::requirements::RequiredProvider;
use crate::addr::{ResourceAddress, ResourceMode, Selector};
use crate::diag::{Diagnostic, Span};
use crate::expr::{Constraint, Expr, Reference};
use crate::syntax::Ident;
use crate::value::{Path, Value};

/// A module: one directory.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Its directory.
    pub dir: PathBuf,
    /// `variable` blocks.
    pub variables: Vec<Variable>,
    /// `locals`.
    pub locals: Vec<(Ident, Expr)>,
    /// `output` blocks.
    pub outputs: Vec<Output>,
    /// `resource`, `data` and `ephemeral` blocks.
    pub resources: Vec<Resource>,
    /// `module` blocks.
    pub calls: Vec<ModuleCall>,
    /// `provider` blocks.
    pub providers: Vec<ProviderBlock>,
    /// Configurations of providers that its callers must give.
    pub configuration_aliases: Vec<ProviderRef>,
    /// What it calls providers.
    pub local_names: LocalNames,
    /// Providers that `required_providers` asks for.
    pub required_providers: Vec<RequiredProvider>,
    /// `moved` blocks.
    pub moves: Vec<Moved>,
    /// `removed` blocks.
    pub removals: Vec<Removed>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: Vec<Check>,
    /// What blocks stand for that could not be read, which was reported.
    pub broken: Vec<Reference>,
}

impl Module {
    /// Whether what a reference is to is declared in it.
    pub fn declares(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Var(name) => self.variables.iter().any(|variable| variable.name.name == *name),
            Reference::Local(name) => self.locals.iter().any(|(local, _)| local.name == *name),
            Reference::Module(name) => self.calls.iter().any(|call| call.name.name == *name),
            Reference::Resource { mode, kind, name } => {
                self.resources.iter().any(|it| it.mode == *mode && it.kind == *kind && *it.name == **name)
            }
            _ => true,
        }
    }

    /// What is wrong with a reference to something that is not declared in it.
    pub fn lacks(&self, reference: &Reference) -> Diagnostic {
        let shown = reference.to_string();
        let (what, name, known): (_, &str, Vec<String>) = match reference {
            Reference::Var(name) => {
                ("variable", name, self.variables.iter().map(|it| it.name.name.to_string()).collect())
            }
            Reference::Local(name) => {
                ("local value", name, self.locals.iter().map(|(local, _)| local.name.to_string()).collect())
            }
            Reference::Module(name) => {
                ("module call", name, self.calls.iter().map(|call| call.name.name.to_string()).collect())
            }
            _ => {
                let resource = |it: &Resource| {
                    let (kind, name) = (it.kind.clone(), it.name.clone());
                    Reference::Resource { mode: it.mode, kind, name }.to_string()
                };
                ("resource", &shown, self.resources.iter().map(resource).collect())
            }
        };
        let named = if what == "resource" { name.to_owned() } else { format!("{name:?}") };
        let detail = format!("There is no {what} {named} in this module.");
        let error = Diagnostic::error("Reference to undeclared object", detail);
        error.suggest(name, known.iter().map(String::as_str))
    }

    /// Every expression in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let outputs = self.outputs.iter().flat_map(Output::expressions);
        let calls = self.calls.iter();
        let calls = calls.flat_map(|call| call.arguments.values().chain(call.repetition.expr()));
        let providers = self.providers.iter().flat_map(|one| one.for_each.iter().chain([&one.config]));
        let rules = self.variables.iter().map(|variable| &variable.validations);
        let rules = rules.chain(self.checks.iter().map(|check| &check.asserts));
        let locals = self.locals.iter().map(|(_, value)| value);
        let resources = self.resources.iter().flat_map(Resource::expressions);
        let rules = rules.flat_map(|rules| Rule::expressions(rules));
        locals.chain(outputs).chain(resources).chain(calls).chain(providers).chain(rules)
    }

    /// Whether it has nothing that a workspace would hold.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.calls.is_empty() && self.outputs.is_empty()
    }
}

/// What must hold: a `precondition`, `postcondition`, `validation` or `assert`
/// block.
#[derive(Clone, Debug)]
pub struct Rule {
    /// True when it holds.
    pub condition: Expr,
    /// What to say when it does not.
    pub message: Expr,
}

/// A `moved` block. Addresses are relative to the module it stands in.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Where objects were.
    pub from: Selector,
    /// Where they are now: of the same sort as `from`.
    pub to: Selector,
    /// The block's header.
    pub span: Span,
}

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removed {
    /// What the configuration does not have any more, relative to the module
    /// it stands in; without keys.
    pub from: Selector,
    /// Whether the objects are destroyed; else they are forgotten.
    pub destroy: bool,
    /// What is run before an object is destroyed.
    pub provisioners: Vec<Provisioner>,
    /// The block's header.
    pub span: Span,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub struct Import {
    /// The resource, without keys.
    pub to: ResourceAddress,
    /// The keys of its module steps and, last, its own.
    pub keys: Vec<Option<Expr>>,
    /// What the service calls the object.
    pub id: Expr,
    /// One import for each.
    pub for_each: Option<Expr>,
    /// The provider's configuration for objects that have no block yet.
    pub provider: Option<ProviderRef>,
    /// The block's header.
    pub span: Span,
}

/// A `check` block. Its data source is among the module's resources.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: Ident,
    /// `assert` blocks.
    pub asserts: Vec<Rule>,
}

/// A `variable` block.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Ident,
    /// Its type and the defaults inside it.
    pub constraint: Arc<Constraint>,
    /// Whether a type is written.
    pub is_typed: bool,
    /// Its default, converted.
    pub default: Option<Value>,
    /// Whether null is a value for it.
    pub nullable: bool,
    /// Never shown.
    pub sensitive: bool,
    /// Never stored.
    pub ephemeral: bool,
    /// Whether it is known before anything is planned, where that is said.
    pub constant: Option<bool>,
    /// `validation` blocks.
    pub validations: Vec<Rule>,
    /// Callers are told this when they set it.
    pub deprecated: Option<Arc<str>>,
    /// What it is for.
    pub description: Option<Arc<str>>,
}

/// An `output` block.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
    /// Not to be shown.
    pub sensitive: bool,
    /// Never stored.
    pub ephemeral: bool,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
    /// `precondition` blocks.
    pub preconditions: Vec<Rule>,
    /// Callers are told this when they use it.
    pub deprecated: Option<Arc<str>>,
    /// What it is for.
    pub description: Option<Arc<str>>,
}

impl Output {
    /// Every expression in the block.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let rules = Rule::expressions(&self.preconditions);
        std::iter::once(&self.value).chain(&self.depends_on).chain(rules)
    }
}

/// `count`, `for_each` or `enabled`.
#[derive(Clone, Debug)]
pub enum Repetition {
    /// One instance.
    None,
    /// So many.
    Count(Box<Expr>),
    /// One for each element.
    ForEach(Box<Expr>),
    /// One, without a key, or none: `lifecycle { enabled = … }`.
    Enabled(Box<Expr>),
}

impl Repetition {
    /// The expression that decides.
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Repetition::None => None,
            Repetition::Count(expr) | Repetition::ForEach(expr) | Repetition::Enabled(expr) => Some(expr),
        }
    }
}

/// A `resource`, `data` or `ephemeral` block.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Managed, data or ephemeral.
    pub mode: ResourceMode,
    /// The type.
    pub kind: Arc<str>,
    /// The name.
    pub name: Arc<str>,
    /// The block's header.
    pub span: Span,
    /// The provider's name.
    pub provider: Arc<str>,
    /// Which of the provider's configurations.
    pub configuration: ProviderRef,
    /// How many.
    pub repetition: Repetition,
    /// The body as one expression, which follows the type's schema.
    pub body: Expr,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
    /// `lifecycle`.
    pub lifecycle: Arc<Lifecycle>,
    /// `provisioner` blocks.
    pub provisioners: Vec<Provisioner>,
    /// `timeouts`, for the engine.
    pub timeouts: Option<Box<Expr>>,
    /// The `check` block that a data source stands in.
    pub scope: Option<Arc<str>>,
}

impl Resource {
    /// Every expression in the block.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let lifecycle = &self.lifecycle;
        std::iter::once(&self.body)
            .chain(self.repetition.expr())
            .chain(&self.depends_on)
            .chain(self.configuration.key.as_deref())
            .chain(self.timeouts.as_deref())
            .chain(self.provisioners.iter().map(|provisioner| &provisioner.config))
            .chain(&lifecycle.prevent_destroy)
            .chain(&lifecycle.replace_triggered_by)
            .chain(Rule::expressions(&lifecycle.preconditions))
            .chain(Rule::expressions(&lifecycle.postconditions))
    }
}

impl Rule {
    /// The expressions of rules.
    pub fn expressions(rules: &[Rule]) -> impl Iterator<Item = &Expr> {
        rules.iter().flat_map(|rule| [&rule.condition, &rule.message])
    }
}

/// Part of an object whose configuration is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredPart {
    /// Where it is.
    pub path: Path,
    /// Named by a key in brackets: that is an element of a map, and of what is
    /// no map it is the whole.
    pub by_key: bool,
}

/// A `lifecycle` block, but for `enabled`, which is a [`Repetition`].
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Replace by making the new one first.
    pub create_before_destroy: bool,
    /// Refuse any plan that would remove it.
    pub prevent_destroy: Option<Expr>,
    /// The object stays when the block goes.
    pub keep: bool,
    /// Attributes, and parts of them, whose configuration is not looked at
    /// after creation.
    pub ignore_changes: Vec<IgnoredPart>,
    /// All attributes.
    pub ignore_all: bool,
    /// Replaced when one of these changes.
    pub replace_triggered_by: Vec<Expr>,
    /// Must hold before anything is done.
    pub preconditions: Vec<Rule>,
    /// Must hold of the object as it is then.
    pub postconditions: Vec<Rule>,
}

/// A `module` block.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// Its name.
    pub name: Ident,
    /// The module that is called.
    pub module: Arc<Module>,
    /// Where it is from, as written.
    pub source: Arc<str>,
    /// How many.
    pub repetition: Repetition,
    /// Values of the module's variables.
    pub arguments: BTreeMap<Arc<str>, Expr>,
    /// Configurations of providers: what the module calls each, and what it is
    /// here.
    pub providers: Vec<(ProviderRef, ProviderRef)>,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
}

/// Values of variables with their places, by name.
pub type Settings = BTreeMap<Arc<str>, (Value, Span)>;
