use super::*;
use crate::expr::ExprKind;

/// An expression with every bracket that its tree has.
fn shown(expr: &Expr) -> String {
    let list = |items: &[Expr], sep: &str| items.iter().map(shown).collect::<Vec<_>>().join(sep);
    match &expr.kind {
        ExprKind::Literal(value) if value.as_number().is_some() => {
            value.as_number().map_or_else(String::new, ToString::to_string)
        }
        ExprKind::Literal(value) => value.to_plain_json().map_or("?".into(), |json| json.to_string()),
        ExprKind::Template(parts) => format!("`{}`", list(parts, " ")),
        ExprKind::TemplateIf(p) => format!("if({}, {}, {})", shown(&p.0), shown(&p.1), shown(&p.2)),
        ExprKind::TemplateFor(f) => {
            format!("each({} in {}: {})", f.value_name, shown(&f.collection), shown(&f.value))
        }
        ExprKind::Tuple(items) => format!("[{}]", list(items, ", ")),
        ExprKind::Object(items) => {
            let items: Vec<_> = items.iter().map(|(k, v)| format!("{}={}", shown(k), shown(v))).collect();
            format!("{{{}}}", items.join(", "))
        }
        ExprKind::Reference(reference) => reference.to_string(),
        ExprKind::Variable(name) => format!("'{name}"),
        ExprKind::Attribute(source, name) => format!("{}.{name}", shown(source)),
        ExprKind::Index(pair) => format!("{}[{}]", shown(&pair.0), shown(&pair.1)),
        ExprKind::Group(inner) => shown(inner),
        ExprKind::Splat(pair) => format!("splat({}, {})", shown(&pair.0), shown(&pair.1)),
        ExprKind::Call(c) => {
            format!("{}({}{})", c.name, list(&c.args, ", "), if c.expand { "..." } else { "" })
        }
        ExprKind::Unary(operator, operand) => format!("({operator:?} {})", shown(operand)),
        ExprKind::Binary(operator, pair) => format!("({} {operator:?} {})", shown(&pair.0), shown(&pair.1)),
        ExprKind::Conditional(p) => format!("({} ? {} : {})", shown(&p.0), shown(&p.1), shown(&p.2)),
        ExprKind::For(f) => format!(
            "for({:?} {} in {}: {:?} {}{} {:?})",
            f.key_name,
            f.value_name,
            shown(&f.collection),
            f.key.as_ref().map(shown),
            shown(&f.value),
            if f.group { "..." } else { "" },
            f.condition.as_ref().map(shown)
        ),
        other => format!("{other:?}"),
    }
}

/// The tree, or what was found wrong, each as `start: summary: detail`.
fn parsed(text: &str) -> Result<String, Vec<String>> {
    let mut diagnostics = Diagnostics::new();
    let expr = parse_expression(FileId(0), text, &mut diagnostics);
    let errors = said(&diagnostics);
    if errors.is_empty() { Ok(shown(&expr.expect("an expression"))) } else { Err(errors) }
}

fn said(diagnostics: &Diagnostics) -> Vec<String> {
    let line = |d: &Diagnostic| format!("{}: {}: {}", d.span.map_or(0, |s| s.start), d.summary, d.detail);
    diagnostics.iter().map(line).collect()
}

