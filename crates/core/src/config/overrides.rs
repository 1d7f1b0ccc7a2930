//! Override files: what they set takes the place of what the other files of
//! the directory set.
//!
//! Arguments replace arguments of the same name; nested blocks replace all of
//! their type, a `dynamic` one included; `lifecycle` and `required_providers`
//! are merged argument by argument. A block that overrides nothing is an
//! error, since it is most likely a misspelt name.

use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, ExprKind};
use crate::syntax::{Attribute, Block, Body, Ident};

/// Lays an override file over the files that were read before it.
pub(super) fn apply(bodies: &mut Vec<Body>, file: Body, diagnostics: &mut Diagnostics) {
    if bodies.is_empty() {
        bodies.push(Body::default());
    }
    // What has no place at the top is told there.
    bodies[0].attributes.extend(file.attributes);
    for block in file.blocks {
        match &*block.kind.name {
            "locals" => locals(bodies, block.body.attributes, diagnostics),
            "moved" | "removed" | "import" | "check" => {
                let detail = format!("Blocks of type {:?} stand in other files only.", block.kind.name);
                diagnostics.push(Diagnostic::error("Cannot be overridden", detail).at(block.header()));
            }
            _ => match find(bodies, &block) {
                Some(base) => override_block(base, block, diagnostics),
                None if is_optional(&block) => bodies[0].blocks.push(block),
                None => diagnostics.push(nothing_to_override(&block.kind.name, &block.labels, &block)),
            },
        }
    }
}

/// Whether a block need not be there to be overridden: a provider's default
/// configuration is, without a block; what is no block of the language is told
/// by others.
fn is_optional(block: &Block) -> bool {
    match &*block.kind.name {
        "provider" => alias(block).is_none(),
        "variable" | "output" | "module" | "resource" | "data" | "ephemeral" => false,
        "tier" | "environment" | "tenant" | "role" | "policy" => false,
        _ => true,
    }
}

fn find<'b>(bodies: &'b mut [Body], block: &Block) -> Option<&'b mut Block> {
    let is_same = |other: &Block| {
        other.kind.name == block.kind.name
            && other.labels.iter().map(|l| &l.name).eq(block.labels.iter().map(|l| &l.name))
            && (&*block.kind.name != "provider" || alias(other) == alias(block))
    };
    bodies.iter_mut().flat_map(|body| &mut body.blocks).find(|other| is_same(other))
}

fn alias(provider: &Block) -> Option<&str> {
    match &provider.body.attribute("alias")?.value {
        Expr { kind: ExprKind::Literal(name), .. } => name.as_str(),
        _ => None,
    }
}

fn nothing_to_override(kind: &str, labels: &[Ident], block: &Block) -> Diagnostic {
    let labels: String = labels.iter().map(|label| format!(" {:?}", &*label.name)).collect();
    let detail = format!("No other file has a block {kind}{labels}, which this one is to override.");
    Diagnostic::error("Nothing to override", detail)
        .at(block.header())
        .hint("A block of its own stands in a file whose name does not end with _override.")
}

fn locals(bodies: &mut [Body], values: Vec<Attribute>, diagnostics: &mut Diagnostics) {
    for value in values {
        let blocks =
            bodies.iter_mut().flat_map(|body| &mut body.blocks).filter(|b| &*b.kind.name == "locals");
        let mut all = blocks.flat_map(|block| &mut block.body.attributes);
        match all.find(|base| base.name.name == value.name.name) {
            Some(base) => *base = value,
            None => {
                let detail = format!(
                    "No other file has a local value {:?}, which this is to override.",
                    value.name.name
                );
                diagnostics.push(Diagnostic::error("Nothing to override", detail).at(value.name.span));
            }
        }
    }
}

fn override_block(base: &mut Block, mut block: Block, diagnostics: &mut Diagnostics) {
    if let Some(depends_on) = block.body.take("depends_on") {
        let detail = "The argument \"depends_on\" cannot be overridden.";
        diagnostics.push(Diagnostic::error("Cannot be overridden", detail).at(depends_on.name.span));
    }
    refuse_conditions(&mut block.body, diagnostics);
    merge(&mut base.body, block.body);
}

/// What a block promises is not for others to change.
fn refuse_conditions(body: &mut Body, diagnostics: &mut Diagnostics) {
    let is_condition = |kind: &str| matches!(kind, "validation" | "precondition" | "postcondition");
    for block in body.blocks.extract_if(.., |inner| is_condition(&inner.kind.name)) {
        let detail = format!("The {:?} blocks of another file cannot be overridden.", block.kind.name);
        diagnostics.push(Diagnostic::error("Cannot be overridden", detail).at(block.header()));
    }
    for block in body.blocks.iter_mut().filter(|inner| &*inner.kind.name == "lifecycle") {
        refuse_conditions(&mut block.body, diagnostics);
    }
}

fn merge(base: &mut Body, over: Body) {
    for attribute in over.attributes {
        match base.attributes.iter_mut().find(|a| a.name.name == attribute.name.name) {
            Some(same) => *same = attribute,
            None => base.attributes.push(attribute),
        }
    }
    let merged = |block: &Block| matches!(&*block.kind.name, "lifecycle" | "required_providers");
    base.blocks.retain(|block| merged(block) || !over.blocks.iter().any(|new| makes(new) == makes(block)));
    for block in over.blocks {
        let same = base.blocks.iter_mut().find(|b| merged(&block) && b.kind.name == block.kind.name);
        match same {
            Some(same) => merge(&mut same.body, block.body),
            None => base.blocks.push(block),
        }
    }
}

