//! Expressions: the tree, the one evaluator, functions.
//!
//! Must not: know which blocks there are; it sees names through a [`Scope`].

mod access;
mod ast;
mod chains;
mod eval;
mod files;
pub mod functions;
mod glob;
mod loops;
mod operators;
mod template;

pub(crate) use access::fill_defaults;
pub use ast::{
    BinaryOperator, Call, Constraint, Defaults, Expr, ExprKind, ForExpr, Reference, SPLAT, UnaryOperator,
};
pub use chains::{Chain, ChainStep};
pub use eval::{EvalError, EvalResult, Scope, evaluate};
pub use files::{DiskFiles, open_regular};
pub use functions::FunctionContext;
pub(crate) use functions::duration;
