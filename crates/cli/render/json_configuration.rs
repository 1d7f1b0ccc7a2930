//! A module as Terraform's JSON format of plans has the configuration: for
//! tools that judge plans by what was written.
//!
//! Guarantees: what is said of an expression is its constant value or what it
//! refers to, never what it comes to in a plan; a constant for a sensitive
//! argument or variable is marked as one. Given as a value, which keeps numbers
//! exact, to be shown as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use tenantctl_core::addr::ResourceMode;
use tenantctl_core::config::{
    Module, ModuleCall, Output, Provisioner, Repetition, Resource, Variable, passed_on,
};
use tenantctl_core::diag::{Diagnostic, Span};
use tenantctl_core::expr::functions::NO_LANGUAGE;
use tenantctl_core::expr::{
    Chain, ChainStep, DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate,
};
use tenantctl_core::provider::{Block, Nesting, Registry};
use tenantctl_core::value::{Type, Value};

use self::providers::Configurations;

mod providers;

/// An object in the making.
type Entries = BTreeMap<String, Value>;

/// The `configuration` of a plan of this root module.
pub(crate) fn root(root: &Module, registry: &Registry) -> Value {
    let configurations = Configurations::of(root, registry);
    let described = Described { registry, configurations: &configurations };
    object([
        ("provider_config", Value::object(configurations.shown())),
        ("root_module", described.module(root, "")),
    ])
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::object(entries)
}

/// The address of a called module.
fn called(path: &str, call: &ModuleCall) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}module.{}", call.name.name)
}

struct Described<'d> {
    registry: &'d Registry,
    configurations: &'d Configurations,
}

impl Described<'_> {
    fn module(&self, module: &Module, path: &str) -> Value {
        let mut entries = Entries::new();
        let outputs = module.outputs.iter().filter(|output| passed_on(&output.name.name).is_none());
        set_all(&mut entries, "outputs", outputs.map(|one| (one.name.name.to_string(), output(one))));
        let mut blocks: Vec<(ResourceMode, String, &Resource)> = module
            .resources
            .iter()
            .map(|one| (one.mode, format!("{}.{}", one.kind, one.name), one))
            .collect();
        blocks.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        if !blocks.is_empty() {
            let blocks = blocks.into_iter().map(|(_, _, one)| self.resource(one, path));
            entries.insert("resources".into(), Value::tuple(blocks));
        }
        let calls = module.calls.iter().map(|one| (one.name.name.to_string(), self.call(one, path)));
        set_all(&mut entries, "module_calls", calls);
        let variables = module.variables.iter().map(|one| (one.name.name.to_string(), variable(one)));
        set_all(&mut entries, "variables", variables);
        Value::object(entries)
    }

    fn resource(&self, resource: &Resource, path: &str) -> Value {
        let mode = match resource.mode {
            ResourceMode::Managed => "managed",
            ResourceMode::Data => "data",
            ResourceMode::Ephemeral => "ephemeral",
        };
        let address = format!("{}{}.{}", resource.mode.prefix(), resource.kind, resource.name);
        let mut entries = texts([
            ("address", &*address),
            ("mode", mode),
            ("type", &*resource.kind),
            ("name", &*resource.name),
            ("provider_config_key", &*self.configurations.key(&resource.configuration, path)),
        ]);
        let provider = self.registry.of_type(&resource.kind);
        let schema = provider.and_then(|one| one.schema().types(resource.mode).get(&*resource.kind));
        if let Some(schema) = schema {
            entries.insert("schema_version".into(), Value::from(i64::from(schema.version)));
            set_all(&mut entries, "expressions", body(&resource.body, &schema.block, resource.span));
        }
        if !resource.provisioners.is_empty() {
            let all = resource.provisioners.iter().map(provisioner);
            entries.insert("provisioners".into(), Value::tuple(all));
        }
        repetition(&mut entries, &resource.repetition);
        depends_on(&mut entries, &resource.depends_on);
        Value::object(entries)
    }

    fn call(&self, call: &ModuleCall, path: &str) -> Value {
        let mut entries = texts([("source", &*call.source)]);
        let arguments = call.arguments.iter().map(|(name, value)| {
            let variable = call.module.variables.iter().find(|variable| variable.name.name == *name);
            let sensitive = variable.is_some_and(|variable| variable.sensitive);
            (name.to_string(), expression(value, sensitive))
        });
        set_all(&mut entries, "expressions", arguments);
        repetition(&mut entries, &call.repetition);
        entries.insert("module".into(), self.module(&call.module, &called(path, call)));
        depends_on(&mut entries, &call.depends_on);
        Value::object(entries)
    }
}