/// The type of the blocks that a block comes to. A backend and a cloud are
/// two of a kind.
fn makes(block: &Block) -> &str {
    match (&*block.kind.name, block.labels.first()) {
        ("dynamic", Some(label)) => &label.name,
        ("cloud", _) => "backend",
        (kind, _) => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;
    use crate::syntax::parse_file;

    fn body(text: &str) -> Body {
        let mut diagnostics = Diagnostics::new();
        let body = parse_file(FileId(0), text, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        body
    }

    /// A body without its places.
    fn shown(body: &Body) -> String {
        let spans = regex::Regex::new(r"span: Span \{[^}]*\}").expect("a pattern");
        spans.replace_all(&format!("{body:?}"), "_").into_owned()
    }

    fn overridden(base: &str, over: &str) -> (Body, Vec<String>) {
        let mut bodies = vec![body(base)];
        let mut diagnostics = Diagnostics::new();
        apply(&mut bodies, body(over), &mut diagnostics);
        (bodies.remove(0), diagnostics.into_iter().map(|d| format!("{}: {}", d.summary, d.detail)).collect())
    }

    #[test]
    fn what_an_override_sets_takes_the_place_of_what_was() {
        for (base, over, result) in [
            (
                "variable \"a\" {\n type = string\n default = \"b\"\n}\n",
                "variable \"a\" {\n default = \"c\"\n sensitive = true\n}\n",
                "variable \"a\" {\n type = string\n default = \"c\"\n sensitive = true\n}\n",
            ),
            ("locals {\n a = 1\n b = 2\n}\n", "locals {\n b = 3\n}\n", "locals {\n a = 1\n b = 3\n}\n"),
            // All blocks of a type, and what makes such blocks.
            (
                "resource \"a\" \"b\" {\n c {\n  d = 1\n }\n dynamic \"c\" {\n for_each = []\n }\n e {}\n}\n",
                "resource \"a\" \"b\" {\n c {\n  d = 2\n }\n}\n",
                "resource \"a\" \"b\" {\n e {}\n c {\n  d = 2\n }\n}\n",
            ),
            (
                "resource \"a\" \"b\" {\n c {}\n}\n",
                "resource \"a\" \"b\" {\n dynamic \"c\" {\n  for_each = []\n }\n}\n",
                "resource \"a\" \"b\" {\n dynamic \"c\" {\n  for_each = []\n }\n}\n",
            ),
            (
                "resource \"a\" \"b\" {\n lifecycle {\n  prevent_destroy = true\n  ignore_changes = all\n }\n}\n",
                "resource \"a\" \"b\" {\n lifecycle {\n  prevent_destroy = false\n }\n}\n",
                "resource \"a\" \"b\" {\n lifecycle {\n  prevent_destroy = false\n  ignore_changes = all\n }\n}\n",
            ),
            (
                "terraform {\n required_providers {\n  a = \"1\"\n  b = \"2\"\n }\n cloud {}\n}\n",
                "terraform {\n required_providers {\n  b = \"3\"\n }\n backend \"local\" {}\n}\n",
                "terraform {\n required_providers {\n  a = \"1\"\n  b = \"3\"\n }\n backend \"local\" {}\n}\n",
            ),
            (
                "provider \"a\" {\n alias = \"x\"\n b = 1\n}\nprovider \"a\" {\n b = 2\n}\n",
                "provider \"a\" {\n b = 3\n}\nprovider \"c\" {}\n",
                "provider \"a\" {\n alias = \"x\"\n b = 1\n}\nprovider \"a\" {\n b = 3\n}\nprovider \"c\" {}\n",
            ),
            (
                "tenant \"t\" {\n tier = \"s\"\n settings = { a = 1 }\n}\n",
                "tenant \"t\" {\n settings = { b = 2 }\n}\n",
                "tenant \"t\" {\n tier = \"s\"\n settings = { b = 2 }\n}\n",
            ),
        ] {
            let (merged, problems) = overridden(base, over);
            assert_eq!((shown(&merged), problems), (shown(&body(result)), Vec::new()), "{over}");
        }
    }

    #[test]
    fn what_overrides_nothing_is_told() {
        for (over, problem) in [
            (
                "variable \"b\" {}\n",
                "No other file has a block variable \"b\", which this one is to override.",
            ),
            ("resource \"a\" \"c\" {}\n", "No other file has a block resource \"a\" \"c\""),
            ("data \"a\" \"b\" {}\n", "No other file has a block data \"a\" \"b\""),
            ("locals {\n b = 1\n}\n", "No other file has a local value \"b\""),
            ("provider \"a\" {\n alias = \"x\"\n}\n", "No other file has a block provider \"a\""),
            ("resource \"a\" \"b\" {\n depends_on = []\n}\n", "\"depends_on\" cannot be overridden"),
            ("moved {\n from = a.b\n to = a.c\n}\n", "Blocks of type \"moved\" stand in other files only."),
        ] {
            let base = "variable \"a\" {}\nresource \"a\" \"b\" {}\n";
            let (merged, problems) = overridden(base, over);
            assert_eq!(problems.len(), 1, "{over}: {problems:?}");
            assert!(problems[0].contains(problem), "{over}: {problems:?}");
            assert_eq!(shown(&merged), shown(&body(base)), "{over}");
        }
    }
}
