//! `provisioner "local-exec"` blocks: commands that are run on this machine
//! when an object is made, or before it is removed.
//!
//! Other provisioners, and the `connection` blocks that they need, are refused.

use std::sync::LazyLock;

use super::body::{Meta, compile};
use super::reader::check_labels;
use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, Reference};
use crate::provider::{Attribute, Block as Schema};
use crate::syntax::{Block, Body};
use crate::value::Type;

/// The one provisioner that there is.
const LOCAL_EXEC: &str = "local-exec";

/// A `provisioner "local-exec"` block.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// Run before the object is removed; else after it is made.
    pub at_destroy: bool,
    /// Its failure is not the object's: `on_failure = continue`.
    pub may_fail: bool,
    /// Its arguments as one expression.
    pub config: Expr,
    /// The block's header.
    pub span: Span,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(
        [
            ("command", Attribute::required(Type::String)),
            ("working_dir", Attribute::optional(Type::String)),
            ("interpreter", Attribute::optional(Type::list(Type::String))),
            ("environment", Attribute::optional(Type::map(Type::String))),
            ("quiet", Attribute::optional(Type::Bool)),
        ],
        [],
    )
});

const META: Meta = Meta { attributes: &["when", "on_failure"], blocks: &["connection"] };

/// The provisioners of a resource.
pub(super) fn of_resource(
    body: &mut Body,
    mode: ResourceMode,
    diagnostics: &mut Diagnostics,
) -> Vec<Provisioner> {
    if mode != ResourceMode::Managed {
        return Vec::new();
    }
    refuse_connections(body, diagnostics);
    let blocks = body.blocks.iter_mut().filter(|block| &*block.kind.name == "provisioner");
    blocks.filter_map(|block| provisioner(block, diagnostics)).collect()
}

/// The provisioners of a `removed` block.
pub(super) fn of_removed(body: &mut Body, diagnostics: &mut Diagnostics) -> Vec<Provisioner> {
    let all = of_resource(body, ResourceMode::Managed, diagnostics);
    for one in all.iter().filter(|one| !one.at_destroy) {
        let detail = "Objects are only removed here, so a provisioner needs: when = destroy.";
        diagnostics.push(Diagnostic::error("Invalid provisioner block", detail).at(one.span));
    }
    all
}

fn refuse_connections(body: &Body, diagnostics: &mut Diagnostics) {
    for block in body.blocks.iter().filter(|block| &*block.kind.name == "connection") {
        let detail = "tenantctl runs commands on this machine only, so that there is nothing to connect to.";
        diagnostics.push(
            Diagnostic::error("Connections not supported", detail)
                .at(block.header())
                .hint("Remove the block; a local-exec provisioner can call ssh itself."),
        );
    }
}

fn provisioner(block: &mut Block, diagnostics: &mut Diagnostics) -> Option<Provisioner> {
    if !check_labels(block, &["type"], diagnostics) {
        return None;
    }
    let span = block.header();
    let kind = &block.labels[0];
    if &*kind.name != LOCAL_EXEC {
        let detail = format!("tenantctl has no provisioner {:?}: the only one is {LOCAL_EXEC:?}.", kind.name);
        diagnostics.push(Diagnostic::error("Provisioner not supported", detail).at(kind.span).hint(
            "A command on this machine, such as scp or ssh, does the same: provisioner \"local-exec\".",
        ));
        return None;
    }
    refuse_connections(&block.body, diagnostics);
    let at_destroy = word(&block.body, "when", ["create", "destroy"], diagnostics);
    let may_fail = word(&block.body, "on_failure", ["fail", "continue"], diagnostics);
    let command = block.body.attribute("command").map(|command| &command.value);
    if let Some(Expr { kind: ExprKind::Literal(text), span }) = command
        && text.as_str() == Some("")
    {
        let detail = "The command of a local-exec provisioner must be text that is not empty.";
        diagnostics.push(Diagnostic::error("Invalid command", detail).at(*span));
    }
    let config = compile(&mut block.body, &SCHEMA, &META, span, diagnostics);
    if at_destroy {
        check_references(&config, diagnostics);
    }
    Some(Provisioner { at_destroy, may_fail, config, span })
}

/// Whether an argument is the second of two words; the first is the default.
fn word(body: &Body, name: &str, words: [&str; 2], diagnostics: &mut Diagnostics) -> bool {
    let Some(attribute) = body.attribute(name) else { return false };
    let said = match &attribute.value.kind {
        ExprKind::Variable(word) => Some(&**word),
        // In quotes, as in JSON and in older configurations.
        ExprKind::Literal(value) => value.as_str(),
        _ => None,
    };
    match words.iter().position(|word| said == Some(word)) {
        Some(at) => at == 1,
        None => {
            let detail = format!("{name:?} is either {} or {}.", words[0], words[1]);
            diagnostics.push(Diagnostic::error("Invalid keyword", detail).at(attribute.value.span));
            false
        }
    }
}

/// When an object is removed, what else was in the configuration may be gone.
fn check_references(config: &Expr, diagnostics: &mut Diagnostics) {
    config.for_each_reference(&mut |reference, span| {
        let is_there = matches!(
            reference,
            Reference::Itself
                | Reference::EachKey
                | Reference::CountIndex
                | Reference::Path(_)
                | Reference::Terraform(_)
                | Reference::Tofu(_)
        );
        if !is_there {
            let detail = format!(
                "A provisioner that runs when the object is removed cannot refer to {reference}, which may be gone by then."
            );
            diagnostics.push(
                Diagnostic::error("Invalid reference from destroy provisioner", detail)
                    .at(span)
                    .hint("It can refer to self, each.key, count.index and path; keep what it needs in the object."),
            );
        }
    });
}