/// Sets what is not empty.
fn set_all(entries: &mut Entries, key: &str, all: impl IntoIterator<Item = (String, Value)>) {
    let all: Entries = all.into_iter().collect();
    if !all.is_empty() {
        entries.insert(key.into(), Value::object(all));
    }
}

fn texts<const N: usize>(all: [(&str, &str); N]) -> Entries {
    all.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect()
}

/// Sets flags that are true and texts that are there.
fn set_words(entries: &mut Entries, flags: &[(&str, bool)], words: &[(&str, Option<&str>)]) {
    for (key, _) in flags.iter().filter(|(_, is_set)| *is_set) {
        entries.insert((*key).into(), true.into());
    }
    for (key, text) in
        words.iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.is_empty())?)))
    {
        entries.insert((*key).into(), text.into());
    }
}

fn variable(variable: &Variable) -> Value {
    let mut entries = Entries::new();
    if variable.constraint.ty != Type::Dynamic {
        entries.insert("type".into(), ty(&variable.constraint.ty));
    }
    if let Some(default) = &variable.default {
        entries.insert("default".into(), hidden(default.clone(), variable.sensitive));
    }
    let flags = [
        ("required", variable.default.is_none()),
        ("sensitive", variable.sensitive),
        ("ephemeral", variable.ephemeral),
    ];
    let words =
        [("description", variable.description.as_deref()), ("deprecated", variable.deprecated.as_deref())];
    set_words(&mut entries, &flags, &words);
    Value::object(entries)
}

/// A type constraint in Terraform's JSON notation.
fn ty(constraint: &Type) -> Value {
    let of = |kind: &str, element: &Type| Value::tuple([kind.into(), ty(element)]);
    match constraint {
        Type::Dynamic => "dynamic".into(),
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::List(element) => of("list", element),
        Type::Set(element) => of("set", element),
        Type::Map(element) => of("map", element),
        Type::Tuple(elements) => Value::tuple(["tuple".into(), Value::tuple(elements.iter().map(ty))]),
        Type::Object(attributes) => {
            let all = attributes.attributes.iter().map(|(name, inner)| (name.clone(), ty(inner)));
            let optional = Value::tuple(attributes.optional.iter().map(|name| Value::from(name.clone())));
            let optional = (!attributes.optional.is_empty()).then_some(optional);
            Value::tuple(["object".into(), Value::object(all)].into_iter().chain(optional))
        }
    }
}

fn output(output: &Output) -> Value {
    let mut entries = Entries::from([("expression".to_owned(), expression(&output.value, output.sensitive))]);
    let flags = [("sensitive", output.sensitive), ("ephemeral", output.ephemeral)];
    let words =
        [("description", output.description.as_deref()), ("deprecated", output.deprecated.as_deref())];
    set_words(&mut entries, &flags, &words);
    depends_on(&mut entries, &output.depends_on);
    Value::object(entries)
}

fn provisioner(provisioner: &Provisioner) -> Value {
    let mut entries = texts([("type", "local-exec")]);
    set_all(&mut entries, "expressions", body(&provisioner.config, &Block::default(), provisioner.span));
    Value::object(entries)
}

fn repetition(entries: &mut Entries, repetition: &Repetition) {
    let (key, expr) = match repetition {
        // Terraform's format has nothing for the last.
        Repetition::None | Repetition::Enabled(_) => return,
        Repetition::Count(expr) => ("count_expression", expr),
        Repetition::ForEach(expr) => ("for_each_expression", expr),
    };
    let said = expression(expr, false);
    if said.as_entries().is_some_and(|entries| !entries.is_empty()) {
        entries.insert(key.into(), said);
    }
}

fn depends_on(entries: &mut Entries, all: &[Expr]) {
    if !all.is_empty() {
        let subject = |expr: &Expr| expr.chain().map(|chain| chain.shortened(own_steps(&chain)));
        let all = all.iter().map(|expr| Value::from(subject(expr).unwrap_or_default()));
        entries.insert("depends_on".into(), Value::tuple(all));
    }
}

