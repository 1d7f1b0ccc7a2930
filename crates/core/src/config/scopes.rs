//! Names that stand for something only in some places (`each`, `count`,
//! `self`), and what references to resources take of them.
//!
//! Guarantees: a name in the wrong place is a mistake wherever it stands, also
//! inside `try` and `can`, which are about values.
//! Must not: evaluate.

use rustc_hash::FxHashMap;

use super::model::{Module, Output, Repetition, Resource, Rule};
use super::reader::is_reported;
use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Chain, ChainStep, Expr, ExprKind, Reference};
use crate::provider::{Block, Registry};

/// What a place has besides what its module has.
#[derive(Clone, Copy, Default)]
struct Here {
    each: bool,
    count: bool,
    itself: bool,
}

impl Here {
    fn of(repetition: &Repetition) -> Self {
        Here {
            each: matches!(repetition, Repetition::ForEach(_)),
            count: matches!(repetition, Repetition::Count(_)),
            itself: false,
        }
    }

    fn with_self(self) -> Self {
        Here { itself: true, ..self }
    }
}

/// Reports names that stand for nothing where they are used.
pub(super) fn check(module: &Module, registry: &Registry, diagnostics: &mut Diagnostics) {
    let name = |resource: &'_ Resource| Reference::Resource {
        mode: resource.mode,
        kind: resource.kind.clone(),
        name: resource.name.clone(),
    };
    let resources = module.resources.iter().map(|resource| (name(resource), resource)).collect();
    let mut checker = Checker { resources, registry, diagnostics };
    let nothing = Here::default();
    let rules = module.variables.iter().map(|variable| &variable.validations);
    let rules = rules.chain(module.checks.iter().map(|check| &check.asserts));
    let plain = module.locals.iter().map(|(_, value)| value);
    let plain = plain.chain(module.outputs.iter().flat_map(Output::expressions));
    let plain = plain.chain(rules.flat_map(|rules| Rule::expressions(rules)));
    plain.for_each(|expr| checker.walk(expr, nothing));
    for resource in &module.resources {
        checker.resource(resource);
    }
    for call in &module.calls {
        let here = Here::of(&call.repetition);
        let keys = call.providers.iter().filter_map(|(_, outer)| outer.key.as_deref());
        call.arguments.values().chain(keys).for_each(|expr| checker.walk(expr, here));
        call.repetition.expr().into_iter().for_each(|expr| checker.walk(expr, nothing));
    }
    for provider in &module.providers {
        checker.walk(&provider.config, Here { each: provider.for_each.is_some(), ..nothing });
        provider.for_each.iter().for_each(|expr| checker.walk(expr, nothing));
    }
    for import in &module.imports {
        let here = Here { each: import.for_each.is_some(), ..nothing };
        let keys = import.keys.iter().flatten();
        keys.chain([&import.id]).for_each(|expr| checker.walk(expr, here));
        import.for_each.iter().for_each(|expr| checker.walk(expr, nothing));
    }
}

