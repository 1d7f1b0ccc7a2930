//! `moved` blocks: recorded objects to the addresses that they have now.
//!
//! Statements are followed in the order of their chains, one of a single instance
//! before one of all, else as they are written. An object never moves to an
//! address that is taken: it stays where it was, with a warning.
//!
//! Guarantees: pure; one look at each statement and each object that it moves.

mod implied;
mod order;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::implied::Implied;
use self::order::sort;
use super::targets::without_keys;
use crate::addr::{InstanceKey, ModulePath, ModuleStep, ResourceAddress, ResourceMode, Selector};
use crate::config::{Moved, Repetition};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::graph::Graph;
use crate::provider::Registry;
use crate::state::{RecordChange, RecordKey, ResourceRecord, WorkspaceState};
use crate::value::Value;

/// What was moved.
#[derive(Debug, Default)]
pub struct Moves {
    /// New address to the recorded one.
    pub previous: BTreeMap<ResourceAddress, ResourceAddress>,
    /// Records that follow.
    pub changes: Vec<RecordChange>,
    /// What could not be moved.
    pub warnings: Diagnostics,
}

/// Names of modules, then a resource's mode, type and name: addresses by block.
pub(super) type Block = (Vec<Arc<str>>, Option<(ResourceMode, Arc<str>, Arc<str>)>);

pub(super) fn block_of(address: &ResourceAddress) -> Block {
    let resource = (address.mode, address.kind.clone(), address.name.clone());
    (without_keys(&address.module), Some(resource))
}

/// A `moved` block in the module that it stands in.
struct Statement<'g> {
    /// Names of the calls that lead to the module.
    module: Vec<Arc<str>>,
    moved: &'g Moved,
}

impl Statement<'_> {
    fn block(&self, end: &Selector) -> Block {
        let (path, resource) = match end {
            Selector::Module(path) => (path, None),
            Selector::Resource(a) => (&a.module, Some((a.mode, a.kind.clone(), a.name.clone()))),
        };
        (self.module.iter().cloned().chain(without_keys(path)).collect(), resource)
    }

    /// The address that an object moves to, if the statement is about it.
    fn target(&self, address: &ResourceAddress) -> Option<ResourceAddress> {
        let (outer, inner) = address.module.steps().split_at_checked(self.module.len())?;
        if !outer.iter().map(|step| &step.name).eq(&self.module) {
            return None;
        }
        let join = |steps: &[ModuleStep]| ModulePath::of(outer.iter().chain(steps).cloned());
        match (&self.moved.from, &self.moved.to) {
            (Selector::Resource(from), Selector::Resource(to)) => {
                let same = from.module.steps() == inner
                    && (from.mode, &from.kind, &from.name) == (address.mode, &address.kind, &address.name);
                let whole = from.key.is_none() && to.key.is_none();
                let key = if whole { address.key.clone() } else { to.key.clone() };
                (same && (whole || from.key == address.key)).then(|| ResourceAddress {
                    module: join(to.module.steps()),
                    mode: to.mode,
                    kind: to.kind.clone(),
                    name: to.name.clone(),
                    key,
                })
            }
            (Selector::Module(from), Selector::Module(to)) => {
                let (from, to) = (from.steps(), to.steps());
                let (last, before) = from.split_last()?;
                let (head, rest) = inner.split_at_checked(from.len())?;
                let (own, above) = head.split_last()?;
                let mut to = to.to_vec();
                let whole = last.key.is_none() && to.last()?.key.is_none();
                if above != before || own.name != last.name || !(whole || own.key == last.key) {
                    return None;
                }
                if whole {
                    to.last_mut()?.key.clone_from(&own.key);
                }
                to.extend_from_slice(rest);
                Some(ResourceAddress { module: join(&to), ..address.clone() })
            }
            _ => None,
        }
    }

    /// Whether what this statement gives is what another one takes.
    fn feeds(&self, other: &Statement<'_>) -> bool {
        let (given, taken) = (&self.moved.to, &other.moved.from);
        let whole =
            |end: &Selector, opposite: &Selector| last_key(end).is_none() && last_key(opposite).is_none();
        match (given, taken) {
            (Selector::Resource(to), Selector::Resource(from)) if self.block(given) == other.block(taken) => {
                to.key == from.key || whole(given, &self.moved.from) || whole(taken, &other.moved.to)
            }
            (Selector::Module(_), Selector::Module(_)) if self.block(given) == other.block(taken) => {
                last_key(given) == last_key(taken)
                    || whole(given, &self.moved.from)
                    || whole(taken, &other.moved.to)
            }
            // What is moved inside of a module goes after the module's own change
            // of keys, of which it sees both ends.
            _ => self.module.len() <= other.module.len() || !other.is_change_of_keys(),
        }
    }

    /// Whether it is about all instances, not only about one.
    fn is_whole(&self) -> bool {
        last_key(&self.moved.from).is_none() && last_key(&self.moved.to).is_none()
    }

    /// Whether a module gets other keys and keeps its name.
    fn is_change_of_keys(&self) -> bool {
        match (&self.moved.from, &self.moved.to) {
            (Selector::Module(from), Selector::Module(to)) => without_keys(from) == without_keys(to),
            _ => false,
        }
    }
}

