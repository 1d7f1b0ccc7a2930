//! What a change comes to, for all types alike.
//!
//! Starts from the engine's guess and lets the type correct it. Guarantees: a
//! changed attribute that the block marks so asks for a new object, at any
//! depth; an object never moves to another region in place; the provider's
//! default tags are part of every plan.
//! Must not: call anything.

use std::sync::Arc;

use tenantctl_core::provider::{
    AttributeError, Block, Entries, Nesting, Path, PlanRequest, PlanResponse, Value,
};

use super::resource::{Likeness, Resource};
use super::tags;

/// A plan in the making.
pub(crate) struct Draft<'a> {
    block: &'a Block,
    prior: Option<&'a Value>,
    config: &'a Value,
    /// How the object will be reached.
    pub(crate) connection: &'a Value,
    planned: Entries,
    replaced: Vec<Path>,
}

/// Plans one object.
pub(crate) fn plan<S: Send + Sync>(
    resource: &dyn Resource<S>,
    block: &Block,
    request: PlanRequest<'_>,
) -> Result<PlanResponse, AttributeError> {
    let filled = fill(block, request.prior, request.proposed);
    let Some(planned) = filled.as_entries().cloned() else {
        return Ok(PlanResponse { planned: request.proposed.clone(), requires_replace: Vec::new() });
    };
    let mut draft = Draft {
        block,
        prior: request.prior,
        config: request.config,
        connection: request.connection,
        planned,
        replaced: Vec::new(),
    };
    draft.keep_same(resource);
    draft.region();
    tags::plan(&mut draft);
    resource.plan(&mut draft)?;
    let Draft { planned, mut replaced, prior, .. } = draft;
    let planned = Value::object(planned).with_marks(request.proposed.marks());
    if let Some(prior) = prior {
        forced(block, prior, &planned, &Path::root(), &mut replaced);
        replaced.sort_by_key(ToString::to_string);
        replaced.dedup();
    }
    Ok(PlanResponse { planned, requires_replace: replaced })
}

impl Draft<'_> {
    /// What the configuration says.
    pub(crate) fn config(&self, name: &str) -> Value {
        self.config.get(name).unwrap_or(Value::NULL)
    }

    /// As the object stands; null when it is to be created.
    pub(crate) fn prior(&self, name: &str) -> Value {
        self.prior.and_then(|prior| prior.get(name)).unwrap_or(Value::NULL)
    }

    /// Whether it is to be created.
    pub(crate) fn is_creation(&self) -> bool {
        self.prior.is_none()
    }

    /// As it will be.
    pub(crate) fn planned(&self, name: &str) -> Value {
        self.planned.get(name).cloned().unwrap_or(Value::NULL)
    }

    /// Whether a value is planned that is not there yet.
    pub(crate) fn changes(&self, name: &str) -> bool {
        self.prior.is_none() || self.planned(name) != self.prior(name)
    }

    /// It will be this.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if self.planned.contains_key(name) {
            self.planned.insert(name.into(), value);
        }
    }

    /// It will be this when the configuration does not say.
    pub(crate) fn default(&mut self, name: &str, value: impl Into<Value>) {
        if self.config(name).is_null() {
            self.set(name, value.into());
        }
    }

    /// The service decides anew.
    pub(crate) fn reopen(&mut self, name: &str) {
        if let Some(attribute) = self.block.attributes.get(name) {
            self.set(name, Value::unknown(attribute.ty.clone()));
        }
    }

    /// The service decides all of its results anew.
    pub(crate) fn reopen_results(&mut self) {
        for (name, attribute) in &self.block.attributes {
            if attribute.computed && !attribute.is_argument() && *name != "tags_all" {
                self.planned.insert((*name).into(), Value::unknown(attribute.ty.clone()));
            }
        }
    }

    /// A prefix is not told by what it led to: an imported object whose name
    /// begins so is as the configuration has it.
    pub(crate) fn keep_prefix(&mut self, prefix: &str, name: &str) {
        let (before, given, has) = (self.prior(prefix), self.planned(prefix), self.prior(name));
        if let (true, Some(given), Some(has)) = (before.is_null(), given.as_str(), has.as_str())
            && has.starts_with(given)
        {
            self.set(prefix, before);
        }
    }

    /// The change of this attribute needs a new object.
    pub(crate) fn replace(&mut self, name: &str) {
        self.replaced.push(Path::root().attribute(name));
    }

    /// Values that only look different stay as they are.
    fn keep_same(&mut self, resource: &dyn Likeness) {
        let Some(prior) = self.prior else { return };
        let kept = same_as_before(resource, self.block, prior, &self.planned);
        self.planned = kept;
    }

    fn region(&mut self) {
        if !self.planned.contains_key("region") || !self.config("region").is_null() {
            return;
        }
        let region = self.connection.get("region").filter(|region| region.is_known() && !region.is_null());
        if let Some(region) = region {
            self.set("region", region);
        }
    }
}

