//! All that an object depends on, through others too: records tell only of
//! what it directly depends on.
//!
//! All that all objects depend on can be as much as their number squared. So a
//! document has, where such a list belongs, an object with one key that nobody
//! can guess, and the list itself only where the document is written.
//!
//! Guarantees: what is held is no more than what records tell.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value as Json};

use super::model::WorkspaceState;
use crate::addr::{ModulePath, ModuleStep, ResourceAddress};

/// The key: another one in each process, so that no value holds it.
static KEY: LazyLock<String> = LazyLock::new(|| format!("dependencies {}", uuid::Uuid::new_v4().simple()));

/// Dependencies of all objects of workspaces, by the blocks that they are of.
#[derive(Debug, Default)]
pub struct Dependencies {
    /// Addresses of blocks, in the order of their text in each workspace.
    blocks: Vec<String>,
    /// Of each block: what its objects directly depend on.
    direct: Vec<Vec<u32>>,
    /// Those of the workspace that was taken in last.
    numbers: FxHashMap<ResourceAddress, u32>,
}

impl Dependencies {
    /// Those of a workspace.
    pub fn of(state: &WorkspaceState) -> Self {
        let mut dependencies = Dependencies::default();
        let records = state.resources.values();
        dependencies.take(records.map(|record| (&record.key.address, record.dependencies.as_slice())));
        dependencies
    }

    /// Takes in those of a workspace's objects, each with what it directly
    /// depends on: until the next one they are those that are asked for.
    pub fn take<'o>(
        &mut self,
        objects: impl Iterator<Item = (&'o ResourceAddress, &'o [ResourceAddress])> + Clone,
    ) {
        let objects = objects.filter(|(_, direct)| !direct.is_empty());
        let mut named: FxHashSet<&ResourceAddress> = FxHashSet::default();
        objects.clone().for_each(|(address, direct)| named.extend(direct.iter().chain([address])));
        let by_text: BTreeSet<(String, ResourceAddress)> =
            named.iter().map(|address| block(address)).map(|block| (block.to_string(), block)).collect();
        let first = self.blocks.len();
        let numbers = (first..).filter_map(|number| u32::try_from(number).ok());
        self.numbers =
            by_text.iter().zip(numbers).map(|((_, block), number)| (block.clone(), number)).collect();
        self.blocks.extend(by_text.into_iter().map(|(text, _)| text));
        self.direct.resize(self.blocks.len(), Vec::new());
        for (address, others) in objects {
            let others = self.numbered(others);
            let own = self.numbers[&block(address)] as usize;
            self.direct[own].extend(others);
        }
        for direct in &mut self.direct[first..] {
            direct.sort_unstable();
            direct.dedup();
            direct.shrink_to_fit();
        }
    }

    fn numbered(&self, addresses: &[ResourceAddress]) -> Vec<u32> {
        addresses.iter().filter_map(|address| self.numbers.get(&block(address)).copied()).collect()
    }

    /// Blocks, and all that they depend on: their addresses, in order. Takes as
    /// long as there are of them, however many others there are.
    fn through(&self, mut open: Vec<u32>) -> Vec<&str> {
        let mut met: FxHashSet<u32> = FxHashSet::default();
        while let Some(next) = open.pop() {
            if met.insert(next) {
                open.extend_from_slice(&self.direct[next as usize]);
            }
        }
        let mut all: Vec<u32> = met.into_iter().collect();
        all.sort_unstable();
        all.into_iter().map(|number| self.blocks[number as usize].as_str()).collect()
    }

    /// All that an object depends on, by what it directly depends on: addresses
    /// of blocks, in order.
    pub fn through_all(&self, direct: &[ResourceAddress]) -> Vec<&str> {
        self.through(self.numbered(direct))
    }

    /// What stands in a document in place of [`Dependencies::through_all`].
    pub fn place(&self, direct: &[ResourceAddress]) -> Json {
        let numbers: Vec<String> = self.numbered(direct).iter().map(ToString::to_string).collect();
        Json::Object(Map::from_iter([(KEY.clone(), Json::String(numbers.join(" ")))]))
    }

    /// The list that a place stands for.
    fn list(&self, place: &str) -> Vec<&str> {
        let numbers = place.split(' ').filter_map(|number| number.parse().ok());
        self.through(numbers.filter(|number| (*number as usize) < self.blocks.len()).collect())
    }

    /// A document with the lists in it.
    pub fn filled(&self, document: Json) -> Json {
        match document {
            Json::Object(entries) => match entries.get(&*KEY).and_then(Json::as_str) {
                Some(place) => self.list(place).into(),
                None => entries.into_iter().map(|(key, item)| (key, self.filled(item))).collect(),
            },
            Json::Array(items) => items.into_iter().map(|item| self.filled(item)).collect(),
            other => other,
        }
    }

    /// Writes the text of a document with the lists in it, laid out as it is.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let key = format!("\"{}\":", *KEY);
        let mut rest = text;
        while let Some((before, place)) = rest.split_once(&key) {
            // Before stands the opening bracket, behind the numbers in quotes and
            // the closing one.
            let opened = before.trim_end();
            let space = &before[opened.len()..];
            out.write_all(opened.strip_suffix('{').unwrap_or(opened).as_bytes())?;
            let (numbers, behind) =
                place.trim_start().trim_start_matches('"').split_once('"').unwrap_or_default();
            rest = behind.trim_start().strip_prefix('}').unwrap_or(behind);
            let end = &behind[..behind.len() - behind.trim_start().len()];
            out.write_all(b"[")?;
            for (at, text) in self.list(numbers).into_iter().enumerate() {
                out.write_all(if at == 0 { b"" } else { b"," })?;
                out.write_all(space.as_bytes())?;
                serde_json::to_writer(&mut *out, text)?;
            }
            out.write_all(end.as_bytes())?;
            out.write_all(b"]")?;
        }
        out.write_all(rest.as_bytes())
    }
}

