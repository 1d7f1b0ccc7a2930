//! `moved`, `removed`, `import` and `check` blocks.

use std::sync::Arc;

use super::lifecycle::rules;
use super::model::{Check, Import, Moved, Removed};
use super::providers::LocalNames;
use super::reader::{Constants, check_labels, check_name, constant, is_reported, only_one};
use super::{providers, provisioners, vocabulary};
use crate::addr::{InstanceKey, ModulePath, ModuleStep, ResourceAddress, ResourceMode, Selector};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, Reference};
use crate::provider::Registry;
use crate::syntax::Block;
use crate::value::Type;

/// Reads a `moved` block.
pub(super) fn moved(block: &Block, registry: &Registry, diagnostics: &mut Diagnostics) -> Option<Moved> {
    let span = block.header();
    check_labels(block, &[], diagnostics);
    vocabulary::check("moved", &block.body, diagnostics);
    let from = selector(block, "from", diagnostics);
    let to = selector(block, "to", diagnostics);
    let (from, to) = (from?, to?);
    let problem = match (&from, &to) {
        (Selector::Module(_), Selector::Module(_)) => None,
        (Selector::Resource(from), Selector::Resource(to)) if from.mode != to.mode => {
            Some("A resource and a data source are not of one sort.")
        }
        // Only what resource blocks made is kept: there is nothing to move.
        (Selector::Resource(from), Selector::Resource(_)) if from.mode != ResourceMode::Managed => {
            return None;
        }
        (Selector::Resource(from), Selector::Resource(to))
            if from.kind != to.kind && registry.moved(&from.kind, &to.kind).is_none() =>
        {
            Some(
                "Objects of the one type cannot become objects of the other: their provider does not do that.",
            )
        }
        (Selector::Resource(_), Selector::Resource(_)) => None,
        _ => Some("Either both addresses are those of resources, or both are those of modules."),
    };
    if let Some(problem) = problem {
        diagnostics.push(Diagnostic::error("Invalid \"moved\" addresses", problem).at(span));
        return None;
    }
    Some(Moved { from, to, span })
}

