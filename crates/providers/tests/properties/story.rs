use std::fmt;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};
use serde_json::{Value as Json, json};

use crate::crash::Crash;

/// How many resource blocks a configuration has at most.
const SLOTS: usize = 5;
/// Keys of `for_each`.
const KEYS: [&str; 3] = ["a", "b", "c"];

/// Classes of errors.
const CLASSES: [&str; 7] =
    ["transient", "throttled", "indeterminate", "conflict", "not_found", "denied", "invalid"];

/// What happens to one workspace.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) rounds: Vec<Round>,
}

/// A configuration, and an apply of it that may go wrong.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) config: Config,
    pub(crate) faults: Vec<Fault>,
    /// After so many steps have begun, stop: once, or at once.
    pub(crate) stop: Option<(usize, bool)>,
    /// The process dies.
    pub(crate) crash: Option<Crash>,
    /// A plain apply comes after it, else the next round finds what this left.
    pub(crate) settle: bool,
}

/// Resource blocks by their number.
#[derive(Clone)]
pub(crate) struct Config(pub(crate) Vec<Option<Block>>);

/// A resource block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Part of its name: another one needs another object.
    pub(crate) name: u8,
    /// Changed in place.
    pub(crate) value: u8,
    pub(crate) create_first: bool,
    /// Blocks of smaller number that it refers to, if they are there.
    pub(crate) refers: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its service finds it by its name.
    Manifest,
    /// Its service gives it its id.
    Thing,
    /// It has no service.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Single,
    Count(u8),
    /// One bit for each of [`KEYS`].
    Each(u8),
}

/// An object that a configuration asks for.
pub(crate) struct Wanted {
    pub(crate) address: String,
    pub(crate) slot: usize,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) value: u8,
}

/// Something that goes wrong, as a rule of a fault script.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Json);

impl Kind {
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Kind::Manifest => "kubernetes_manifest",
            Kind::Thing => "box_thing",
            Kind::Data => "terraform_data",
        }
    }

    /// What references show of an object, as an attribute path.
    fn shown(self) -> &'static str {
        match self {
            Kind::Manifest => "object.metadata.name",
            Kind::Thing | Kind::Data => "id",
        }
    }
}

impl Config {
    fn get(&self, slot: usize) -> Option<&Block> {
        self.0.get(slot)?.as_ref()
    }

    fn blocks(&self) -> impl Iterator<Item = (usize, &Block)> {
        self.0.iter().enumerate().filter_map(|(slot, block)| Some((slot, block.as_ref()?)))
    }

    /// The blocks that a block refers to and that are there.
    pub(crate) fn referred(&self, slot: usize) -> Vec<usize> {
        let refers = self.get(slot).map(|block| block.refers.clone()).unwrap_or_default();
        let mut there: Vec<usize> =
            refers.into_iter().filter(|r| *r < slot && self.get(*r).is_some()).collect();
        there.sort_unstable();
        there.dedup();
        there
    }

    /// All objects that it asks for, those of one block in the order of its list.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for (slot, block) in self.blocks() {
            let mut push = |key: &str, suffix: &str| {
                wanted.push(Wanted {
                    address: format!("{}.r{slot}{key}", block.kind.type_name()),
                    slot,
                    kind: block.kind,
                    name: format!("r{slot}-{}{suffix}", block.name),
                    value: block.value,
                });
            };
            match block.shape {
                Shape::Single => push("", ""),
                Shape::Count(n) => (0..n).for_each(|i| push(&format!("[{i}]"), &format!("-{i}"))),
                Shape::Each(_) => {
                    keys(block.shape).iter().for_each(|k| push(&format!("[{k:?}]"), &format!("-{k}")));
                }
            }
        }
        wanted
    }

    /// An expression: the list of what a block's objects show.
    fn list(&self, slot: usize) -> String {
        let Some(block) = self.get(slot) else { return "[]".into() };
        let (name, shown) = (format!("{}.r{slot}", block.kind.type_name()), block.kind.shown());
        match block.shape {
            Shape::Single => format!("[{name}.{shown}]"),
            Shape::Count(_) => format!("{name}[*].{shown}"),
            Shape::Each(_) => format!("[for key, one in {name} : one.{shown}]"),
        }
    }
}