struct Checker<'a> {
    resources: FxHashMap<Reference, &'a Resource>,
    registry: &'a Registry,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_> {
    fn resource(&mut self, resource: &Resource) {
        let here = Here::of(&resource.repetition);
        let lifecycle = &resource.lifecycle;
        std::iter::once(&resource.body)
            .chain(resource.configuration.key.as_deref())
            .chain(resource.timeouts.as_deref())
            .chain(&lifecycle.replace_triggered_by)
            .chain(Rule::expressions(&lifecycle.preconditions))
            .for_each(|expr| self.walk(expr, here));
        lifecycle.prevent_destroy.iter().for_each(|expr| self.of_all(expr, here));
        let of_object = resource.provisioners.iter().map(|provisioner| &provisioner.config);
        let of_object = of_object.chain(Rule::expressions(&lifecycle.postconditions));
        of_object.for_each(|expr| self.walk(expr, here.with_self()));
        resource.repetition.expr().into_iter().for_each(|expr| self.walk(expr, Here::default()));
    }

    /// What is asked when an instance is gone too: nothing tells it from others.
    fn of_all(&mut self, expr: &Expr, here: Here) {
        self.walk(expr, here);
        expr.for_each_reference(&mut |reference, span| {
            let is_own = match reference {
                Reference::EachKey | Reference::EachValue => here.each,
                Reference::CountIndex => here.count,
                _ => false,
            };
            if is_own {
                let detail = format!(
                    "prevent_destroy is asked for instances too that the configuration has no more, and then there is no {reference}."
                );
                self.diagnostics.push(Diagnostic::error("Invalid reference", detail).at(span));
            }
        });
    }

    fn walk(&mut self, expr: &Expr, here: Here) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Variable(_) => {}
            ExprKind::Reference(reference) => self.name(reference, expr.span, here),
            ExprKind::Attribute(..) | ExprKind::Index(_) if let Some(chain) = expr.chain() => {
                self.name(chain.reference, expr.span, here);
                self.taken(&chain);
            }
            _ => expr.for_each_child(&mut |child| self.walk(child, here)),
        }
    }

    fn name(&mut self, reference: &Reference, span: Span, here: Here) {
        let (is_there, detail) = match reference {
            Reference::EachKey | Reference::EachValue => {
                (here.each, format!("{reference} can be used only in a block with \"for_each\"."))
            }
            Reference::CountIndex => {
                (here.count, format!("{reference} can be used only in a block with \"count\"."))
            }
            Reference::Itself => (
                here.itself,
                "self stands for the object in provisioners and postconditions of it.".to_owned(),
            ),
            _ => return,
        };
        if !is_there {
            self.diagnostics.push(Diagnostic::error("Invalid reference", detail).at(span));
        }
    }

    /// What is taken of a resource, against how many it is and what it has.
    fn taken(&mut self, chain: &Chain<'_>) {
        let Some(resource) = self.resources.get(chain.reference) else { return };
        let is_many = matches!(resource.repetition, Repetition::Count(_) | Repetition::ForEach(_));
        let problem = match (is_many, chain.steps.as_slice()) {
            (true, [ChainStep::Attribute(name), ..]) => {
                let (name, of) = (*name, chain.reference);
                let key = if matches!(resource.repetition, Repetition::Count(_)) { "0" } else { "\"…\"" };
                let detail = format!("{of} is many objects, and .{name} is taken of one of them.");
                let hint =
                    format!("One is {of}[{key}].{name}, all are in {of}[*].{name} or a for expression.");
                Some(Diagnostic::error("Missing resource instance key", detail).hint(hint))
            }
            (false, [ChainStep::Index(key), ..]) => {
                let (of, key) = (chain.reference, key.show());
                let detail =
                    format!("{of} is one object without a key, as it has neither count nor for_each.");
                Some(
                    Diagnostic::error("Unexpected resource instance key", detail)
                        .hint(format!("Leave out [{key}].")),
                )
            }
            (true, [_, ChainStep::Attribute(name), ..]) | (false, [ChainStep::Attribute(name), ..]) => {
                self.schema(resource).and_then(|schema| unknown(schema, name))
            }
            _ => None,
        };
        self.diagnostics.extend(problem.map(|problem| problem.at(chain.span)));
    }

    fn schema(&self, resource: &Resource) -> Option<&Block> {
        let provider = self.registry.of_type(&resource.kind)?;
        Some(&provider.schema().types(resource.mode).get(&*resource.kind)?.block)
    }
}

/// A name that objects of a type have not.
fn unknown(schema: &Block, name: &str) -> Option<Diagnostic> {
    let is_there = schema.attributes.contains_key(name) || schema.blocks.contains_key(name);
    let known = schema.attributes.keys().chain(schema.blocks.keys()).copied();
    let detail = format!("This object has no attribute {name:?}.");
    (!is_there).then(|| Diagnostic::error("Unsupported attribute", detail).suggest(name, known))
}

/// What `depends_on` may hold: whole objects, not what they have.
pub(super) fn dependencies(all: &[Expr], diagnostics: &mut Diagnostics) {
    for expr in all {
        let Some(chain) = expr.chain() else {
            if is_reported(expr.span, diagnostics) {
                continue;
            }
            let detail = "Here stand references to objects, not what is made of them.";
            let problem = Diagnostic::error("Invalid depends_on reference", detail).at(expr.span);
            diagnostics.push(
                problem.hint("Write what is to be there before, such as aws_s3_bucket.logs or module.db."),
            );
            continue;
        };
        let problem = match (chain.reference, chain.steps.as_slice()) {
            (Reference::Resource { .. }, [] | [ChainStep::Index(_)]) => continue,
            (Reference::Resource { .. }, _) => Diagnostic::error(
                "Invalid depends_on reference",
                "Here stand whole objects, not what they have.",
            )
            .hint(format!("Write {}.", chain.reference)),
            (Reference::EachKey | Reference::EachValue | Reference::CountIndex | Reference::Itself, _) => {
                let detail =
                    format!("{} stands for nothing here: all instances depend on the same.", chain.reference);
                Diagnostic::error("Invalid depends_on reference", detail)
            }
            _ => continue,
        };
        diagnostics.push(problem.at(expr.span));
    }
}

/// Whether an expression is a resource itself.
pub(super) fn is_resource(expr: &Expr, wanted: (ResourceMode, &str, &str)) -> bool {
    matches!(&expr.kind, ExprKind::Reference(Reference::Resource { mode, kind, name })
        if (*mode, &**kind, &**name) == wanted)
}
