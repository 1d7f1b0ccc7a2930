//! The parser's expressions to ours.
//!
//! Guarantees: `for` variables are told from outside names here, by scope; a
//! name that cannot mean anything is a diagnostic at its place.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOperator as EditBinary, Expression, ObjectKey, Traversal, TraversalOperator,
    UnaryOperator as EditUnary,
};
use hcl_edit::template::{Directive, Element, Strip, Template};

use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::expr::{BinaryOperator, Call, Expr, ExprKind, ForExpr, Reference, SPLAT, UnaryOperator};
use crate::value::{Number, Value};

/// Lowers the expressions of one file.
pub(super) struct Lowerer<'a> {
    file: FileId,
    /// Names bound by enclosing `for` expressions and dynamic blocks.
    bound: Vec<Arc<str>>,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Lowerer<'a> {
    pub(super) fn new(file: FileId, diagnostics: &'a mut Diagnostics) -> Self {
        Lowerer { file, bound: Vec::new(), diagnostics }
    }

    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn push(&mut self, name: Arc<str>) {
        self.bound.push(name);
    }

    pub(super) fn pop(&mut self) {
        self.bound.pop();
    }

    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let range = range.unwrap_or_default();
        Span { file: self.file, start: offset(range.start), end: offset(range.end) }
    }

    pub(super) fn expr(&mut self, expr: &Expression) -> Expr {
        let span = self.span(expr.span());
        let kind = match expr {
            Expression::Null(_) => ExprKind::Literal(Value::NULL),
            Expression::Bool(b) => ExprKind::Literal(Value::from(*b.value())),
            Expression::Number(n) => ExprKind::Literal(number(&n.value().to_string())),
            Expression::String(s) => ExprKind::Literal(Value::from(s.value().as_str())),
            Expression::Array(items) => ExprKind::Tuple(items.iter().map(|e| self.expr(e)).collect()),
            Expression::Object(object) => {
                let items = object.iter().map(|(key, value)| {
                    let key = match key {
                        ObjectKey::Ident(name) => Expr::literal(name.as_str().into(), self.span(name.span())),
                        ObjectKey::Expression(e) => self.object_key(e),
                    };
                    (key, self.expr(value.expr()))
                });
                ExprKind::Object(items.collect())
            }
            Expression::StringTemplate(template) => self.template(template.iter()),
            Expression::HeredocTemplate(heredoc) => {
                let mut heredoc = (**heredoc).clone();
                heredoc.dedent();
                self.template(heredoc.template.iter())
            }
            Expression::Parenthesis(inner) => return Expr { span, ..self.expr(inner.inner()) },
            Expression::Variable(name) => self.variable(name.as_str(), span),
            Expression::Conditional(c) => ExprKind::Conditional(Box::new((
                self.expr(&c.cond_expr),
                self.expr(&c.true_expr),
                self.expr(&c.false_expr),
            ))),
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(traversal) => return self.traversal(traversal, span),
            Expression::UnaryOp(op) => {
                let operator = match op.operator.value() {
                    EditUnary::Neg => UnaryOperator::Negate,
                    EditUnary::Not => UnaryOperator::Not,
                };
                ExprKind::Unary(operator, Box::new(self.expr(&op.expr)))
            }
            Expression::BinaryOp(op) => {
                let operands = Box::new((self.expr(&op.lhs_expr), self.expr(&op.rhs_expr)));
                ExprKind::Binary(binary(*op.operator.value()), operands)
            }
            Expression::ForExpr(f) => {
                let collection = self.expr(&f.intro.collection_expr);
                let key_name = f.intro.key_var.as_ref().map(|k| Arc::from(k.as_str()));
                let value_name = Arc::from(f.intro.value_var.as_str());
                self.bind(key_name, value_name, |this, key_name, value_name| {
                    ExprKind::For(Box::new(ForExpr {
                        key_name,
                        value_name,
                        collection,
                        key: f.key_expr.as_ref().map(|e| this.expr(e)),
                        value: this.expr(&f.value_expr),
                        condition: f.cond.as_ref().map(|c| this.expr(&c.expr)),
                        group: f.grouping,
                    }))
                })
            }
        };
        Expr { kind, span }
    }

    /// An expression in which a bare name is a keyword (`ignore_changes`, a
    /// type), not a reference.
    pub(super) fn keyword(&mut self, expr: &Expression) -> Expr {
        let span = self.span(expr.span());
        let kind = match expr {
            Expression::Variable(name) => ExprKind::Variable(name.as_str().into()),
            Expression::FuncCall(call) => ExprKind::Call(Box::new(Call {
                name: call.name.name.as_str().into(),
                args: call.args.iter().map(|e| self.keyword(e)).collect(),
                expand: call.args.expand_final(),
            })),
            Expression::Array(items) => ExprKind::Tuple(items.iter().map(|e| self.keyword(e)).collect()),
            Expression::Object(object) => {
                let items = object.iter().map(|(key, value)| {
                    let key = match key {
                        ObjectKey::Ident(name) => Expr::literal(name.as_str().into(), self.span(name.span())),
                        ObjectKey::Expression(e) => self.object_key(e),
                    };
                    (key, self.keyword(value.expr()))
                });
                ExprKind::Object(items.collect())
            }
            other => return self.expr(other),
        };
        Expr { kind, span }
    }

    /// A key that looks like a name is that name, as in `{ a = 1 }`.
    fn object_key(&mut self, key: &Expression) -> Expr {
        match key {
            Expression::Variable(name) => Expr::literal(name.as_str().into(), self.span(key.span())),
            other => self.expr(other),
        }
    }

    fn bind(
        &mut self,
        key: Option<Arc<str>>,
        value: Arc<str>,
        build: impl FnOnce(&mut Self, Option<Arc<str>>, Arc<str>) -> ExprKind,
    ) -> ExprKind {
        let depth = self.bound.len();
        self.bound.extend(key.clone());
        self.bound.push(value.clone());
        let kind = build(self, key, value);
        self.bound.truncate(depth);
        kind
    }

    fn variable(&mut self, name: &str, span: Span) -> ExprKind {
        if self.bound.iter().any(|bound| &**bound == name) {
            return ExprKind::Variable(name.into());
        }
        self.error(
            Diagnostic::error(
                "Invalid reference",
                format!("The name {name:?} alone refers to nothing: a reference to a resource has a type and a name."),
            )
            .at(span)
            .hint(format!("To refer to a variable write var.{name}, to a local value local.{name}; text stands in quotes.")),
        );
        ExprKind::Literal(Value::NULL)
    }

    fn call(&mut self, call: &hcl_edit::expr::FuncCall) -> ExprKind {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.as_str());
        ExprKind::Call(Box::new(Call {
            name: name.into(),
            args: call.args.iter().map(|e| self.expr(e)).collect(),
            expand: call.args.expand_final(),
        }))
    }

    fn traversal(&mut self, traversal: &Traversal, span: Span) -> Expr {
        let operators: Vec<&TraversalOperator> = traversal.operators.iter().map(|o| o.value()).collect();
        let (start, used) = match &traversal.expr {
            Expression::Variable(root) if !self.bound.iter().any(|b| &**b == root.as_str()) => {
                let names: Vec<&str> = operators
                    .iter()
                    .map_while(|o| {
                        if let TraversalOperator::GetAttr(name) = o { Some(name.as_str()) } else { None }
                    })
                    .collect();
                let Some((reference, used)) = reference(root.as_str(), &names) else {
                    self.error(bad_reference(root.as_str()).at(span));
                    return Expr::literal(Value::NULL, span);
                };
                let end = traversal.operators[..used].last().and_then(|o| o.span()).or_else(|| root.span());
                let place = self.span(traversal.expr.span()).to(self.span(end));
                (Expr { kind: ExprKind::Reference(reference), span: place }, used)
            }
            other => (self.expr(other), 0),
        };
        self.operators(start, &traversal.operators[used..])
    }

    fn operators(&mut self, mut source: Expr, operators: &[hcl_edit::Decorated<TraversalOperator>]) -> Expr {
        let mut rest = operators.iter();
        while let Some(operator) = rest.next() {
            let span = source.span.to(self.span(operator.span()));
            let kind = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    ExprKind::Attribute(Box::new(source), name.as_str().into())
                }
                TraversalOperator::Index(key) => {
                    let key = self.expr(key);
                    ExprKind::Index(Box::new((source, key)))
                }
                TraversalOperator::LegacyIndex(index) => {
                    let key = Expr::literal(number(&index.value().to_string()), span);
                    ExprKind::Index(Box::new((source, key)))
                }
                splat @ (TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_)) => {
                    let following = rest.as_slice();
                    // `.*` reaches over names only, `[*]` over everything.
                    let taken = match splat {
                        TraversalOperator::FullSplat(_) => following.len(),
                        _ => following
                            .iter()
                            .take_while(|o| matches!(o.value(), TraversalOperator::GetAttr(_)))
                            .count(),
                    };
                    let element = Expr { kind: ExprKind::Variable(SPLAT.into()), span };
                    let each = self.operators(element, &following[..taken]);
                    rest = following[taken..].iter();
                    let span = span.to(each.span);
                    source = Expr { kind: ExprKind::Splat(Box::new((source, each))), span };
                    continue;
                }
            };
            source = Expr { kind, span };
        }
        source
    }

    fn template<'t>(&mut self, elements: impl Iterator<Item = &'t Element>) -> ExprKind {
        let elements: Vec<&Element> = elements.collect();
        let mut parts = Vec::with_capacity(elements.len());
        for (i, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let trim_start = i > 0 && strip_of(elements[i - 1]).1;
                    let trim_end = elements.get(i + 1).is_some_and(|next| strip_of(next).0);
                    let mut text_part: &str = text.as_str();
                    if trim_start {
                        text_part = trim_line_start(text_part);
                    }
                    if trim_end {
                        text_part = trim_line_end(text_part);
                    }
                    parts.push(Expr::literal(text_part.into(), self.span(text.span())));
                }
                Element::Interpolation(i) => parts.push(self.expr(&i.expr)),
                Element::Directive(directive) => {
                    let span = self.span(directive.span());
                    let kind = self.directive(directive);
                    parts.push(Expr { kind, span });
                }
            }
        }
        // A lone interpolation is the value itself, not text.
        if parts.len() == 1 && matches!(elements[0], Element::Interpolation(_)) {
            return parts.remove(0).kind;
        }
        ExprKind::Template(parts)
    }

    fn directive(&mut self, directive: &Directive) -> ExprKind {
        match directive {
            Directive::If(d) => {
                let condition = self.expr(&d.if_expr.cond_expr);
                let after_then = d.else_expr.as_ref().map_or(d.endif_expr.strip, |e| e.strip);
                let then = self.inner(&d.if_expr.template, d.if_expr.strip, after_then);
                let otherwise = match &d.else_expr {
                    Some(e) => self.inner(&e.template, e.strip, d.endif_expr.strip),
                    None => Expr::literal("".into(), condition.span),
                };
                ExprKind::TemplateIf(Box::new((condition, then, otherwise)))
            }
            Directive::For(d) => {
                let intro = &d.for_expr;
                let collection = self.expr(&intro.collection_expr);
                let key_name = intro.key_var.as_ref().map(|k| Arc::from(k.as_str()));
                let value_name = Arc::from(intro.value_var.as_str());
                self.bind(key_name, value_name, |this, key_name, value_name| {
                    let value = this.inner(&intro.template, intro.strip, d.endfor_expr.strip);
                    ExprKind::TemplateFor(Box::new(ForExpr {
                        key_name,
                        value_name,
                        collection,
                        key: None,
                        value,
                        condition: None,
                        group: false,
                    }))
                })
            }
        }
    }

    /// A template between two directive markers, which may strip its ends.
    fn inner(&mut self, template: &Template, before: Strip, after: Strip) -> Expr {
        let mut template = template.clone();
        let count = template.len();
        for (i, element) in template.iter_mut().enumerate() {
            if let Element::Literal(text) = element {
                let mut trimmed: &str = text.as_str();
                if i == 0 && matches!(before, Strip::End | Strip::Both) {
                    trimmed = trim_line_start(trimmed);
                }
                if i + 1 == count && matches!(after, Strip::Start | Strip::Both) {
                    trimmed = trim_line_end(trimmed);
                }
                *text = trimmed.to_owned().into();
            }
        }
        let span = self.span(template.span());
        let kind = match self.template(template.iter()) {
            kind @ ExprKind::Template(_) => kind,
            lone => ExprKind::Template(vec![Expr { kind: lone, span }]),
        };
        Expr { kind, span }
    }
}