fn keys(shape: Shape) -> Vec<&'static str> {
    let Shape::Each(bits) = shape else { return Vec::new() };
    KEYS.into_iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0).map(|(_, key)| key).collect()
}

/// As HCL.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (slot, block) in self.blocks() {
            let (repeat, suffix) = match block.shape {
                Shape::Single => (String::new(), ""),
                Shape::Count(n) => (format!("  count = {n}\n"), "-${count.index}"),
                Shape::Each(_) => {
                    (format!("  for_each = toset({})\n", json!(keys(block.shape))), "-${each.key}")
                }
            };
            let name = format!("\"r{slot}-{}{suffix}\"", block.name);
            let lists: Vec<String> = self.referred(slot).into_iter().map(|r| self.list(r)).collect();
            let refs = format!("join(\",\", concat([], {}))", lists.join(", "));
            let refs = refs.replace(", )", ")");
            let value = block.value;
            let body = match block.kind {
                Kind::Manifest => format!(
                    "  manifest = {{\n    apiVersion = \"v1\", kind = \"ConfigMap\", metadata = {{ name = {name} }}\n    data = {{ value = \"{value}\", refs = {refs} }}\n  }}\n"
                ),
                Kind::Thing => format!("  name = {name}\n  size = {value}\n  refs = {refs}\n"),
                Kind::Data => {
                    format!("  triggers_replace = {name}\n  input = {{ value = {value}, refs = {refs} }}\n")
                }
            };
            let lifecycle = if block.create_first {
                "  lifecycle {\n    create_before_destroy = true\n  }\n"
            } else {
                ""
            };
            writeln!(
                f,
                "resource \"{}\" \"r{slot}\" {{\n{repeat}{body}{lifecycle}}}",
                block.kind.type_name()
            )?;
            writeln!(f, "output \"r{slot}\" {{\n  value = {}\n}}", self.list(slot))?;
        }
        Ok(())
    }
}

impl Round {
    /// The fault script.
    pub(crate) fn script(&self) -> Json {
        json!({"version": 1, "rules": self.faults.iter().map(|fault| &fault.0).collect::<Vec<_>>()})
    }
}

/// As somebody who wants to repeat it needs it.
impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n--- main.tf\n{}--- faults {}, stop {:?}, crash {:?}, settle {}\n",
            self.config,
            self.script(),
            self.stop,
            self.crash,
            self.settle
        )
    }
}

/// Random stories.
pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let first = vec(option::weighted(0.7, blocks()), SLOTS);
    let crash = (0..24u8, any::<bool>()).prop_map(|(at, after)| Crash { at, after });
    let ends = (option::weighted(0.2, (0..8usize, any::<bool>())), option::weighted(0.4, crash));
    let round = (vec(edits(), 0..4), vec(faults(), 0..4), ends);
    (first, vec((round, any::<bool>()), 1..5)).prop_map(|(first, rounds)| {
        let mut config = first;
        let rounds = rounds.into_iter().enumerate().map(|(i, ((edits, faults, ends), settle))| {
            if i > 0 {
                edits.into_iter().for_each(|edit| edit.make(&mut config));
            }
            let (stop, crash) = ends;
            Round { config: Config(config.clone()), faults: faults.concat(), stop, crash, settle }
        });
        Story { rounds: rounds.collect() }
    })
}

fn blocks() -> impl Strategy<Value = Block> {
    let kind = prop_oneof![Just(Kind::Manifest), Just(Kind::Thing), Just(Kind::Data)];
    let parts = (kind, shapes(), 0..2u8, 0..3u8, proptest::bool::weighted(0.3), vec(0..SLOTS, 0..3));
    parts.prop_map(|(kind, shape, name, value, create_first, refers)| Block {
        kind,
        shape,
        name,
        value,
        create_first,
        refers,
    })
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Single), (0..3u8).prop_map(Shape::Count), (0..8u8).prop_map(Shape::Each)]
}

