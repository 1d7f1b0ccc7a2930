//! A test file: text to what is to be run.
//!
//! Guarantees: every mistake in a file is reported at once.
//! Must not: evaluate anything but constants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::condition::Assertion;
use super::names::{Names, chain};
use crate::addr::ResourceAddress;
use crate::config::{
    LocalNames, ProviderRef, check_condition, check_labels, check_names, is_misspelt, parse_json_test,
    passed_providers, read_text,
};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::expr::{Expr, ExprKind, evaluate, open_regular};
use crate::plan::PlanMode;
use crate::provider::Registry;
use crate::syntax::{Attribute, Block, Body, Ident, parse_file};
use crate::value::Value;

/// A test file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Where it is.
    pub path: PathBuf,
    pub(super) runs: Vec<Run>,
    pub(super) variables: Vec<Attribute>,
    pub(super) providers: Vec<Block>,
    pub(super) mocks: BTreeMap<Configured, Mocked>,
    pub(super) overrides: Vec<Override>,
}

/// A `run` block.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub name: Ident,
    /// `command = plan`.
    pub plan_only: bool,
    pub variables: Vec<Attribute>,
    pub assertions: Vec<Assertion>,
    /// Addresses of what is to fail.
    pub expect_failures: Vec<(String, Span)>,
    /// Another module than the one under test.
    pub module: Option<(String, Span)>,
    pub mode: PlanMode,
    pub skip_refresh: bool,
    pub replace: Vec<ResourceAddress>,
    pub targets: Vec<(String, Span)>,
    pub overrides: Vec<Override>,
    /// The file's `provider` blocks that it uses, with the names it has for them.
    pub providers: Option<Vec<(ProviderRef, ProviderRef)>>,
}

/// A provider and which of its configurations.
pub(super) type Configured = (Arc<str>, Option<Arc<str>>);

/// A `mock_provider` block: values by type.
#[derive(Clone, Debug, Default)]
pub(super) struct Mocked {
    pub span: Span,
    resources: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>>,
    data: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>>,
}

impl Mocked {
    /// Values of a type.
    pub(super) fn defaults(&self, kind: OverrideKind, name: &str) -> BTreeMap<Arc<str>, Value> {
        let all = if kind == OverrideKind::Data { &self.data } else { &self.resources };
        all.get(name).cloned().unwrap_or_default()
    }
}

/// What an override is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverrideKind {
    Resource,
    Data,
    Module,
}

/// An `override_resource`, `override_data` or `override_module` block.
#[derive(Clone, Debug)]
pub(super) struct Override {
    pub kind: OverrideKind,
    /// An address without keys.
    pub target: String,
    pub span: Span,
    pub values: BTreeMap<Arc<str>, Value>,
}

impl TestFile {
    /// Names of its runs, in order.
    pub fn runs(&self) -> impl Iterator<Item = &Arc<str>> {
        self.runs.iter().map(|run| &run.name.name)
    }
}

