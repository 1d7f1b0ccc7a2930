//! The expression tree: what text was lowered to, what the evaluator runs, and
//! what a plan keeps of expressions that only the apply can finish.
//!
//! Guarantees: every node has its place; names are resolved as far as syntax
//! allows (a `for` variable is a [`ExprKind::Variable`], everything else a
//! [`Reference`]); plain data, so that a plan file can hold it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::addr::ResourceMode;
use crate::diag::Span;
use crate::value::{Type, Value};

/// An expression and its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    #[serde(rename = "k")]
    pub kind: ExprKind,
    /// Where it stands.
    #[serde(rename = "s")]
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// Text with interpolations.
    Template(Vec<Expr>),
    /// `%{ if }` inside a template: condition, then, else.
    TemplateIf(Box<(Expr, Expr, Expr)>),
    /// `%{ for }` inside a template; its body yields text.
    TemplateFor(Box<ForExpr>),
    /// `[a, b]`.
    Tuple(Vec<Expr>),
    /// `{ a = b }`.
    Object(Vec<(Expr, Expr)>),
    /// `var.a`, `aws_x.y`: something named outside the expression.
    Reference(Reference),
    /// A variable bound by an enclosing `for` or `dynamic`.
    Variable(Arc<str>),
    /// `source.name`.
    Attribute(Box<Expr>, Arc<str>),
    /// `source[key]`.
    Index(Box<(Expr, Expr)>),
    /// `(source)`, of which something is taken: a reference inside ends there.
    Group(Box<Expr>),
    /// `source[*].rest` or `source.*.rest`: source, then what is taken of each
    /// element, as an expression over the variable [`SPLAT`].
    Splat(Box<(Expr, Expr)>),
    /// `name(args)`.
    Call(Box<Call>),
    /// `!a`, `-a`.
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`.
    Binary(BinaryOperator, Box<(Expr, Expr)>),
    /// `a ? b : c`.
    Conditional(Box<(Expr, Expr, Expr)>),
    /// `[for …]`, `{for …}`.
    For(Box<ForExpr>),
    /// The blocks of one type in a body: each part gives a tuple of objects,
    /// which are joined.
    Blocks(Vec<Expr>),
    /// A value brought to a variable's type, its defaults filled in.
    Convert(Box<Expr>, Arc<Constraint>),
}

/// The name under which a splat's element stands in its second part.
pub const SPLAT: &str = "*";

/// A function call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The function.
    pub name: Arc<str>,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// The last argument is a sequence to be spread: `f(list...)`.
    pub expand: bool,
}

/// A `for` expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForExpr {
    /// The name of the key or index.
    pub key_name: Option<Arc<str>>,
    /// The name of the element.
    pub value_name: Arc<str>,
    /// What is gone through.
    pub collection: Expr,
    /// `{for … : key => value}`: the key.
    pub key: Option<Expr>,
    /// The result of each element.
    pub value: Expr,
    /// `if`.
    pub condition: Option<Expr>,
    /// `…`: values of one key are grouped.
    pub group: bool,
}

/// `!` and `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl BinaryOperator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessOrEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterOrEqual => ">=",
            BinaryOperator::And => "&&",
            BinaryOperator::Or => "||",
        }
    }
}

/// Something named outside the expression. What follows the name (attributes,
/// indexes) stands around the reference as expressions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// `var.name`
    Var(Arc<str>),
    /// `local.name`
    Local(Arc<str>),
    /// `kind.name`, `data.kind.name` or `ephemeral.kind.name`: all instances.
    Resource {
        /// Managed, data or ephemeral.
        mode: ResourceMode,
        /// The type.
        kind: Arc<str>,
        /// The name.
        name: Arc<str>,
    },
    /// `module.name`: all instances of the call.
    Module(Arc<str>),
    /// `each.key`
    EachKey,
    /// `each.value`
    EachValue,
    /// `count.index`
    CountIndex,
    /// `path.module`, `path.root`, `path.cwd`
    Path(Arc<str>),
    /// `terraform.workspace`, `terraform.applying`
    Terraform(Arc<str>),
    /// The same by the other name: `tofu.workspace`, `tofu.applying`
    Tofu(Arc<str>),
    /// `self`
    Itself,
    /// What the platform passes on to tenants under this name.
    Shared(Arc<str>),
    /// An entry of the plan's table of values that the apply brings.
    Slot(u32),
}