/// The address of the block that an object is of.
pub fn block(address: &ResourceAddress) -> ResourceAddress {
    let steps = address.module.steps();
    let module = match steps.iter().all(|step| step.key.is_none()) {
        true => address.module.clone(),
        false => ModulePath::of(steps.iter().map(|step| ModuleStep { key: None, ..step.clone() })),
    };
    ResourceAddress { module, key: None, ..address.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance::record;

    fn state(records: &[(&str, &[&str])]) -> WorkspaceState {
        let mut state = WorkspaceState::empty("acme".parse().expect("a name"));
        for (address, dependencies) in records {
            let mut record = record(address, "");
            record.dependencies = dependencies.iter().map(|text| text.parse().expect("address")).collect();
            state.resources.insert(record.key.clone(), record);
        }
        state
    }

    #[test]
    fn all_are_told_once_and_in_order() {
        let state = state(&[
            ("a.one", &[]),
            ("a.two[0]", &["data.a.d", "a.one"]),
            ("a.two[1]", &["a.one"]),
            ("module.m[\"x\"].a.in", &["a.two"]),
            ("a.last", &["module.m[\"x\"].a.in", "module.m[\"y\"].a.in", "a.one"]),
            // By hand.
            ("a.loop", &["a.back"]),
            ("a.back", &["a.loop"]),
        ]);
        let dependencies = Dependencies::of(&state);
        let told: Vec<String> = state
            .resources
            .values()
            .map(|record| {
                format!("{}: {}", record.key, dependencies.through_all(&record.dependencies).join(" "))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        a.back: a.back a.loop
        a.last: a.one a.two data.a.d module.m.a.in
        a.loop: a.back a.loop
        a.one: 
        a.two[0]: a.one data.a.d
        a.two[1]: a.one
        module.m["x"].a.in: a.one a.two data.a.d
        "#);
    }

    #[test]
    fn documents_have_the_lists_where_they_are_written() {
        let mut dependencies = Dependencies::default();
        let mut documents = Vec::new();
        for last in ["x.c", "x.d"] {
            let state = state(&[("x.b", &["x.a"]), (last, &["x.b"])]);
            let records = state.resources.values();
            dependencies.take(records.clone().map(|r| (&r.key.address, r.dependencies.as_slice())));
            let one = |r: &crate::state::ResourceRecord| serde_json::json!({ "of": dependencies.place(&r.dependencies) });
            documents.push(records.map(one).collect::<Json>());
        }
        let document = Json::Array(documents);
        let expected = serde_json::json!([
            [{ "of": ["x.a"] }, { "of": ["x.a", "x.b"] }],
            [{ "of": ["x.a"] }, { "of": ["x.a", "x.b"] }],
        ]);
        for text in [document.to_string(), format!("{document:#}")] {
            let mut written = Vec::new();
            dependencies.write(&text, &mut written).expect("written");
            let written = String::from_utf8(written).expect("text");
            let laid_out = if text.contains('\n') { format!("{expected:#}") } else { expected.to_string() };
            assert_eq!(written, laid_out);
        }
        assert_eq!(dependencies.filled(document), expected);
    }
}