/// Whether an element strips the text before and after it.
fn strip_of(element: &Element) -> (bool, bool) {
    let both = |first: Strip, last: Strip| {
        (matches!(first, Strip::Start | Strip::Both), matches!(last, Strip::End | Strip::Both))
    };
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(i) => both(i.strip, i.strip),
        Element::Directive(d) => match &**d {
            Directive::If(d) => both(d.if_expr.strip, d.endif_expr.strip),
            Directive::For(d) => both(d.for_expr.strip, d.endfor_expr.strip),
        },
    }
}

fn trim_line_start(text: &str) -> &str {
    text.trim_start()
}

fn trim_line_end(text: &str) -> &str {
    text.trim_end()
}

fn number(text: &str) -> Value {
    text.parse::<Number>().map_or(Value::NULL, Value::from)
}

fn bad_reference(root: &str) -> Diagnostic {
    let want = match root {
        "var" | "local" | "module" => format!("{root:?} is followed by a dot and a name."),
        "data" => "A data source is referred to as data.TYPE.NAME.".into(),
        "each" => "The \"each\" object has the attributes \"key\" and \"value\".".into(),
        "count" => "The \"count\" object has the attribute \"index\".".into(),
        "path" => "The \"path\" object has the attributes \"module\", \"root\" and \"cwd\".".into(),
        "terraform" => "The \"terraform\" object has the attribute \"workspace\".".into(),
        other => format!("A reference to a resource has its type and its name: {other}.NAME."),
    };
    Diagnostic::error("Invalid reference", want)
}

