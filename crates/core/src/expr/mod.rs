//! Expressions: the tree, the one evaluator, functions.
//!
//! Must not: know which blocks there are; it sees names through a scope.

mod ast;

pub use ast::{
    BinaryOperator, Call, Constraint, Defaults, Expr, ExprKind, ForExpr, Reference, SPLAT, UnaryOperator,
};
