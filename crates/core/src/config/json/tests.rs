use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::shape::Shape;
use super::{Reader, parse, parse_values};
use crate::diag::{Diagnostic, Diagnostics, FileId};
use crate::provider::{Attribute, Block as Schema, BlockType, Nesting, Registry};
use crate::syntax::{Body, parse_file};
use crate::value::Type;

/// A body without its places.
fn shown(body: &Body) -> String {
    let spans = regex::Regex::new(r"span: Span \{[^}]*\}").expect("a pattern");
    spans.replace_all(&format!("{body:?}"), "_").into_owned()
}

fn native(text: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    let body = parse_file(FileId(0), text, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    shown(&body)
}

fn mistakes(text: &str) -> Vec<Diagnostic> {
    let mut diagnostics = Diagnostics::new();
    parse(FileId(0), text, &Registry::default(), &mut diagnostics);
    diagnostics.into_iter().collect()
}

/// Native syntax, and the same as JSON.
const CASES: [(&str, &str); 22] = [
    ("", "{}"),
    ("", r#"[{"//": "nothing"}, {}]"#),
    (
        "locals {\n a = 1.50\n b = true\n c = null\n d = [1, {e = \"f\"}]\n}\n",
        r#"{"locals": {"a": 1.50, "b": true, "c": null, "//": "a remark", "d": [1, {"e": "f"}]}}"#,
    ),
    ("locals {\n a = 12345678901234567890123\n}\n", r#"{"locals": {"a": 12345678901234567890123}}"#),
    ("locals {\n a = 1\n}\nlocals {\n b = 2\n}\n", r#"{"locals": [{"a": 1}, {"b": 2}]}"#),
    // Strings are templates.
    ("locals {\n a = \"x ${var.b} $${c}\"\n}\n", r#"{"locals": {"a": "x ${var.b} $${c}"}}"#),
    ("locals {\n a = var.b\n}\n", r#"{"locals": {"a": "${var.b}"}}"#),
    ("locals {\n a = [for x in var.b : x]\n}\n", r#"{"locals": {"a": "${[for x in var.b : x]}"}}"#),
    ("locals {\n a = { (var.k) = 1 }\n}\n", r#"{"locals": {"a": {"${var.k}": 1}}}"#),
    ("locals {\n a = \"%{if var.b}c%{endif}\"\n}\n", r#"{"locals": {"a": "%{if var.b}c%{endif}"}}"#),
    ("locals {\n a = \"\\\"\\n\\\\é\"\n}\n", r#"{"locals": {"a": "\"\n\\\u00e9"}}"#),
    // Labels are names of properties, each object or array of them.
    (
        "resource \"a\" \"b\" {\n c = 1\n}\nresource \"a\" \"d\" {}\nresource \"e\" \"f\" {}\n",
        r#"{"resource": {"a": {"b": {"c": 1}, "d": {}}, "e": [{"f": {}}]}}"#,
    ),
    ("output \"a\" {\n value = 1\n}\n", r#"{"output": [{"a": {"value": 1}}]}"#),
    ("module \"a\" {\n source = \"./b\"\n}\n", r#"{"module": {"a": [{"source": "./b"}]}}"#),
    ("", r#"{"resource": null, "variable": {"a": null}}"#),
    // Types, names and references are written as text.
    (
        "variable \"a\" {\n type = map(object({ b = optional(string) }))\n default = { c = \"$${d}\" }\n}\n",
        r#"{"variable": {"a": {"type": "map(object({ b = optional(string) }))", "default": {"c": "${d}"}}}}"#,
    ),
    (
        "resource \"a\" \"b\" {\n depends_on = [a.c, module.d]\n lifecycle {\n  ignore_changes = [e, f[0]]\n  replace_triggered_by = [a.c.id]\n  prevent_destroy = true\n }\n}\n",
        r#"{"resource": {"a": {"b": {"depends_on": ["a.c", "module.d"], "lifecycle": {
            "ignore_changes": ["e", "f[0]"], "replace_triggered_by": ["a.c.id"], "prevent_destroy": true}}}}}"#,
    ),
    (
        "resource \"a\" \"b\" {\n lifecycle {\n  ignore_changes = all\n }\n}\n",
        r#"{"resource": {"a": {"b": {"lifecycle": [{"ignore_changes": "all"}]}}}}"#,
    ),
    ("moved {\n from = a.b\n to = a.c[\"d\"]\n}\n", r#"{"moved": [{"from": "a.b", "to": "a.c[\"d\"]"}]}"#),
    (
        "variable \"a\" {\n validation {\n  condition = var.a > 0\n  error_message = \"No: ${var.a}.\"\n }\n}\n",
        r#"{"variable": {"a": {"validation": {"condition": "${var.a > 0}", "error_message": "No: ${var.a}."}}}}"#,
    ),
    (
        "check \"a\" {\n data \"b\" \"c\" {}\n assert {\n  condition = true\n  error_message = \"d\"\n }\n}\n",
        r#"{"check": {"a": {"data": {"b": {"c": {}}}, "assert": [{"condition": true, "error_message": "d"}]}}}"#,
    ),
    (
        "platform \"p\" {\n blueprint = \"./b\"\n settings = { a = 1 }\n}\ntenant \"t\" {\n tier = \"s\"\n}\n",
        r#"{"platform": {"p": {"blueprint": "./b", "settings": {"a": 1}}}, "tenant": {"t": {"tier": "s"}}}"#,
    ),
];

#[test]
fn json_gives_the_tree_of_native_syntax() {
    for (text, json) in CASES {
        let mut diagnostics = Diagnostics::new();
        let body = parse(FileId(0), json, &Registry::default(), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{json}: {diagnostics:?}");
        // A number's and a lone interpolation's kind are the same in both.
        assert_eq!(shown(&body), native(text), "{json}");
    }
}

#[test]
fn schemas_tell_blocks_from_arguments() {
    let one =
        |name, nested: Schema| (name, BlockType { nesting: Nesting::List, required: false, block: nested });
    let inner = Schema::new([("value", Attribute::optional(Type::String))], []);
    let outer = Schema::new([("list", Attribute::optional(Type::Dynamic))], [one("inner", inner)]);
    let schema = Schema::new([("depends", Attribute::optional(Type::Dynamic))], [one("outer", outer)]);
    let json = r#"{
        "depends": {"outer": {"x": 1}},
        "outer": [{"list": [{"inner": {}}], "inner": {"value": "${var.a}"}}, {}],
        "dynamic": {"outer": {
            "for_each": "${var.b}",
            "iterator": "it",
            "content": {"list": "${it.value}", "dynamic": {"inner": [{
                "for_each": "${it.value.c}",
                "content": {"value": "${inner.value}${it.key}"}
            }]}}
        }},
        "other": {"inner": 1}
    }"#;
    let parsed = parse_to_ast(json, &CollectOptions::default(), &ParseOptions::default()).expect("JSON");
    let mut diagnostics = Diagnostics::new();
    let body = Reader {
        file: FileId(0),
        text: json,
        registry: None,
        bound: Vec::new(),
        depth: 0,
        mistakes: 0,
        diagnostics: &mut diagnostics,
    }
    .body(&parsed.value.expect("a value"), Shape { kind: "resource", schema: Some(&schema) });
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let text = r#"
        depends = { outer = { x = 1 } }
        outer {
          list = [{ inner = {} }]
          inner {
            value = var.a
          }
        }
        outer {}
        dynamic "outer" {
          for_each = var.b
          content {
            list = it.value
            dynamic "inner" {
              for_each = it.value.c
              content {
                value = "${inner.value}${it.key}"
              }
            }
          }
          iterator = it
        }
        other = { inner = 1 }
    "#;
    let iterator = regex::Regex::new(r#"Attribute \{ name: Ident \{ name: "iterator", _ \}, value: Expr \{ kind: Variable\("it"\), _ \} \}"#).expect("a pattern");
    let native = iterator.replace(&native(text), "").replace(", ]", "]");
    assert_eq!(shown(&body), native);
}

#[test]
fn values_are_plain() {
    let mut diagnostics = Diagnostics::new();
    let json = r#"{"a": "${b}", "depends_on": ["%{c}"], "d": {"${e}": 1}}"#;
    let body = parse_values(FileId(0), json, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(shown(&body), native("a = \"$${b}\"\ndepends_on = [\"%%{c}\"]\nd = { \"$${e}\" = 1 }\n"));
}

#[test]
fn mistakes_have_their_places() {
    for (json, summary, at) in [
        ("", "Invalid JSON", ""),
        ("{\"a\": tru}", "Invalid JSON", "tru"),
        ("{\"locals\": {\"a\": 1,}}", "Invalid JSON", ","),
        ("{\"locals\": {a: 1}}", "Invalid JSON", "a"),
        ("// no\n{}", "Invalid JSON", "// no"),
        ("{} {}", "Invalid JSON", "{"),
        ("{\"a\": 'b'}", "Invalid JSON", "'"),
        ("[1]", "Incorrect JSON value type", "1"),
        ("{\"locals\": \"x\"}", "Incorrect JSON value type", "\"x\""),
        ("{\"resource\": {\"a\": 5}}", "Incorrect JSON value type", "5"),
        ("{\"resource\": {\"a\": {}}}", "Missing block label", "{}"),
        ("{\"locals\": {\"a\": 1, \"a\": 2}}", "Duplicate argument", "\"a\""),
        ("{\"locals\": {\"a\": {\"b\": 1, \"b\": 2}}}", "Duplicate object attribute", "\"b\""),
        ("{\"locals\": {\"a\": \"x${nope}\"}}", "Invalid reference", "nope"),
        ("{\"locals\": {\"a\": \"\\u00e9\\n\\ud83d\\ude00 \\\"${nope}\"}}", "Invalid reference", "nope"),
        ("{\"locals\": {\"a\": \"ü${1 +}\"}}", "Missing expression", "}"),
        ("{\"locals\": {\"${nope}\": 1, \"b\": {\"${nope}\": 1}}}", "Invalid reference", "nope"),
        ("{\"variable\": {\"a\": {\"type\": \"map(\"}}}", "Missing expression", ""),
        ("{\"locals\": {\"a\": 1e999999999}}", "Invalid number", "1e999999999"),
    ] {
        let found = mistakes(json);
        let Some(first) = found.first() else { panic!("nothing wrong in {json}") };
        let span = first.span.expect("a place");
        assert_eq!(
            (first.summary.as_str(), &json[span.start as usize..span.end as usize]),
            (summary, at),
            "{json}: {first:?}"
        );
    }
}

#[test]
fn several_mistakes_are_told_at_once() {
    let json = r#"{"locals": [1, {"a": "${b}"}], "resource": {"c": 2, "d": {}}, "output": {"e": "f"}}"#;
    let summaries: Vec<String> = mistakes(json).into_iter().map(|d| d.summary).collect();
    let wrong_type = "Incorrect JSON value type";
    assert_eq!(summaries, [wrong_type, "Invalid reference", wrong_type, "Missing block label", wrong_type]);
}

#[test]
fn bad_input_is_bounded() {
    let deep = |open: &str, close: &str, count| {
        format!("{{\"locals\": {{\"a\": {}1{}}}}}", open.repeat(count), close.repeat(count))
    };
    for text in [
        deep("[", "]", 100_000),
        deep("[", "]", 300),
        deep("{\"a\":", "}", 100_000),
        deep("{\"a\":", "}", 300),
        "[".repeat(1_000_000),
        "\0".repeat(1_000_000),
        format!("{{\"locals\": [{}1]}}", "1,".repeat(200_000)),
        format!("{{\"locals\": {{\"a\": \"{}\"}}}}", "${[".repeat(100_000)),
        " ".repeat(17 * 1024 * 1024),
    ] {
        let found = mistakes(&text);
        assert!(!found.is_empty() && found.len() <= 50, "{} mistakes", found.len());
    }
    assert!(mistakes(&deep("[", "]", 90)).is_empty());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"([\[\]{},: \n]|"[a-z${}%\\]*"|"(locals|resource|dynamic|//)"|[0-9.e-]|\PC)*"#) {
        mistakes(&text);
        mistakes(&format!("{{\"locals\": {text}}}"));
    }
}
