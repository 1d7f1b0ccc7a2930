//! Provisioners of objects that are made or removed, as the apply runs them.

use serde::{Deserialize, Serialize};

use super::change::Action;
use super::evaluate::{Evaluated, Evaluation, Repeated};
use super::model::{Shape, Slot};
use super::planner::{Place, Planner};
use super::resolve::close;
use crate::addr::{InstanceKey, ResourceAddress};
use crate::config::{Provisioner, Removed};
use crate::diag::{Diagnostic, Span};
use crate::expr::{DiskFiles, EvalResult, Expr, FunctionContext, Reference, Scope, evaluate};
use crate::fmt::LANGUAGE;
use crate::state::{RecordKey, ResourceRecord};
use crate::value::Value;

/// A command that is run when an object is made, or before it is removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedCommand {
    /// Run before the object is removed; else after it is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_destroy: bool,
    /// Its failure is not the object's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_fail: bool,
    /// The arguments of `local-exec`, closed.
    pub config: Expr,
    /// Where the block stands, for messages.
    pub span: Span,
}

impl Planner<'_> {
    /// Notes what is run for the object that was planned last.
    pub(super) fn provisioners(&mut self, place: Place<'_>, repeated: &Repeated) {
        let Some(change) = self.changes.last() else { return };
        if place.block.provisioners.is_empty() {
            return;
        }
        let is_made = change.action == Action::Create || change.action.is_replace();
        let record = self.input.state.resources.get(&change.key);
        // One that was never whole may not have what the command counts on.
        let is_removed =
            change.action == Action::DeleteThenCreate && record.is_none_or(|record| !record.tainted);
        if !is_made {
            return;
        }
        let (before, after) = (change.before.clone(), change.after.clone());
        let index = u32::try_from(self.changes.len() - 1).ok();
        let slot =
            self.evaluation.slot(Slot::Resource { shape: Shape::Single, instances: vec![(None, index)] });
        let made = Evaluated { value: after, slot: Some(slot) };
        let removed = Evaluated::known(before);
        let mut commands = Vec::new();
        for provisioner in &place.block.provisioners {
            let itself = match provisioner.at_destroy {
                true if !is_removed => continue,
                true => &removed,
                false => &made,
            };
            let mut at = self.evaluation.at(place.module, place.instance, repeated);
            at.itself = Some(itself);
            match evaluate(&provisioner.config, &at) {
                Ok(_) => commands.push(planned(provisioner, close(&provisioner.config, &at))),
                Err(error) => self.evaluation.diagnostics.push(*error),
            }
        }
        if let Some(change) = self.changes.last_mut() {
            change.provisioners = commands;
        }
    }

    /// What is run before an object is removed that the configuration does not
    /// have any more.
    pub(super) fn parting(
        &mut self,
        key: &RecordKey,
        record: &ResourceRecord,
        removed: Option<&Removed>,
    ) -> Vec<PlannedCommand> {
        if record.tainted || key.deposed.is_some() {
            return Vec::new();
        }
        let graph = self.input.graph;
        let module = graph.module(&key.address.module).unwrap_or_default();
        let all = match (graph.resource(&key.address), removed) {
            (Some(block), _) => &block.provisioners,
            (None, Some(removed)) => &removed.provisioners,
            (None, None) => return Vec::new(),
        };
        let mut commands = Vec::new();
        for provisioner in all.iter().filter(|one| one.at_destroy) {
            let parting = Parting {
                evaluation: &self.evaluation,
                module,
                address: &key.address,
                itself: &record.attributes,
            };
            match evaluate(&provisioner.config, &parting) {
                Ok(value) => commands.push(planned(provisioner, Expr::literal(value, provisioner.span))),
                Err(error) => self.evaluation.diagnostics.push(*error),
            }
        }
        commands
    }
}

fn planned(provisioner: &Provisioner, config: Expr) -> PlannedCommand {
    let Provisioner { at_destroy, may_fail, span, .. } = *provisioner;
    PlannedCommand { at_destroy, may_fail, config, span }
}

/// What names stand for when an object is removed: its block's instance may be
/// gone, and its module's too.
struct Parting<'p, 'a> {
    evaluation: &'p Evaluation<'a>,
    module: usize,
    address: &'p ResourceAddress,
    itself: &'p Value,
}

impl Scope for Parting<'_, '_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let evaluation = self.evaluation;
        let found = match (reference, &self.address.key) {
            (Reference::Itself, _) => Some(self.itself.clone()),
            (Reference::EachKey, Some(InstanceKey::Key(key))) => Some(key.clone().into()),
            (Reference::CountIndex, Some(InstanceKey::Index(index))) => Some((*index).into()),
            (Reference::Path(which), _) => Some(self.functions().path(which, span)?),
            // It is run by an apply.
            (reference, _) if reference.is_applying() => Some(true.into()),
            (Reference::Terraform(_) | Reference::Tofu(_), _) => {
                Some(evaluation.instance.workspace.as_str().into())
            }
            _ => None,
        };
        found.ok_or_else(|| {
            let detail = format!("{reference} stands for nothing when {} is removed.", self.address);
            Box::new(Diagnostic::error("Invalid reference", detail).at(span))
        })
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext {
            module_dir: &self.evaluation.graph.modules[self.module].module.dir,
            root_dir: &self.evaluation.instance.root,
            timestamp: self.evaluation.timestamp,
            now: self.evaluation.now,
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}