#[test]
fn expressions() {
    let cases = [
        ("1 + 2 * 3 - 4", "((1 Add (2 Multiply 3)) Subtract 4)"),
        ("a.b == 1 && !var.c || -1 < 2", "(((a.b Equal 1) And (Not var.c)) Or ((Negate 1) Less 2))"),
        ("var.a ? 1 : var.b ? 2 : 3", "(var.a ? 1 : (var.b ? 2 : 3))"),
        ("(\n1\n+ 2)", "(1 Add 2)"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1e1", "1"),
        ("data.t.n.id", "data.t.n.id"),
        ("t.n[0].id", "t.n[0].id"),
        ("t.n.0.id", "t.n[0].id"),
        ("t.n[*].a.b[0]", "splat(t.n, '*.a.b[0])"),
        ("t.n.*.a.b[0]", "splat(t.n, '*.a.b)[0]"),
        ("t.n[*].a[*].b", "splat(t.n, splat('*.a, '*.b))"),
        ("module.m[\"k\"].out", "module.m[\"k\"].out"),
        ("f(1, [2, 3,]...)", "f(1, [2, 3]...)"),
        ("provider::x::f()", "provider::x::f()"),
        ("{ a = 1, \"b\" : 2\n (var.k) = 3\n for_x = 4 }", "{\"a\"=1, \"b\"=2, var.k=3, \"for_x\"=4}"),
        ("{ null = 1, true = 2 }", "{\"null\"=1, \"true\"=2}"),
        ("[for v in var.l : v if v != 1]", "for(None v in var.l: None 'v Some(\"('v NotEqual 1)\"))"),
        (
            "{for k, v in var.m : k => [for k in v : k]...}",
            "for(Some(\"k\") v in var.m: Some(\"'k\") for(None k in 'v: None 'k None)... None)",
        ),
        ("\"\"", "\"\""),
        ("\"a${var.b}c\"", "`\"a\" var.b \"c\"`"),
        ("\"${var.b}\"", "var.b"),
        ("\"a ${~ var.b ~} c\"", "`\"a\" var.b \"c\"`"),
        ("\" ${~ var.b}\"", "`var.b`"),
        ("\"${\"${var.b}x\"}\"", "`var.b \"x\"`"),
        ("\"%{if var.a}x%{else}y%{endif}\"", "`if(var.a, `\"x\"`, `\"y\"`)`"),
        ("\"%{for v in var.l}${v},%{endfor}\"", "`each(v in var.l: `'v \",\"`)`"),
        ("\"\\u00e9\\t$${a} %%{b} 5% $5\"", "\"é\\t${a} %{b} 5% $5\""),
        ("<<E\n a\n  b\\n\nE\n", "\" a\\n  b\\\\n\\n\""),
        ("<<-E\n    a\n\n      ${var.b}\n    E\n", "`\"a\\n\\n  \" var.b \"\\n\"`"),
        ("<<-E\n  a\n ${var.b}\n  E\n", "`\" a\\n\" var.b \"\\n\"`"),
        ("# c\n1 /* d */", "1"),
    ];
    for (text, want) in cases {
        assert_eq!(parsed(text).as_deref(), Ok(want), "{text}");
    }
}

#[test]
fn mistakes_in_expressions() {
    let cases: Vec<_> = [
        "1 +",
        "(1",
        "[1 2]",
        "f(1",
        "{ a = 1",
        "{ a b = 1 }",
        "{ a.b = 1 }",
        "'a'",
        "\"a",
        "\"${a.b\"",
        "\"${a.b c}\"",
        "\"\\q\"",
        "\"\\u12\"",
        "<<E\nx\n",
        "<<E x",
        "foo",
        "each.x + count.y",
        "a.0.1.2",
        "var.a & var.b",
        "[for v in var.l : v => 1]",
        "{for v in var.l : v}",
        "[for in x : 1]",
        "\"%{if true}x\"",
        "\"%{endif}\"",
        "\"%{while}\"",
        "1e999999999999",
        "a.b[",
        "/* x",
        "var.a ? 1",
        "1 2",
        "",
    ]
    .into_iter()
    .map(|text| (text, parsed(text)))
    .collect();
    insta::assert_debug_snapshot!(cases);
}

#[test]
fn several_mistakes_in_one_file_are_all_found() {
    let text = "
a = 1 +
b = [1, 2
resource \"x\" \"y\" {
  c = \"unclosed
  d : 3
  e = 4
  e = 5
  nested { f = 1, g = 2 }
  \"h\" = 6
}
locals {
  i = {
    j = 1 2
  }
  k = foo(
}
output \"l\" { value = 1 }
}
m = 1 n = 2
block \"${a.b}\" {}
block {
";
    let mut diagnostics = Diagnostics::new();
    let body = parse_file(FileId(0), text, &mut diagnostics);
    let blocks: Vec<_> = body.blocks.iter().map(|b| (&*b.kind.name, b.body.attributes.len())).collect();
    let lines: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let at = d.span.expect("a place").start as usize;
            format!("{}: {}: {}", text[..at].matches('\n').count() + 1, d.summary, d.detail)
        })
        .collect();
    insta::assert_debug_snapshot!((blocks, lines));
}

