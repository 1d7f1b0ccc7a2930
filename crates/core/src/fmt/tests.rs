use proptest::prelude::*;

use super::format;
use super::token::read;
use crate::syntax::lexer::TokenKind;

/// Text and its canonical form. Each is checked to be stable as well.
const CASES: [(&str, &str); 44] = [
    // Lines.
    ("", ""),
    ("a=1", "a = 1"),
    ("  a\t=\t1  \n\n\n", "a = 1\n\n\n"),
    ("\u{feff}a=1\n", "a = 1\n"),
    ("a=1\r\n\tb=2\r\n", "a = 1\r\nb = 2\r\n"),
    // Indentation follows brackets that lines leave open.
    ("a {\nb {\nc=1\n}\n}\n", "a {\n  b {\n    c = 1\n  }\n}\n"),
    ("a = [{\nb=1\n}]\n", "a = [{\n  b = 1\n}]\n"),
    ("a = [{\nb=1\n},\n{c=2}]\n", "a = [{\n  b = 1\n  },\n{ c = 2 }]\n"),
    ("a = f(\n[\n1\n]\n)\n", "a = f(\n  [\n    1\n  ]\n)\n"),
    ("a {\n   # c\n  }\n", "a {\n  # c\n}\n"),
    ("a = \"${f(\n1\n)}x\"\n", "a = \"${f(\n  1\n)}x\"\n"),
    // Equals signs and comments of lines that follow each other.
    ("a = 1\nbcd = 2\n\ne = 3\n", "a   = 1\nbcd = 2\n\ne = 3\n"),
    ("é = 1\nbc = 2\n", "é  = 1\nbc = 2\n"),
    ("a = {\nb = 1\n}\nlonger = 2\n", "a = {\n  b = 1\n}\nlonger = 2\n"),
    ("a = 1 # x\nbcd = 22 // y\n# z\n", "a   = 1  # x\nbcd = 22 // y\n# z\n"),
    ("a = 1 /* x */\nb = 22 # y", "a = 1 /* x */\nb = 22 # y"),
    ("a = f(  b ) # x\n", "a = f(b) # x\n"),
    // Space between tokens.
    ("a=b?c:d\n", "a = b ? c : d\n"),
    ("a=-1\nb=- c\nd=1-2\ne=f(-1,-2)\n", "a = -1\nb = -c\nd = 1 - 2\ne = f(-1, -2)\n"),
    ("a=!b&&! c||d==e\n", "a = !b && !c || d == e\n"),
    ("a=b . c [ 0 ] . *\n", "a = b.c[0].*\n"),
    ("a=f (b , c ... )\n", "a = f(b, c...)\n"),
    ("a=p :: q :: f( )\n", "a = p::q::f()\n"),
    ("a=[ 1,2 ]\nb={c=1}\nd={ }\n", "a = [1, 2]\nb = { c = 1 }\nd = {}\n"),
    ("a=[for x in[b]:x if x!=c]\n", "a = [for x in [b] : x if x != c]\n"),
    ("a={for k,v in b:k=>v...}\n", "a = { for k, v in b : k => v... }\n"),
    ("b \"c\"{d=1}\n", "b \"c\" { d = 1 }\n"),
    ("a=b[c] [d]\n", "a = b[c][d]\n"),
    ("a={(b)=c,\"d\":e}\n", "a = { (b) = c, \"d\" : e }\n"),
    // Templates.
    ("a=\" b ${ c }  ${ {d=1} } \"\n", "a = \" b ${c}  ${ { d = 1 } } \"\n"),
    ("a=\"%{ if b~}c%{else}d%{ endif }\"\n", "a = \"%{if b~}c%{else}d%{endif}\"\n"),
    ("a=<<-EOT\n  x ${ b+c }\n y\n\tEOT\nb=2\n", "a = <<-EOT\n  x ${b + c}\n y\n\tEOT\nb = 2\n"),
    // What is said in other words.
    ("a=\"${b}\"\n", "a = b\n"),
    ("a=\"${\"${b.c}\"}\"\n", "a = b.c\n"),
    ("a=\"${b}${c}\"\nd=\"${e} \"\n", "a = \"${b}${c}\"\nd = \"${e} \"\n"),
    ("a=\"${f(\"x${b}\")}\"\n", "a = f(\"x${b}\")\n"),
    ("a=\"${\nb\n}\"\n", "a = b\n"),
    ("a=\"${b ?\nc : d}\"\n", "a = (b ?\nc : d)\n"),
    ("a=\"${(b)\n+(c)}\"\n", "a = ((b)\n+ (c))\n"),
    ("a=\"${b # c\n}\"\n", "a = (b # c\n)\n"),
    ("resource a /* x */ \"b\" {}\n", "resource \"a\" /* x */ \"b\" {}\n"),
    (
        "variable \"a\" {\ntype=\"list\"\n}\nvariable b { type=map }\n",
        "variable \"a\" {\n  type = list(string)\n}\nvariable \"b\" { type = map(any) }\n",
    ),
    ("variable \"a\" {\ntype=\"string\" # c\n}\n", "variable \"a\" {\n  type = string # c\n}\n"),
    (
        "a {\nvariable \"b\" {\ntype=list\n}\ntype=\"string\"\n}\n",
        "a {\n  variable \"b\" {\n    type = list\n  }\n  type = \"string\"\n}\n",
    ),
];

#[test]
fn canonical_forms() {
    for (text, canonical) in CASES {
        assert_eq!(format(text), canonical, "of {text:?}");
        assert_eq!(format(canonical), canonical, "not stable");
    }
}