fn last_key(end: &Selector) -> Option<&InstanceKey> {
    match end {
        Selector::Module(path) => path.steps().last()?.key.as_ref(),
        Selector::Resource(address) => address.key.as_ref(),
    }
}

/// Moves the objects of a state as the configuration says.
///
/// # Errors
/// Statements that contradict one another or the configuration.
pub fn moves(graph: &Graph, registry: &Registry, state: &mut WorkspaceState) -> Result<Moves, Diagnostics> {
    let statements = statements(graph);
    check(graph, &statements)?;
    let order = sort(&statements)?;
    // Mostly nothing moves, and a fleet has many workspaces.
    let implied = Implied::of(graph);
    if statements.is_empty() && !implied.is_any(state) {
        return Ok(Moves::default());
    }
    let mut places = Places::of(state);
    let mut moves = Moves::default();
    for &at in &order {
        let statement = &statements[at];
        for address in places.taken_by(statement) {
            let Some(to) = statement.target(&address) else { continue };
            if to != address && !places.take(&address, &to) {
                let detail = format!(
                    "{address} cannot become {to}, since there is an object with that address already. \
                     It stays what it is, and is planned to be destroyed unless it has a block."
                );
                moves.warnings.push(Diagnostic::warning("Object not moved", detail).at(statement.moved.span));
            }
        }
    }
    if !state.resources.is_empty() {
        implied.follow(&statements, &mut places)?;
    }
    record(state, registry, places, &mut moves);
    Ok(moves)
}

fn statements(graph: &Graph) -> Vec<Statement<'_>> {
    let mut names: Vec<Vec<Arc<str>>> = Vec::with_capacity(graph.modules.len());
    let mut statements = Vec::new();
    for node in &graph.modules {
        let own = node.parent.map_or_else(Vec::new, |(parent, call)| {
            let name = graph.modules[parent].module.calls[call].name.name.clone();
            names[parent].iter().cloned().chain([name]).collect()
        });
        statements.extend(node.module.moves.iter().map(|moved| Statement { module: own.clone(), moved }));
        names.push(own);
    }
    statements
}

