//! What a module takes and what it gives: variables and outputs.

use std::sync::Arc;

use super::super::dropped;
use super::super::lifecycle::rules;
use super::super::model::{Output, Rule, Variable};
use super::super::reader::{Constants, check_labels, check_name, constant, dependencies, plain_expr};
use super::super::types::type_constraint;
use super::super::vocabulary;
use super::Decoder;
use crate::diag::Diagnostic;
use crate::expr::{Constraint, Expr, Reference, fill_defaults};
use crate::syntax::{Block, Body};
use crate::value::{Type, Value};

impl Decoder<'_> {
    pub(super) fn variable(&mut self, block: &Block, scope: &Constants<'_>) -> Option<Variable> {
        vocabulary::check("variable", &block.body, &mut self.diagnostics);
        if !check_labels(block, &["name"], &mut self.diagnostics) {
            return None;
        }
        let constraint = match block.body.attribute("type") {
            Some(attribute) => type_constraint(&attribute.value, scope, &mut self.diagnostics),
            None => Constraint::default(),
        };
        let default = self.default(block, &constraint, scope);
        let mut flag = |name| {
            constant(&block.body, name, &Type::Bool, scope, &mut self.diagnostics).and_then(|v| v.as_bool())
        };
        let (nullable, constant) = (flag("nullable").unwrap_or(true), flag("const"));
        let (sensitive, ephemeral) = (flag("sensitive") == Some(true), flag("ephemeral") == Some(true));
        if let (Some(value), Some(attribute)) = (&default, block.body.attribute("default"))
            && value.is_null()
            && !nullable
        {
            let detail = "The default is null, which is no value of this variable: nullable = false.";
            self.diagnostics.push(Diagnostic::error("Invalid default", detail).at(attribute.value.span));
        }
        check_name(&block.labels[0], &mut self.diagnostics);
        if let Some(default) = block.body.attribute("default").filter(|_| sensitive || ephemeral) {
            self.sources.hide(default.value.span);
        }
        Some(Variable {
            name: block.labels[0].clone(),
            constraint: Arc::new(constraint),
            is_typed: block.body.attribute("type").is_some(),
            default,
            nullable,
            sensitive,
            ephemeral,
            constant,
            validations: self.validations(block),
            deprecated: self.deprecation(&block.body, scope),
            description: self.words(&block.body, "description", scope),
        })
    }

    /// The default of a variable.
    fn default(&mut self, block: &Block, constraint: &Constraint, scope: &Constants<'_>) -> Option<Value> {
        let attribute = block.body.attribute("default")?;
        let value = plain_expr(&attribute.value, &Type::Dynamic, "A default", scope, &mut self.diagnostics)?;
        match fill_defaults(&value, &constraint.defaults).convert(&constraint.ty) {
            Ok(value) => {
                let name = &block.labels[0].name;
                dropped::attributes(name, &attribute.value, &constraint.ty, &mut self.diagnostics);
                Some(value)
            }
            Err(error) => {
                let place = match error.path.steps() {
                    [] => String::new(),
                    _ => format!(", at {}", error.path),
                };
                let detail = format!("The default does not suit the variable's type{place}: {error}.");
                self.diagnostics.push(Diagnostic::error("Wrong type", detail).at(attribute.value.span));
                None
            }
        }
    }

    /// The validations of a variable that look at it.
    fn validations(&mut self, block: &Block) -> Vec<Rule> {
        let mut validations = rules(&block.body, "validation", &mut self.diagnostics);
        let name = &block.labels[0].name;
        validations.retain(|rule| {
            let (mut refers, mut to_itself) = (false, false);
            rule.condition.for_each_reference(&mut |reference, _| {
                refers = true;
                to_itself |= matches!(reference, Reference::Var(named) if named == name);
            });
            if refers && !to_itself {
                let detail = format!("A validation of {name:?} must look at var.{name}, which it is about.");
                self.diagnostics.push(Diagnostic::error("Invalid condition", detail).at(rule.condition.span));
            }
            to_itself || !refers
        });
        validations
    }

    pub(super) fn output(&mut self, block: &Block, scope: &Constants<'_>) -> Option<Output> {
        vocabulary::check("output", &block.body, &mut self.diagnostics);
        if !check_labels(block, &["name"], &mut self.diagnostics) {
            return None;
        }
        let value = match block.body.attribute("value") {
            Some(value) => value.value.clone(),
            None => {
                vocabulary::missing("output", &block.body, "value", block.header(), &mut self.diagnostics);
                Expr::literal(Value::unknown(Type::Dynamic), block.header())
            }
        };
        check_name(&block.labels[0], &mut self.diagnostics);
        let mut flag = |name| {
            let value = constant(&block.body, name, &Type::Bool, scope, &mut self.diagnostics);
            value.and_then(|value| value.as_bool()).unwrap_or(false)
        };
        let (sensitive, ephemeral) = (flag("sensitive"), flag("ephemeral"));
        Some(Output {
            name: block.labels[0].clone(),
            value,
            sensitive,
            ephemeral,
            depends_on: dependencies(&block.body, &mut self.diagnostics),
            preconditions: rules(&block.body, "precondition", &mut self.diagnostics),
            deprecated: self.deprecation(&block.body, scope),
            description: self.words(&block.body, "description", scope),
        })
    }

    /// What to do instead of using something.
    fn deprecation(&mut self, body: &Body, scope: &Constants<'_>) -> Option<Arc<str>> {
        let words = self.words(body, "deprecated", scope)?;
        if words.trim().is_empty()
            && let Some(attribute) = body.attribute("deprecated")
        {
            let detail = "The argument \"deprecated\" says what to do instead, so it is not empty.";
            self.diagnostics.push(Diagnostic::error("Invalid argument", detail).at(attribute.value.span));
        }
        Some(words)
    }

    /// An argument that is a text for readers.
    fn words(&mut self, body: &Body, name: &str, scope: &Constants<'_>) -> Option<Arc<str>> {
        let words = constant(body, name, &Type::String, scope, &mut self.diagnostics)?;
        Some(words.as_str()?.into())
    }
}