/// Reads a `removed` block.
pub(super) fn removed(
    block: &mut Block,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Removed> {
    let span = block.header();
    check_labels(block, &[], diagnostics);
    vocabulary::check("removed", &block.body, diagnostics);
    only_one(&block.body, "lifecycle", diagnostics);
    let (mut destroy, mut is_said) = (None, false);
    for inner in block.body.blocks.iter().filter(|inner| &*inner.kind.name == "lifecycle") {
        vocabulary::check("removed lifecycle", &inner.body, diagnostics);
        let value = constant(&inner.body, "destroy", &Type::Bool, scope, diagnostics);
        is_said |= inner.body.attribute("destroy").is_some();
        destroy = value.and_then(|value| value.as_bool());
    }
    let provisioners = provisioners::of_removed(&mut block.body, diagnostics);
    let from = selector(block, "from", diagnostics)?;
    let keyed = from.module().steps().iter().any(|step| step.key.is_some())
        || matches!(&from, Selector::Resource(address) if address.key.is_some());
    if keyed || matches!(&from, Selector::Resource(address) if address.mode != ResourceMode::Managed) {
        let detail = format!(
            "A removed block is about a whole resource or module, without instance keys, not {from}."
        );
        diagnostics.push(Diagnostic::error("Invalid \"removed\" address", detail).at(span));
        return None;
    }
    if let (Selector::Module(_), Some(provisioner)) = (&from, provisioners.first()) {
        let detail = "Provisioners are about the objects of one resource, not about those of a module.";
        diagnostics.push(Diagnostic::error("Invalid \"removed\" block", detail).at(provisioner.span));
    }
    if !is_said {
        diagnostics.push(
            Diagnostic::warning(
                "Removed block without lifecycle",
                format!("The objects of {from} will be forgotten and stay as they are."),
            )
            .at(span)
            .hint("Say what is meant: lifecycle { destroy = false }, or true to destroy them."),
        );
    }
    Some(Removed { from, destroy: destroy.unwrap_or(false), provisioners, span })
}

/// Reads an `import` block.
pub(super) fn import(block: &Block, names: &LocalNames, diagnostics: &mut Diagnostics) -> Option<Import> {
    let span = block.header();
    check_labels(block, &[], diagnostics);
    vocabulary::check("import", &block.body, diagnostics);
    let to = required(block, "to", diagnostics);
    let id = required(block, "id", diagnostics);
    let (to, id) = (to?, id?);
    let Some((Selector::Resource(to), keys)) = steps(to).and_then(|steps| address(&steps)) else {
        diagnostics.push(not_an_address("to", to.span));
        return None;
    };
    if to.mode != ResourceMode::Managed {
        let detail = "Only resource blocks have objects that are kept: there is nothing to import.";
        diagnostics.push(Diagnostic::error("Invalid import address", detail).at(span));
        return None;
    }
    let for_each = block.body.attribute("for_each").map(|a| a.value.clone());
    let provider = block.body.attribute("provider");
    Some(Import {
        to,
        keys: keys.into_iter().map(Option::<&Expr>::cloned).collect(),
        id: id.clone(),
        for_each,
        provider: provider
            .and_then(|attribute| providers::reference(&attribute.value, diagnostics))
            .map(|named| named.settled(names)),
        span,
    })
}

/// Reads a `check` block, but for its data source.
pub(super) fn check(block: &Block, diagnostics: &mut Diagnostics) -> Option<Check> {
    vocabulary::check("check", &block.body, diagnostics);
    if !check_labels(block, &["name"], diagnostics) {
        return None;
    }
    check_name(&block.labels[0], diagnostics);
    let asserts = rules(&block.body, "assert", diagnostics);
    if !block.body.blocks.iter().any(|b| &*b.kind.name == "assert") {
        diagnostics.push(
            Diagnostic::error("Missing assert block", "A check needs at least one \"assert\" block.")
                .at(block.header()),
        );
    }
    let data: Vec<&Block> = block.body.blocks.iter().filter(|b| &*b.kind.name == "data").collect();
    if let [_, second, ..] = data.as_slice() {
        diagnostics.push(
            Diagnostic::error("Duplicate block", "There may be one \"data\" block at most in a check.")
                .at(second.header()),
        );
    }
    for data in &data {
        let arguments = ["count", "for_each"].into_iter().filter_map(|name| data.body.attribute(name));
        let arguments = arguments.map(|argument| (&argument.name.name, argument.name.span));
        let blocks = data.body.blocks.iter().filter(|inner| &*inner.kind.name == "lifecycle");
        let blocks = blocks.map(|inner| (&inner.kind.name, inner.header()));
        for (name, span) in arguments.chain(blocks) {
            let detail =
                format!("The data of a check is one object that only the check uses, without {name:?}.");
            diagnostics.push(Diagnostic::error("Invalid data block", detail).at(span));
        }
    }
    Some(Check { name: block.labels[0].clone(), asserts })
}

fn required<'b>(block: &'b Block, name: &str, diagnostics: &mut Diagnostics) -> Option<&'b Expr> {
    let found = block.body.attribute(name).map(|a| &a.value);
    if found.is_none() {
        vocabulary::missing(&block.kind.name, &block.body, name, block.header(), diagnostics);
    }
    found
}

/// An address with constant keys.
fn selector(block: &Block, name: &str, diagnostics: &mut Diagnostics) -> Option<Selector> {
    let expr = required(block, name, diagnostics)?;
    let found = steps(expr).and_then(|steps| {
        let (selector, keys) = address(&steps)?;
        with_keys(selector, &keys)
    });
    if found.is_none() && !is_reported(expr.span, diagnostics) {
        diagnostics.push(not_an_address(name, expr.span));
    }
    found
}