/// Mistakes that need no state.
fn check(graph: &Graph, statements: &[Statement<'_>]) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::new();
    let mut seen: HashMap<(&[Arc<str>], &Selector, bool), &Moved> = HashMap::new();
    for Statement { module, moved } in statements {
        let is_redundant = moved.from == moved.to;
        if is_redundant {
            let detail = format!("{} is moved to where it is.", moved.from);
            found.push(Diagnostic::error("Redundant move", detail).at(moved.span));
        }
        found.extend(still_there(graph, module, moved).filter(|_| !is_redundant));
        for (end, other, is_from) in [(&moved.from, &moved.to, true), (&moved.to, &moved.from, false)] {
            let Some(first) = seen.insert((module, end, is_from), moved) else { continue };
            let opposite = if is_from { &first.to } else { &first.from };
            if opposite != other {
                let detail = if is_from {
                    format!("{end} is moved to {other}, and also to {opposite}.")
                } else {
                    format!("Both {other} and {opposite} are moved to {end}.")
                };
                found.push(
                    Diagnostic::error("Ambiguous moves", detail)
                        .at(moved.span)
                        .related(first.span, "the other one"),
                );
            }
        }
    }
    if found.has_errors() { Err(found.sorted()) } else { Ok(()) }
}

/// The address that objects leave is still in the configuration.
fn still_there(graph: &Graph, module: &[Arc<str>], moved: &Moved) -> Option<Diagnostic> {
    let step = |name: &Arc<str>| ModuleStep { name: name.clone(), key: None };
    let outer = module.iter().map(step);
    let path = |inner: &ModulePath| ModulePath::of(outer.clone().chain(inner.steps().iter().cloned()));
    let (span, repetition) = match &moved.from {
        Selector::Module(inner) => {
            let at = graph.module(&path(inner))?;
            let (parent, call) = graph.modules[at].parent?;
            let call = &graph.modules[parent].module.calls[call];
            (call.name.span, &call.repetition)
        }
        Selector::Resource(address) => {
            let block =
                graph.resource(&ResourceAddress { module: path(&address.module), ..address.clone() })?;
            (block.span, &block.repetition)
        }
    };
    let whole = last_key(&moved.from).is_none() && last_key(&moved.to).is_none();
    let above = match &moved.from {
        Selector::Module(inner) => inner.steps().split_last().map_or(&[][..], |(_, above)| above),
        Selector::Resource(address) => address.module.steps(),
    };
    let declared = match (last_key(&moved.from), repetition) {
        _ if above.iter().any(|step| step.key.is_some()) => false,
        _ if whole => true,
        (None, Repetition::None | Repetition::Enabled(_)) => true,
        // Which keys there are is looked at when instances are known.
        _ => false,
    };
    declared.then(|| still_declared(&moved.from, moved.span).related(span, "declared here"))
}

/// That an object is moved away from an address that the configuration has.
pub(super) fn still_declared(from: &dyn std::fmt::Display, span: Span) -> Diagnostic {
    let detail = format!("The objects of {from} are moved, but the configuration still has {from}.");
    Diagnostic::error("Moved object still exists", detail)
        .at(span)
        .hint("Take one of the two blocks away, or change the address of one.")
}

/// Where objects are, as moves go on.
struct Places {
    /// Where each is now, and where it was.
    now: BTreeMap<ResourceAddress, ResourceAddress>,
    blocks: BTreeMap<Block, BTreeSet<ResourceAddress>>,
}

impl Places {
    fn of(state: &WorkspaceState) -> Self {
        let mut places = Places { now: BTreeMap::new(), blocks: BTreeMap::new() };
        for key in state.resources.keys() {
            places.put(key.address.clone(), key.address.clone());
        }
        places
    }

    fn put(&mut self, address: ResourceAddress, was: ResourceAddress) {
        self.blocks.entry(block_of(&address)).or_default().insert(address.clone());
        self.now.insert(address, was);
    }

    /// Moves an object; false when the place is taken.
    fn take(&mut self, from: &ResourceAddress, to: &ResourceAddress) -> bool {
        if self.now.contains_key(to) {
            return false;
        }
        if let Some(was) = self.now.remove(from) {
            if let Some(block) = self.blocks.get_mut(&block_of(from)) {
                block.remove(from);
            }
            self.put(to.clone(), was);
        }
        true
    }

    /// Objects that a statement can be about.
    fn taken_by(&self, statement: &Statement<'_>) -> Vec<ResourceAddress> {
        match &statement.moved.from {
            // One that is named is not looked for among all of its block.
            Selector::Resource(from) if statement.module.is_empty() && !statement.is_whole() => {
                self.now.get_key_value(from).map(|(address, _)| address.clone()).into_iter().collect()
            }
            from => self.in_block(&statement.block(from)),
        }
    }

    /// Addresses in a block, or anywhere in a module.
    fn in_block(&self, block: &Block) -> Vec<ResourceAddress> {
        if block.1.is_some() {
            return self.blocks.get(block).into_iter().flatten().cloned().collect();
        }
        let inside = self.blocks.range(block..).take_while(|(other, _)| other.0.starts_with(&block.0));
        inside.flat_map(|(_, all)| all).cloned().collect()
    }
}

/// What the names of a place become, by which others tell that they depend on
/// it.
pub(crate) fn renamings(
    from: &ResourceAddress,
    to: &ResourceAddress,
) -> impl Iterator<Item = (ResourceAddress, ResourceAddress)> {
    let is_as_deep = from.module.steps().len() == to.module.steps().len();
    from.names().map(move |was| {
        let keyed = was.module.steps().iter().rposition(|step| step.key.is_some()).map_or(0, |at| at + 1);
        let is_own = was.module == from.module;
        let is = if is_as_deep && !is_own { to.within(keyed) } else { to.without_key() };
        (was, is)
    })
}

/// Takes what was moved into the state: records, and what others record of
/// their dependencies.
fn record(state: &mut WorkspaceState, registry: &Registry, places: Places, moves: &mut Moves) {
    let moved = places.now.into_iter().filter(|(now, was)| now != was);
    let previous: BTreeMap<ResourceAddress, ResourceAddress> = moved.collect();
    if previous.is_empty() {
        return;
    }
    let mut renamed: BTreeMap<ResourceAddress, BTreeSet<ResourceAddress>> = BTreeMap::new();
    let mut now: HashMap<&ResourceAddress, &ResourceAddress> = HashMap::new();
    for (to, from) in &previous {
        for (was, is) in renamings(from, to) {
            renamed.entry(was).or_default().insert(is);
        }
        now.insert(from, to);
    }
    // What some objects moved away from is what others still are.
    let stays = state.resources.keys().map(|key| &key.address).filter(|address| !now.contains_key(address));
    for name in stays.flat_map(ResourceAddress::names) {
        if let Some(names) = renamed.get_mut(&name) {
            names.insert(name);
        }
    }
    let mut changed = Vec::new();
    let records = std::mem::take(&mut state.resources);
    for (key, mut record) in records {
        let to = now.get(&key.address);
        let depends = record.dependencies.iter().any(|d| renamed.contains_key(d));
        if depends {
            let all = record.dependencies.iter().flat_map(|dependency| match renamed.get(dependency) {
                Some(to) => to.iter().cloned().collect(),
                None => vec![dependency.clone()],
            });
            record.dependencies = all.collect::<BTreeSet<_>>().into_iter().collect();
        }
        if let Some(&to) = to {
            convert(&mut record, registry, to);
            record.key = RecordKey { address: to.clone(), deposed: key.deposed.clone() };
            moves.changes.push(RecordChange::Remove(key));
        }
        if depends || to.is_some() {
            changed.push(RecordChange::Put(Box::new(record.clone())));
        }
        state.resources.insert(record.key.clone(), record);
    }
    // All addresses are left before any is taken.
    moves.changes.extend(changed);
    moves.previous = previous;
}

/// An object that becomes one of another type.
fn convert(record: &mut ResourceRecord, registry: &Registry, to: &ResourceAddress) {
    let from = &record.key.address.kind;
    if *from == to.kind {
        return;
    }
    let Some((provider, convert)) = registry.moved(from, &to.kind) else { return };
    let schema = provider.schema().resources.get(&*to.kind);
    record.attributes = convert(&record.attributes).with_marks(record.attributes.marks());
    record.schema_version = schema.map_or(0, |schema| schema.version);
    record.provider = provider.name().into();
    record.connection = Value::NULL;
}

/// Instances that objects are moved away from although the configuration has
/// them. `declared` says which there are, by the instances of each module.
pub(super) fn check_instances(
    graph: &Graph,
    modules: &dyn Fn(&[Arc<str>]) -> Vec<ModulePath>,
    declared: &dyn Fn(&ResourceAddress) -> bool,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    for Statement { module, moved } in statements(graph) {
        let Selector::Resource(from) = &moved.from else { continue };
        for path in modules(&module) {
            let inner = from.module.steps().iter();
            let module = ModulePath::of(path.steps().iter().chain(inner).cloned());
            let address = ResourceAddress { module, ..from.clone() };
            let has_keys = from.key.is_some() || from.module.steps().iter().any(|step| step.key.is_some());
            if has_keys && declared(&address) {
                found.push(still_declared(&address, moved.span));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: &str, to: &str) -> Moved {
        let parsed = |text: &str| text.parse().expect(text);
        Moved { from: parsed(from), to: parsed(to), span: Span::default() }
    }

    #[test]
    fn statements_take_objects_to_their_addresses() {
        for (module, from, to, address, expected) in [
            ("", "a.x", "a.y", "a.x", Some("a.y")),
            ("", "a.x", "a.y", "a.x[1]", Some("a.y[1]")),
            ("", "a.x", "a.y[0]", "a.x", Some("a.y[0]")),
            ("", "a.x", "a.y[0]", "a.x[1]", None),
            ("", "a.x[1]", "a.x[\"k\"]", "a.x[1]", Some("a.x[\"k\"]")),
            ("", "a.x[1]", "a.x[\"k\"]", "a.x[2]", None),
            ("", "a.x", "module.m.a.x", "a.x[0]", Some("module.m.a.x[0]")),
            ("", "a.x", "a.y", "module.m.a.x", None),
            ("", "a.x", "a.y", "data.a.x", None),
            ("", "module.m", "module.n", "module.m[0].module.i.a.x", Some("module.n[0].module.i.a.x")),
            ("", "module.m", "module.m[\"k\"]", "module.m.a.x", Some("module.m[\"k\"].a.x")),
            ("", "module.m", "module.m[\"k\"]", "module.m[0].a.x", None),
            ("", "module.m[0]", "module.n.module.i", "module.m[0].a.x", Some("module.n.module.i.a.x")),
            ("", "module.m", "module.n", "a.x", None),
            // In each instance of the module that the block stands in.
            ("m", "a.x", "module.i.a.x", "module.m[\"k\"].a.x[0]", Some("module.m[\"k\"].module.i.a.x[0]")),
            ("m", "a.x", "a.y", "a.x", None),
            ("m", "a.x", "a.y", "module.n.a.x", None),
        ] {
            let moved = moved(from, to);
            let module = [module].into_iter().filter(|name| !name.is_empty()).map(Arc::from).collect();
            let address: ResourceAddress = address.parse().expect(address);
            let found = Statement { module, moved: &moved }.target(&address).map(|to| to.to_string());
            assert_eq!(found.as_deref(), expected, "{from} to {to} of {address}");
        }
    }

    #[test]
    fn chains_are_followed_in_their_order() {
        let order = |all: &[(&str, &str)]| {
            let all: Vec<Moved> = all.iter().map(|(from, to)| moved(from, to)).collect();
            let statements: Vec<Statement<'_>> =
                all.iter().map(|moved| Statement { module: Vec::new(), moved }).collect();
            sort(&statements).map_err(|found| found.iter().next().map(|d| d.summary.clone()))
        };
        assert_eq!(order(&[("a.y", "a.z"), ("a.x", "a.y")]), Ok(vec![1, 0]));
        assert_eq!(order(&[("module.n.a.x", "a.z"), ("module.m", "module.n")]), Ok(vec![1, 0]));
        assert_eq!(order(&[("module.n", "module.o"), ("a.x", "module.n.a.x")]), Ok(vec![1, 0]));
        let cycle = Err(Some("Cycle of moves".to_owned()));
        assert_eq!(order(&[("a.x", "a.y"), ("a.y", "a.z"), ("a.z", "a.x")]), cycle);
        assert_eq!(order(&[("a.x[0]", "a.x[1]"), ("a.x[1]", "a.x[0]")]), cycle);
        let inside = |module: &str, from: &str, to: &str| (Vec::from([Arc::from(module)]), moved(from, to));
        let all = [
            (Vec::new(), moved("module.m[0]", "module.m[\"k\"]")),
            inside("m", "a.y", "a.z"),
            inside("m", "a.x", "a.y"),
        ];
        let statements: Vec<Statement<'_>> =
            all.iter().map(|(module, moved)| Statement { module: module.clone(), moved }).collect();
        // A module's keys change before what is inside of it moves.
        assert_eq!(sort(&statements).ok(), Some(vec![0, 2, 1]));
        // One instance goes its own way before all go theirs.
        assert_eq!(order(&[("a.x", "a.y"), ("a.x[0]", "a.z")]), Ok(vec![1, 0]));
        assert_eq!(order(&[("a.r", "a.s"), ("a.p", "a.q"), ("a.m", "a.n")]), Ok(vec![0, 1, 2]));
        // Other keys of the same blocks are other objects.
        assert!(order(&[("a.x[0]", "a.x[\"k\"]"), ("a.x[1]", "a.x[\"l\"]")]).is_ok());
    }
}