/// Reads a test file; its mistakes are added to the diagnostics.
pub fn read(
    path: &Path,
    sources: &SourceMap,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> TestFile {
    let mut file = TestFile {
        path: path.to_path_buf(),
        runs: Vec::new(),
        variables: Vec::new(),
        providers: Vec::new(),
        mocks: BTreeMap::new(),
        overrides: Vec::new(),
    };
    let text = match open_regular(path).and_then(|source| read_text(path, source)) {
        Ok(Ok(text)) => text,
        Ok(Err(problem)) => {
            diagnostics.push(*problem);
            return file;
        }
        Err(error) => {
            let detail = format!("{} cannot be read: {error}.", path.display());
            diagnostics.push(Diagnostic::error("Unreadable file", detail));
            return file;
        }
    };
    let id = sources.add(path, text.as_str());
    let body = match path.extension().is_some_and(|end| end == "json") {
        true => parse_json_test(id, &text, registry, diagnostics),
        false => parse_file(id, &text, diagnostics),
    };
    Reader { diagnostics }.file(body, &mut file);
    file
}

/// What a whole file may hold.
const BLOCKS: [&str; 7] = [
    "run",
    "variables",
    "provider",
    "mock_provider",
    "override_resource",
    "override_data",
    "override_module",
];

struct Reader<'d> {
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_> {
    fn file(&mut self, body: Body, file: &mut TestFile) {
        check_names(&body, &[], &BLOCKS, self.diagnostics);
        let mut overrides = Vec::new();
        for block in body.blocks {
            match &*block.kind.name {
                "run" => {
                    file.runs.extend(self.run(&block));
                }
                "variables" => file.variables.extend(self.variables(&block)),
                "provider" => file.providers.push(block),
                "mock_provider" => {
                    if let Some((name, mocked)) = self.mock(&block, &mut file.overrides) {
                        let span = mocked.span;
                        if let Some(first) = file.mocks.insert(name, mocked) {
                            let detail = "There are two mocks of this configuration of the provider.";
                            let problem = Diagnostic::error("Duplicate definition", detail).at(span);
                            self.diagnostics.push(problem.related(first.span, "first defined here"));
                        }
                    }
                }
                _ => overrides.extend(self.over(&block)),
            }
        }
        self.refuse_duplicates(&overrides);
        file.overrides.extend(overrides);
    }

    fn run(&mut self, block: &Block) -> Option<Run> {
        let blocks = [
            "variables",
            "assert",
            "module",
            "plan_options",
            "override_resource",
            "override_data",
            "override_module",
        ];
        check_names(&block.body, &["command", "expect_failures", "providers"], &blocks, self.diagnostics);
        if !check_labels(block, &["name"], self.diagnostics) {
            return None;
        }
        let providers = block.body.attribute("providers");
        let providers =
            providers.map(|said| passed_providers(Some(said), [&LocalNames::new(); 2], self.diagnostics));
        let command = self.keyword(&block.body, "command", &["apply", "plan"]);
        let mut run = Run {
            name: block.labels[0].clone(),
            plan_only: command == Some(1),
            variables: Vec::new(),
            assertions: Vec::new(),
            expect_failures: self.blocks(&block.body, "expect_failures"),
            module: None,
            mode: PlanMode::Normal,
            skip_refresh: false,
            replace: Vec::new(),
            targets: Vec::new(),
            overrides: Vec::new(),
            providers,
        };
        for inner in &block.body.blocks {
            match &*inner.kind.name {
                "variables" => run.variables.extend(self.variables(inner)),
                "assert" => run.assertions.extend(self.assertion(inner)),
                "module" => run.module = self.module(inner),
                "plan_options" => self.options(inner, &mut run),
                name if blocks.contains(&name) => run.overrides.extend(self.over(inner)),
                _ => {}
            }
        }
        self.refuse_duplicates(&run.overrides);
        Some(run)
    }

    fn variables(&mut self, block: &Block) -> Vec<Attribute> {
        check_labels(block, &[], self.diagnostics);
        for inner in &block.body.blocks {
            self.error("Unexpected block", "Variables are set by arguments.", inner.header());
        }
        block.body.attributes.clone()
    }

    fn assertion(&mut self, block: &Block) -> Option<Assertion> {
        check_names(&block.body, &["condition", "error_message"], &[], self.diagnostics);
        match (block.body.attribute("condition"), block.body.attribute("error_message")) {
            (Some(condition), Some(message)) => {
                check_condition(&condition.value, self.diagnostics);
                Some(Assertion { condition: condition.value.clone(), message: message.value.clone() })
            }
            _ => {
                let known = ["condition", "error_message"];
                let lacks = |name: &&str| {
                    block.body.attribute(name).is_none() && !is_misspelt(&block.body, name, known)
                };
                if known.iter().any(lacks) {
                    let detail = "An assertion needs \"condition\" and \"error_message\".";
                    self.error("Missing required argument", detail, block.header());
                }
                None
            }
        }
    }

    fn missing(&mut self, block: &Block, name: &str, known: &[&str]) {
        if !is_misspelt(&block.body, name, known.iter().copied()) {
            let detail = format!("The argument {name:?} is required.");
            self.error("Missing required argument", &detail, block.header());
        }
    }

    fn module(&mut self, block: &Block) -> Option<(String, Span)> {
        check_names(&block.body, &["source", "version"], &[], self.diagnostics);
        let Some(source) = block.body.attribute("source") else {
            self.missing(block, "source", &["source", "version"]);
            return None;
        };
        let span = source.value.span;
        let path = self.constant(&source.value)?.as_str().map(String::from);
        match path {
            Some(path) if path.starts_with("./") || path.starts_with("../") => Some((path, span)),
            _ => {
                let detail =
                    "A test can use modules in local directories only, whose source starts with ./ or ../";
                self.error("Module source not supported yet", detail, span);
                None
            }
        }
    }

    fn options(&mut self, block: &Block, run: &mut Run) {
        check_names(&block.body, &["mode", "refresh", "replace", "target"], &[], self.diagnostics);
        if self.keyword(&block.body, "mode", &["normal", "refresh-only"]) == Some(1) {
            run.mode = PlanMode::RefreshOnly;
        }
        if let Some(refresh) = block.body.attribute("refresh") {
            run.skip_refresh = self.constant(&refresh.value).and_then(|v| v.as_bool()) == Some(false);
        }
        run.targets = self.addresses(&block.body, "target");
        for (address, span) in self.addresses(&block.body, "replace") {
            match address.parse() {
                Ok(address) => run.replace.push(address),
                Err(error) => self.error("Invalid address", &format!("{error}."), span),
            }
        }
    }

    fn mock(&mut self, block: &Block, overrides: &mut Vec<Override>) -> Option<(Configured, Mocked)> {
        let blocks = ["mock_resource", "mock_data", "override_resource", "override_data", "override_module"];
        check_names(&block.body, &["alias", "source"], &blocks, self.diagnostics);
        if let Some(attribute) = block.body.attribute("source") {
            let detail = "This version of tenantctl has no \"source\" of a mocked provider.";
            self.error("Argument not supported yet", detail, attribute.name.span);
        }
        let alias = block.body.attribute("alias").and_then(|attribute| {
            let alias = self.constant(&attribute.value)?.as_str().map(Arc::<str>::from);
            if alias.is_none() {
                self.error("Invalid alias", "An alias is a name in quotes.", attribute.value.span);
            }
            alias
        });
        if !check_labels(block, &["name"], self.diagnostics) {
            return None;
        }
        let mut mocked = Mocked { span: block.header(), ..Mocked::default() };
        for inner in &block.body.blocks {
            let types = match &*inner.kind.name {
                "mock_resource" => &mut mocked.resources,
                "mock_data" => &mut mocked.data,
                _ => {
                    overrides.extend(self.over(inner));
                    continue;
                }
            };
            check_names(&inner.body, &["defaults"], &[], self.diagnostics);
            if check_labels(inner, &["type"], self.diagnostics) {
                types.insert(inner.labels[0].name.clone(), self.values(&inner.body, "defaults"));
            }
        }
        Some(((block.labels[0].name.clone(), alias), mocked))
    }

    /// Reports what is overridden twice in one place.
    fn refuse_duplicates(&mut self, overrides: &[Override]) {
        for (at, one) in overrides.iter().enumerate() {
            let is_same = |first: &&Override| (first.kind, &first.target) == (one.kind, &one.target);
            if let Some(first) = overrides[..at].iter().find(is_same) {
                let detail = format!("There are two overrides of {}.", one.target);
                let problem = Diagnostic::error("Duplicate definition", detail).at(one.span);
                self.diagnostics.push(problem.related(first.span, "first defined here"));
            }
        }
    }

    fn over(&mut self, block: &Block) -> Option<Override> {
        let (kind, values) = match &*block.kind.name {
            "override_resource" => (OverrideKind::Resource, "values"),
            "override_data" => (OverrideKind::Data, "values"),
            "override_module" => (OverrideKind::Module, "outputs"),
            _ => return None,
        };
        check_names(&block.body, &["target", values], &[], self.diagnostics);
        let Some(attribute) = block.body.attribute("target") else {
            self.missing(block, "target", &["target", values]);
            return None;
        };
        let span = attribute.value.span;
        let target = self.address(&attribute.value)?;
        if target.contains('[') {
            let detail = "An override is of all instances of a block, so that its target has no keys.";
            self.error("Invalid target of an override", detail, span);
            return None;
        }
        let name = format!(".{target}");
        let last: Vec<&str> = name.rsplitn(4, '.').collect();
        let suits = match kind {
            OverrideKind::Module => last.get(1) == Some(&"module"),
            OverrideKind::Data => last.get(2) == Some(&"data"),
            OverrideKind::Resource => last.get(1) != Some(&"module") && last.get(2) != Some(&"data"),
        };
        if !suits {
            let detail = format!("{target} is not what {:?} can override.", block.kind.name);
            self.error("Invalid target of an override", &detail, span);
            return None;
        }
        Some(Override { kind, target, span, values: self.values(&block.body, values) })
    }

    fn values(&mut self, body: &Body, name: &str) -> BTreeMap<Arc<str>, Value> {
        let Some(attribute) = body.attribute(name) else { return BTreeMap::new() };
        let Some(value) = self.constant(&attribute.value) else { return BTreeMap::new() };
        match value.as_entries() {
            Some(entries) => entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            None => {
                let detail = format!("{name:?} takes an object in braces: {{ name = value }}.");
                self.error("Wrong type", &detail, attribute.value.span);
                BTreeMap::new()
            }
        }
    }

    fn constant(&mut self, expr: &Expr) -> Option<Value> {
        evaluate(expr, &Names::default()).map_err(|problem| self.diagnostics.push(*problem)).ok()
    }

    /// Which of some words an argument is.
    fn keyword(&mut self, body: &Body, name: &str, words: &[&str]) -> Option<usize> {
        let value = &body.attribute(name)?.value;
        let given = word(value).unwrap_or_default();
        let found = words.iter().position(|word| *word == given);
        if found.is_none() {
            let detail = format!("{name:?} is one of these, without quotes: {}.", words.join(", "));
            let problem = Diagnostic::error("Invalid keyword", detail).at(value.span);
            self.diagnostics.push(problem.suggest(&given, words.iter().copied()));
        }
        found
    }

    fn addresses(&mut self, body: &Body, name: &str) -> Vec<(String, Span)> {
        let Some(attribute) = body.attribute(name) else { return Vec::new() };
        let ExprKind::Tuple(items) = &attribute.value.kind else {
            let detail = format!("{name:?} takes a list in square brackets.");
            self.error("Wrong type", &detail, attribute.value.span);
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((self.address(item)?, item.span))).collect()
    }

    /// Addresses of blocks, of which all instances are meant.
    fn blocks(&mut self, body: &Body, name: &str) -> Vec<(String, Span)> {
        let mut found = self.addresses(body, name);
        found
            .iter_mut()
            .for_each(|(address, _)| address.truncate(address.find('[').unwrap_or(address.len())));
        found
    }

    fn address(&mut self, expr: &Expr) -> Option<String> {
        let found = chain(expr);
        if found.is_none() {
            let detail = "An address is expected here, as var.region or terraform_data.main.";
            self.error("Invalid address", detail, expr.span);
        }
        found
    }

    fn error(&mut self, summary: &str, detail: &str, span: Span) {
        self.diagnostics.push(Diagnostic::error(summary, detail).at(span));
    }
}

/// A bare word; `refresh-only` is one, though it is written as a difference.
fn word(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Variable(name) => Some(name.to_string()),
        _ => chain(expr),
    }
}