/// Computed attributes of nested blocks: the engine fills in the others.
fn fill(block: &Block, prior: Option<&Value>, proposed: &Value) -> Value {
    let Some(entries) = proposed.as_entries() else { return proposed.clone() };
    let parts = entries.iter().map(|(name, value)| {
        let before = prior.and_then(|prior| prior.get(name));
        let value = match (block.attributes.get(&**name), block.blocks.get(&**name)) {
            (Some(attribute), _) if attribute.computed && value.is_null() => match (prior, before) {
                (Some(_), Some(before)) => before,
                (Some(_), None) => value.clone(),
                (None, _) => Value::unknown(attribute.ty.clone()),
            },
            (_, Some(nested)) if value.is_known() && !value.is_null() => match nested.nesting {
                Nesting::Single => fill(&nested.block, before.as_ref(), value),
                Nesting::List => {
                    let items = value.as_items().unwrap_or_default().iter().enumerate();
                    let filled = items.map(|(i, item)| {
                        let before = before.as_ref().and_then(|before| before.at(i));
                        fill(&nested.block, before.as_ref(), item)
                    });
                    Value::list(nested.block.ty(), filled.collect()).with_marks(value.marks())
                }
            },
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::object(parts).with_marks(proposed.marks())
}

fn same_as_before(resource: &dyn Likeness, block: &Block, prior: &Value, planned: &Entries) -> Entries {
    let same = |name: &Arc<str>, value: &Value| -> Option<Value> {
        let before = prior.get(name)?;
        if before == *value || !value.is_wholly_known() || !before.is_wholly_known() {
            return None;
        }
        if resource.same(name, &before, value) {
            return Some(before.with_marks(value.deep_marks()));
        }
        let nested = block.blocks.get(&**name)?;
        if resource.defaulted_blocks().contains(&&**name) && value.as_items().is_some_and(<[_]>::is_empty) {
            return Some(before);
        }
        let items = value.as_items()?.iter().enumerate().map(|(i, item)| {
            let kept = before.at(i).filter(Value::is_known).zip(item.as_entries());
            kept.map_or_else(
                || item.clone(),
                |(before, item)| Value::object(same_as_before(resource, &nested.block, &before, item)),
            )
        });
        Some(Value::list(nested.block.ty(), items.collect()).with_marks(value.marks()))
    };
    planned
        .iter()
        .map(|(name, value)| (name.clone(), same(name, value).unwrap_or_else(|| value.clone())))
        .collect()
}

/// Changes that need a new object.
fn forced(block: &Block, prior: &Value, planned: &Value, path: &Path, replaced: &mut Vec<Path>) {
    for (name, _) in block.attributes.iter().filter(|(_, attribute)| attribute.force_new) {
        let part = |value: &Value| value.get(name).unwrap_or(Value::NULL);
        if part(prior) != part(planned) {
            replaced.push(path.attribute(*name));
        }
    }
    for (name, nested) in &block.blocks {
        let (before, after) = (prior.get(name), planned.get(name));
        let (Some(before), Some(after)) = (before, after) else { continue };
        let path = path.attribute(*name);
        match nested.nesting {
            Nesting::Single if !before.is_null() && !after.is_null() => {
                forced(&nested.block, &before, &after, &path, replaced);
            }
            Nesting::Single => {}
            Nesting::List => {
                let count = |value: &Value| value.as_items().map_or(0, <[_]>::len);
                let has_forced = nested.block.attributes.values().any(|attribute| attribute.force_new);
                if has_forced && count(&before) != count(&after) {
                    replaced.push(path.clone());
                    continue;
                }
                for (i, (before, after)) in before
                    .as_items()
                    .unwrap_or_default()
                    .iter()
                    .zip(after.as_items().unwrap_or_default())
                    .enumerate()
                {
                    forced(&nested.block, before, after, &path.index(i), replaced);
                }
            }
        }
    }
}