/// A change of one block.
#[derive(Clone, Debug)]
struct Edit {
    slot: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Whole(Option<Block>),
    Name(u8),
    Value(u8),
    Shape(Shape),
    CreateFirst(bool),
    Refers(Vec<usize>),
}

fn edits() -> impl Strategy<Value = Edit> {
    let what = prop_oneof![
        option::weighted(0.6, blocks()).prop_map(What::Whole),
        (0..3u8).prop_map(What::Name),
        (0..3u8).prop_map(What::Value),
        shapes().prop_map(What::Shape),
        any::<bool>().prop_map(What::CreateFirst),
        vec(0..SLOTS, 0..3).prop_map(What::Refers),
    ];
    (0..SLOTS, what).prop_map(|(slot, what)| Edit { slot, what })
}

impl Edit {
    fn make(self, config: &mut [Option<Block>]) {
        let place = &mut config[self.slot];
        match (self.what, place.as_mut()) {
            (What::Whole(block), _) => *place = block,
            (What::Name(name), Some(block)) => block.name = name,
            (What::Value(value), Some(block)) => block.value = value,
            (What::Shape(shape), Some(block)) => block.shape = shape,
            (What::CreateFirst(first), Some(block)) => block.create_first = first,
            (What::Refers(refers), Some(block)) => block.refers = refers,
            (_, None) => {}
        }
    }
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop_oneof![4 => one_fault().prop_map(|fault| vec![fault]), 1 => lost().prop_map(|faults| faults.to_vec())]
}

/// A write whose answer is lost, and what it came to cannot be looked up.
fn lost() -> impl Strategy<Value = [Fault; 2]> {
    let write = proptest::sample::select(vec!["create", "update", "delete"]);
    let fail = proptest::sample::select(CLASSES.to_vec())
        .prop_map(|class| json!({"fail": {"class": class, "message": "as told"}}))
        .prop_filter("a lie", |fail| !is_lie("find", fail));
    (write, fail, 1..3u64).prop_map(|(write, fail, nth)| {
        [
            json!({"match": {"operation": write}, "nth": [nth], "per": "object", "then": "lose_reply"}),
            json!({"match": {"operation": "find"}, "then": fail}),
        ]
        .map(Fault)
    })
}

/// Whether a service says that an object of ours is another's: it is taken at
/// its word.
fn is_lie(operation: &str, effect: &Json) -> bool {
    ["find", "any"].contains(&operation) && effect["fail"]["class"] == "conflict"
}

fn one_fault() -> impl Strategy<Value = Fault> {
    let effect = prop_oneof![
        2 => proptest::sample::select(CLASSES.to_vec()).prop_map(|class| json!({"fail": {"class": class, "message": "as told"}})),
        1 => (0..3000u64).prop_map(|ms| json!({"throttle": {"retry_after_ms": ms}})),
        2 => Just(json!("lose_reply")),
        1 => Just(json!("vanish")),
        1 => (1..4u32).prop_map(|polls| json!({"pending": {"polls": polls}})),
        1 => Just(json!({"change": {"path": ["object", "data", "value"], "value": "drifted"}})),
        1 => Just(json!({"change": {"path": ["size"], "value": 99}})),
    ];
    let operations = ["create", "read", "update", "delete", "find", "poll", "any"];
    let operation = proptest::sample::select(operations.to_vec());
    let kind = proptest::sample::select(vec!["*", "kubernetes_*", "box_*"]);
    let name = proptest::sample::select(vec!["*", "*r0*", "*r1*", "*r2*", "*r3*", "*r4*"]);
    let nth = prop_oneof![
        3 => vec(1..4u64, 1..3).prop_map(|calls| json!(calls)),
        1 => (1..4u64).prop_map(|from| json!({"from": from})),
        1 => Just(json!("all")),
    ];
    let told = (operation, kind, name, nth, effect);
    told.prop_filter("a lie", |told| !is_lie(told.0, &told.4)).prop_map(
        |(operation, kind, name, nth, effect)| {
            Fault(json!({
                "match": {"operation": operation, "type": kind, "name": name},
                "nth": nth, "per": "object", "then": effect,
            }))
        },
    )
}