/// What is set in a body. What is not stands in it at the place of the block,
/// `span`.
fn body(expr: &Expr, schema: &Block, span: Span) -> Entries {
    let ExprKind::Object(items) = &expr.kind else { return Entries::new() };
    let mut found = Entries::new();
    for (key, value) in items {
        let ExprKind::Literal(name) = &key.kind else { continue };
        let Some(name) = name.as_str() else { continue };
        if let Some(nested) = schema.blocks.get(name) {
            let all = blocks(value).into_iter();
            let all = all.map(|one| Value::object(body(one, &nested.block, one.span)));
            let shown = match nested.nesting {
                Nesting::List => {
                    Some(Value::tuple(all)).filter(|all| all.as_items().is_some_and(|i| !i.is_empty()))
                }
                Nesting::Single => all.last(),
            };
            found.extend(shown.map(|shown| (name.to_owned(), shown)));
        } else if key.span != span {
            let sensitive = schema.attributes.get(name).is_some_and(|attribute| attribute.sensitive);
            found.insert(name.to_owned(), expression(value, sensitive));
        }
    }
    found
}

/// The bodies of blocks that are written out; those of `dynamic` blocks are not
/// known before it is evaluated.
fn blocks(expr: &Expr) -> Vec<&Expr> {
    match &written(expr).kind {
        ExprKind::Blocks(parts) => {
            let items = parts.iter().filter_map(|part| match &part.kind {
                ExprKind::Tuple(items) => Some(items),
                _ => None,
            });
            items.flatten().collect()
        }
        ExprKind::Object(_) => vec![written(expr)],
        _ => Vec::new(),
    }
}

/// An expression without the conversion that the schema asks for.
fn written(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Convert(inner, _) => written(inner),
        _ => expr,
    }
}

/// What is said of an expression.
fn expression(expr: &Expr, sensitive: bool) -> Value {
    let expr = written(expr);
    let mut references = Vec::new();
    expr.for_each_chain(&mut |chain| refer(&chain, &mut references));
    refer_functions(expr, &mut references);
    if !references.is_empty() {
        return object([("references", Value::tuple(references))]);
    }
    match constant(expr) {
        Some(value) => object([("constant_value", hidden(value, sensitive))]),
        None => object([]),
    }
}

fn hidden(value: Value, sensitive: bool) -> Value {
    if sensitive && !value.is_null() { value.sensitive() } else { value }
}

/// The value of an expression that has neither references nor functions.
fn constant(expr: &Expr) -> Option<Value> {
    if let ExprKind::Literal(value) = &expr.kind {
        return Some(value.clone());
    }
    if calls(expr) {
        return None;
    }
    evaluate(expr, &Nothing).ok().filter(Value::is_wholly_known)
}

fn calls(expr: &Expr) -> bool {
    let mut found = matches!(expr.kind, ExprKind::Call(_));
    expr.for_each_child(&mut |child| found = found || calls(child));
    found
}

/// A scope with no names.
struct Nothing;

impl Scope for Nothing {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let detail = format!("{reference} is no constant.");
        Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)))
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext {
            module_dir: Path::new(""),
            root_dir: Path::new(""),
            timestamp: "",
            now: None,
            files: &DiskFiles,
            language: &NO_LANGUAGE,
        }
    }
}

/// How many steps belong to the name of the object that is referred to: the
/// key of an instance, the output of a module.
fn own_steps(chain: &Chain<'_>) -> usize {
    let is_key = |at: usize| matches!(chain.steps.get(at), Some(ChainStep::Index(_)));
    match chain.reference {
        Reference::Resource { .. } => usize::from(is_key(0)),
        Reference::Module(_) => {
            let key = usize::from(is_key(0));
            key + usize::from(matches!(chain.steps.get(key), Some(ChainStep::Attribute(_))))
        }
        _ => 0,
    }
}

/// The functions of providers that are called, the outer before the inner.
fn refer_functions(expr: &Expr, found: &mut Vec<Value>) {
    if let ExprKind::Call(call) = &expr.kind
        && call.name.starts_with("provider::")
    {
        found.push((&*call.name).into());
    }
    expr.for_each_child(&mut |child| refer_functions(child, found));
}

/// All that a chain refers to, the longest first.
fn refer(chain: &Chain<'_>, found: &mut Vec<Value>) {
    let own = own_steps(chain);
    for end in (own..=chain.steps.len()).rev() {
        found.push(chain.shortened(end).into());
    }
    // The block of an instance, the call of an output.
    match chain.reference {
        Reference::Resource { .. } if own > 0 => found.push(chain.shortened(0).into()),
        Reference::Module(_) if own > 0 => {
            let of_output = matches!(chain.steps.get(own - 1), Some(ChainStep::Attribute(_)));
            found.push(chain.shortened(if of_output { own - 1 } else { 0 }).into());
        }
        _ => {}
    }
}