fn not_an_address(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("Invalid address", format!("{name:?} takes the address of a resource or module."))
        .at(span)
        .hint("An address looks like aws_s3_bucket.logs[\"eu\"] or module.db[0].")
}

/// A dotted name and the index after it.
type Step<'e> = (Arc<str>, Option<&'e Expr>);

/// The names of an address that was read as an expression.
fn steps(expr: &Expr) -> Option<Vec<Step<'_>>> {
    let plain = |names: &[&Arc<str>]| names.iter().map(|name| ((*name).clone(), None)).collect();
    Some(match &expr.kind {
        ExprKind::Reference(Reference::Module(name)) => vec![("module".into(), None), (name.clone(), None)],
        ExprKind::Reference(Reference::Resource { mode, kind, name }) => match mode {
            ResourceMode::Managed => plain(&[kind, name]),
            ResourceMode::Data => plain(&[&"data".into(), kind, name]),
            ResourceMode::Ephemeral => plain(&[&"ephemeral".into(), kind, name]),
        },
        ExprKind::Attribute(source, name) => {
            let mut steps = steps(source)?;
            steps.push((name.clone(), None));
            steps
        }
        ExprKind::Index(pair) => {
            let mut steps = steps(&pair.0)?;
            let last = steps.last_mut().filter(|(_, key)| key.is_none())?;
            last.1 = Some(&pair.1);
            steps
        }
        _ => return None,
    })
}

type Addressed<'e> = (Selector, Vec<Option<&'e Expr>>);

/// What names lead to, without keys, and the keys: one for each module step
/// and, for a resource, its own.
fn address<'e>(steps: &[Step<'e>]) -> Option<Addressed<'e>> {
    let mut rest = steps;
    let (mut path, mut keys) = (ModulePath::root(), Vec::new());
    while let [(word, None), (name, key), after @ ..] = rest
        && &**word == "module"
    {
        path = path.child(name.clone(), None);
        keys.push(*key);
        rest = after;
    }
    let mut mode = ResourceMode::Managed;
    for other in [ResourceMode::Data, ResourceMode::Ephemeral] {
        if let [(word, None), after @ ..] = rest
            && **word == *other.prefix().trim_end_matches('.')
        {
            mode = other;
            rest = after;
            break;
        }
    }
    match rest {
        [] if !path.is_root() && mode == ResourceMode::Managed => Some((Selector::Module(path), keys)),
        [(kind, None), (name, key)] => {
            keys.push(*key);
            let (kind, name) = (kind.clone(), name.clone());
            let address = ResourceAddress { module: path, mode, kind, name, key: None };
            Some((Selector::Resource(address), keys))
        }
        _ => None,
    }
}

/// The same with constant keys put in.
fn with_keys(selector: Selector, keys: &[Option<&Expr>]) -> Option<Selector> {
    let constants = keys.iter().map(|key| key.map(constant_key).map_or(Some(None), |key| key.map(Some)));
    let keys: Vec<Option<InstanceKey>> = constants.collect::<Option<_>>()?;
    let path = |path: &ModulePath| {
        ModulePath::of(
            path.steps()
                .iter()
                .zip(&keys)
                .map(|(s, key)| ModuleStep { name: s.name.clone(), key: key.clone() }),
        )
    };
    Some(match selector {
        Selector::Module(module) => Selector::Module(path(&module)),
        Selector::Resource(address) => {
            let key = keys.last().cloned().flatten();
            Selector::Resource(ResourceAddress { module: path(&address.module), key, ..address })
        }
    })
}

fn constant_key(expr: &Expr) -> Option<InstanceKey> {
    let ExprKind::Literal(value) = &expr.kind else { return None };
    instance_key(value)
}

/// The instance key that a value is.
pub(crate) fn instance_key(value: &crate::value::Value) -> Option<InstanceKey> {
    match value.as_number() {
        Some(number) => Some(InstanceKey::Index(usize::try_from(number.as_i64()?).ok()?)),
        None => Some(InstanceKey::Key(value.as_str()?.into())),
    }
}