/// What a dotted name refers to, and how many names after the root it takes.
fn reference(root: &str, names: &[&str]) -> Option<(Reference, usize)> {
    let first = names.first().copied();
    Some(match root {
        "var" => (Reference::Var(first?.into()), 1),
        "local" => (Reference::Local(first?.into()), 1),
        "module" => (Reference::Module(first?.into()), 1),
        "each" if first? == "key" => (Reference::EachKey, 1),
        "each" if first? == "value" => (Reference::EachValue, 1),
        "count" if first? == "index" => (Reference::CountIndex, 1),
        "path" if ["module", "root", "cwd"].contains(&first?) => (Reference::Path(first?.into()), 1),
        "terraform" if first? == "workspace" => (Reference::Terraform(first?.into()), 1),
        "each" | "count" | "path" | "terraform" => return None,
        "self" => (Reference::Itself, 0),
        "data" => {
            let name = names.get(1)?;
            (Reference::Resource { mode: ResourceMode::Data, kind: first?.into(), name: (*name).into() }, 2)
        }
        kind => {
            (Reference::Resource { mode: ResourceMode::Managed, kind: kind.into(), name: first?.into() }, 1)
        }
    })
}

fn binary(operator: EditBinary) -> BinaryOperator {
    match operator {
        EditBinary::Eq => BinaryOperator::Equal,
        EditBinary::NotEq => BinaryOperator::NotEqual,
        EditBinary::LessEq => BinaryOperator::LessOrEqual,
        EditBinary::GreaterEq => BinaryOperator::GreaterOrEqual,
        EditBinary::Less => BinaryOperator::Less,
        EditBinary::Greater => BinaryOperator::Greater,
        EditBinary::Plus => BinaryOperator::Add,
        EditBinary::Minus => BinaryOperator::Subtract,
        EditBinary::Mul => BinaryOperator::Multiply,
        EditBinary::Div => BinaryOperator::Divide,
        EditBinary::Mod => BinaryOperator::Modulo,
        EditBinary::And => BinaryOperator::And,
        EditBinary::Or => BinaryOperator::Or,
    }
}