impl Reference {
    /// Whether it is `terraform.applying`, by either name: an ephemeral value, false while
    /// planning and true while applying.
    pub fn is_applying(&self) -> bool {
        matches!(self, Reference::Terraform(name) | Reference::Tofu(name) if &**name == "applying")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Var(name) => write!(f, "var.{name}"),
            Reference::Local(name) => write!(f, "local.{name}"),
            Reference::Resource { mode, kind, name } => write!(f, "{}{kind}.{name}", mode.prefix()),
            Reference::Module(name) => write!(f, "module.{name}"),
            Reference::EachKey => f.write_str("each.key"),
            Reference::EachValue => f.write_str("each.value"),
            Reference::CountIndex => f.write_str("count.index"),
            Reference::Path(name) => write!(f, "path.{name}"),
            Reference::Terraform(name) => write!(f, "terraform.{name}"),
            Reference::Tofu(name) => write!(f, "tofu.{name}"),
            Reference::Itself => f.write_str("self"),
            Reference::Shared(name) => write!(f, "{name} of the platform"),
            Reference::Slot(slot) => write!(f, "value {slot} of the plan"),
        }
    }
}

/// A variable's type with the defaults of its optional attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// The type.
    pub ty: Type,
    /// Defaults, in the shape of the type.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
}

/// Defaults of optional attributes at each level of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// Of this object's own attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(Arc<str>, Value)>,
    /// Of its children: attribute names, or `"*"` for a collection's element
    /// and decimal positions for a tuple's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<(Arc<str>, Defaults)>,
}

impl Defaults {
    /// Whether there is none at any level.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.children.is_empty()
    }
}

impl Expr {
    /// A constant at a place.
    pub fn literal(value: Value, span: Span) -> Self {
        Expr { kind: ExprKind::Literal(value), span }
    }

    /// Calls `f` with each direct child.
    pub fn for_each_child<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Variable(_) => {}
            ExprKind::Template(parts) | ExprKind::Tuple(parts) | ExprKind::Blocks(parts) => {
                parts.iter().for_each(f);
            }
            ExprKind::Object(items) => items.iter().for_each(|(k, v)| {
                f(k);
                f(v);
            }),
            ExprKind::Attribute(e, _)
            | ExprKind::Unary(_, e)
            | ExprKind::Group(e)
            | ExprKind::Convert(e, _) => f(e),
            ExprKind::Index(pair) | ExprKind::Splat(pair) | ExprKind::Binary(_, pair) => {
                f(&pair.0);
                f(&pair.1);
            }
            ExprKind::TemplateIf(three) | ExprKind::Conditional(three) => {
                f(&three.0);
                f(&three.1);
                f(&three.2);
            }
            ExprKind::Call(call) => call.args.iter().for_each(f),
            ExprKind::For(e) | ExprKind::TemplateFor(e) => {
                f(&e.collection);
                e.key.iter().chain([&e.value]).chain(&e.condition).for_each(f);
            }
        }
    }

    /// Calls `f` with each direct child, to be changed.
    pub fn for_each_child_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Variable(_) => {}
            ExprKind::Template(parts) | ExprKind::Tuple(parts) | ExprKind::Blocks(parts) => {
                parts.iter_mut().for_each(f);
            }
            ExprKind::Object(items) => items.iter_mut().for_each(|(k, v)| {
                f(k);
                f(v);
            }),
            ExprKind::Attribute(e, _)
            | ExprKind::Unary(_, e)
            | ExprKind::Group(e)
            | ExprKind::Convert(e, _) => f(e),
            ExprKind::Index(pair) | ExprKind::Splat(pair) | ExprKind::Binary(_, pair) => {
                f(&mut pair.0);
                f(&mut pair.1);
            }
            ExprKind::TemplateIf(three) | ExprKind::Conditional(three) => {
                f(&mut three.0);
                f(&mut three.1);
                f(&mut three.2);
            }
            ExprKind::Call(call) => call.args.iter_mut().for_each(f),
            ExprKind::For(e) | ExprKind::TemplateFor(e) => {
                f(&mut e.collection);
                if let Some(key) = &mut e.key {
                    f(key);
                }
                f(&mut e.value);
                if let Some(condition) = &mut e.condition {
                    f(condition);
                }
            }
        }
    }

    /// Calls `f` with every reference in it and its place.
    pub fn for_each_reference<'a>(&'a self, f: &mut dyn FnMut(&'a Reference, Span)) {
        if let ExprKind::Reference(reference) = &self.kind {
            f(reference, self.span);
        }
        self.for_each_child(&mut |child| child.for_each_reference(f));
    }
}