#[test]
fn depth_is_bounded() {
    let deep = [
        "[".repeat(100_000),
        "(".repeat(100_000),
        "-".repeat(100_000),
        "{a=".repeat(100_000),
        "\"${".repeat(100_000),
        "a.b".to_owned() + &".c".repeat(100_000),
        "a.b".to_owned() + &"[0]".repeat(100_000),
        "1".to_owned() + &" + 1".repeat(100_000),
        "var.a ? 1 : ".repeat(100_000),
        "\"".to_owned() + &"%{if true}".repeat(100_000) + "\"",
        "[for x in ".repeat(100_000),
        "f(".repeat(100_000),
    ];
    for text in deep {
        let errors = parsed(&text).expect_err("too deep");
        assert!(errors.len() < 3 && errors[0].contains("Nested too deeply"), "{errors:?}");
    }
    let mut diagnostics = Diagnostics::new();
    parse_file(FileId(0), &"a {\n".repeat(100_000), &mut diagnostics);
    assert!(said(&diagnostics)[0].contains("Nested too deeply"), "{:?}", said(&diagnostics));
    // What is long but not deep is fine, and so is what is nearly as deep as it may be.
    assert!(parsed(&format!("[{}]", "[1, [2]],".repeat(100_000))).is_ok());
    assert!(parsed(&format!("\"{}\"", "%{if true}x%{endif}".repeat(10_000))).is_ok());
    assert!(parsed(&format!("{}1{}", "[".repeat(150), "]".repeat(150))).is_ok());
}

proptest::proptest! {
    /// Any text gives a tree or at least one diagnostic, and never a panic.
    #[test]
    fn any_text_is_answered(text in "([a-z]{1,3}|[0-9]|[\"${}%~<\\-\n\r #/*\\\\\\[\\]().,:?=>&|!+]|<<E\n|for |in |if |%\\{|\\$\\{|\\PC){0,60}") {
        let mut diagnostics = Diagnostics::new();
        parse_file(FileId(0), &text, &mut diagnostics);
        let mut diagnostics = Diagnostics::new();
        let expr = parse_expression(FileId(0), &text, &mut diagnostics);
        proptest::prop_assert!(expr.is_some() || diagnostics.has_errors());
        let mut diagnostics = Diagnostics::new();
        let template = parse_template(FileId(0), &text, &[], &mut diagnostics);
        proptest::prop_assert!(template.is_some() || diagnostics.has_errors());
    }
}

#[test]
fn a_file_of_mistakes_is_not_read_to_its_end() {
    for text in ["a b c\n", "a = 1\n", "}", "a = \"x\n", "a = b\n"] {
        let mut diagnostics = Diagnostics::new();
        parse_file(FileId(0), &text.repeat(10_000), &mut diagnostics);
        let told = diagnostics.iter().count();
        assert!(told > 10 && told <= 51, "{told} of {text:?}");
        assert_eq!(diagnostics.iter().last().map(|d| d.summary.as_str()), Some("Too many mistakes"));
    }
}

#[test]
fn a_check_does_not_judge_names() {
    let mut diagnostics = Diagnostics::new();
    let text = "a = b\nc = each.thing + { d.e = path.nowhere[f] }\n";
    check_file(FileId(0), text, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    check_file(FileId(0), "a = = b\n", &mut diagnostics);
    assert!(diagnostics.has_errors());
}