#[test]
fn a_module_as_people_write_it() {
    let text = r#"
terraform{
required_version=">= 1.0"
}
/* Where
     things are */
variable region{
  type="string" // legacy
    default = "eu"   # nearby
  validation {
condition=contains([ "eu","us" ],var.region)
error_message="No such region: ${ var.region }."
  }
}

resource "terraform_data" "each" {
    for_each = { for k,v in var.all: k=>v if v!=null }
input = {
  name=upper( each.key )
  long_name = "${each.value}"
  script = <<-EOT
    #!/bin/sh
      echo ${ each.key }
  EOT
  nested = [ for x in range(3):
  x*2 ]
}
  lifecycle { ignore_changes=[ input ] }
}
"#;
    insta::assert_snapshot!(format(text), @r#"

    terraform {
      required_version = ">= 1.0"
    }
    /* Where
         things are */
    variable "region" {
      type    = string // legacy
      default = "eu"   # nearby
      validation {
        condition     = contains(["eu", "us"], var.region)
        error_message = "No such region: ${var.region}."
      }
    }

    resource "terraform_data" "each" {
      for_each = { for k, v in var.all : k => v if v != null }
      input = {
        name      = upper(each.key)
        long_name = "${each.value}"
        script    = <<-EOT
        #!/bin/sh
          echo ${each.key}
      EOT
        nested = [for x in range(3) :
        x * 2]
      }
      lifecycle { ignore_changes = [input] }
    }
    "#);
}

#[test]
fn depth_costs_no_stack() {
    for (open, close) in [("[", "]"), ("(", ")"), ("f(", ")")] {
        let text = format!("a = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(format(&text), text);
    }
}

#[test]
fn any_text_is_survived() {
    for text in [
        "\"",
        "${",
        "a = \"${",
        "<<EOT\n",
        "/*",
        "a {",
        "}}}",
        "a = [",
        "=\n=",
        "~}",
        "\0",
        "a b c",
        "variable x {\ntype=",
    ] {
        format(text);
    }
}

/// The text without the space between its tokens.
fn significant(text: &str) -> String {
    read(text).iter().map(|t| t.text).collect()
}

fn comments(text: &str) -> Vec<String> {
    read(text).iter().filter(|t| t.is_comment()).map(|t| t.text.to_owned()).collect()
}

/// Space that may stand between two tokens, comments included.
fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(" "), 2 => Just("  "), 2 => Just("\t "), 1 => Just(" /* c */ ")]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("\n"),
        2 => Just(" \t\n"),
        1 => Just("\r\n"),
        2 => Just("\n\n  \n"),
        2 => Just("# c\n"),
        1 => Just(" // ü\n"),
    ]
}

/// Expressions with blanks in all places.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1.5e3".to_owned()),
        Just("b.c[0].*.d".to_owned()),
        Just("each.value".to_owned()),
        Just("\" x$${y} \"".to_owned()),
        Just("b.0.1".to_owned()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone(), blank(), blank(), line_end());
        pair.prop_flat_map(|(a, b, x, y, n)| {
            prop_oneof![
                Just(format!("[{x}{a},{y}{b}{x}]")),
                Just(format!("[{n}{a},{n}{b}{n}]")),
                Just(format!("{{{x}k={y}{a},\"l\"{x}:{b} }}")),
                Just(format!("{{{n}k={y}{a}{n}(c){x}= {b}{n}}}")),
                Just(format!("f({a},{y}{b}...)")),
                Just(format!("p::f({n}{a}{n})")),
                Just(format!("({a}{x}+{y}{b})")),
                Just(format!("({n}{a}{n}?{x}{b}:{a}{n})")),
                Just(format!("-{a}")),
                Just(format!("!{x}{a}")),
                Just(format!("(-{x}{a}{y}-{b})")),
                Just(format!("[for{x}v in{y}{a}:{b}if v ]")),
                Just(format!("{{for k,v in {a}:{x}k=>{y}{b}... }}")),
                Just(format!("\"a ${{{x}{a}}}%{{if {b}{y}~}} z %{{else}}{x}%{{endif}}\"")),
            ]
        })
    })
}

fn file() -> impl Strategy<Value = String> {
    let heredoc = Just("<<-EOT\n   a ${  b  }\n EOT not\n\t EOT".to_owned());
    let value = prop_oneof![8 => expression().boxed(), 1 => heredoc.boxed()];
    let attribute = (blank(), "[a-z_é]{1,8}", blank(), value, blank(), line_end())
        // A heredoc's last line holds nothing else.
        .prop_map(|(a, name, b, value, c, end)| match value.ends_with("EOT") {
            true => format!("{a}{name}{b}={value}\n"),
            false => format!("{a}{name}{b}={value}{c}{end}"),
        });
    let items = prop::collection::vec(attribute, 0..4).prop_map(|items| items.concat()).boxed();
    let block = (items.clone(), items.clone(), blank(), line_end())
        .prop_map(|(a, b, x, n)| format!("block{x}\"l\" \"m\"{x}{{{n}{a}inner {{{n}{b}}}{n}}}{n}"));
    prop::collection::vec(prop_oneof![items, block.boxed()], 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_second_time_changes_nothing(text in file()) {
        let once = format(&text);
        prop_assert_eq!(format(&once), once);
    }

    #[test]
    fn only_space_between_tokens_changes(text in file()) {
        let formatted = format(&text);
        let kinds = |t: &str| read(t).iter().map(|t| t.kind).filter(|k| *k != TokenKind::Newline).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&formatted), kinds(&text));
        prop_assert_eq!(significant(&formatted), significant(&text));
        prop_assert_eq!(comments(&formatted), comments(&text));
    }

    #[test]
    fn nothing_makes_it_panic(text in "([a-z\"${}%~<=\\-\n #/*\\\\.:(\\[\\])]|EOT|\\PC)*") {
        format(&text);
    }
}
