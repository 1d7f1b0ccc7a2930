//! Which attributes policies hear, from the schemas: `docs/policies.md`. No
//! attribute that looks as if it had a say is forgotten.

use std::fmt::Write as _;

use tenantctl_core::provider::{Aspect, Block, Meaning, Reading, Type};

use super::is_current;
use super::resources::providers;

const HEAD: &str = "\
# Policies

Written by a test from the providers' schemas: `TENANTCTL_WRITE_DOCUMENTS=1 cargo test --test runner --features aws-iam documents`.

A `policy` block says what must hold of every plan. Without `resources` it is about the plan as a whole,
and `self.resources` are all its objects; with `resources` it is about each object of these types, where `\"aws_*\"`
means all that begin so and `\"*\"` means all there are, and `self` is the object: `self.address`, `self.type`,
`self.name`, `self.values`. `var` are the blueprint's variables, the settings, and what the blueprint may be told;
`local` are the root directory's local values, where they are plain. A type that no provider has is an error, and so is
a tier or an environment that there is not; a regime that no policy is about is told.

```hcl
policy \"near-its-users\" {
  environments  = [\"production-eu\"]
  resources     = [\"*\"]
  condition     = self.region == null ? true : startswith(self.region, \"eu-\")
  error_message = \"${self.address} of ${var.tenant.name} is in ${self.region}.\"
}

policy \"somebody-pays\" {
  resources     = [\"aws_*\", \"azurerm_*\"]
  enforcement   = \"warn\"
  condition     = self.labels == null || can(self.labels[\"cost-center\"])
  error_message = \"${self.address} has no label \\\"cost-center\\\".\"
}
```

What is wrong is shown at the setting that asks for it, else at the attribute, of the object or of its `provider`
block.

## What only the apply can tell

What a plan cannot tell yet, it says, and keeps the policy with it, also in a file. Of an object the apply looks again
before it makes or changes it, and once more after that where the service decides. Of the plan as a whole it looks when
it begins, each time before steps begin that have all they need by then, and when a step brings what the condition
speaks of: a policy that turns out not to be kept stops all that is not begun, of this tenant. So a sum over objects
that wait for one value is told before the first of them is made. What only services tell of the last of them is told
when all is there; the next plan refuses it.

## Whose objects

`tiers`, `environments`, `tenants` and `compliance` choose the tenants that a policy is about: all of them, when none is
named. `compliance` in the `platform` block are the regimes of all that there is, the platform's own objects and every
tenant's; in a `tenant` block those of that tenant on top.

A policy about objects is about the platform's own, too: shared clusters, ingress, operators. There `var.tenant` is the
platform, with the name \"platform\", its labels and its regimes, `var.platform` is what it always is, and other names
are the root directory's variables. There is no `var.tier`, `var.environment` or setting: a policy that asks for one,
chooses tiers, environments or tenants, or is about plans as a whole, is about tenants alone. `applies_to` says
otherwise: `[\"tenants\"]`, `[\"platform\"]`, or both.

```hcl
policy \"one-shared-cluster-a-region\" {
  applies_to    = [\"platform\"]
  condition     = length([for o in self.resources : o if o.type == \"aws_eks_cluster\"]) <= 2
  error_message = \"${var.platform.name} has more clusters than it has regions.\"
}
```
";

/// Names that promise a meaning.
const PROMISING: [&str; 10] =
    ["region", "location", "retention", "encrypt", "kms", "sse_", "days", "public_access", "purge", "expir"];

fn code(path: &[&str]) -> String {
    let written = |step: &&str| if step.contains('.') { format!("[{step:?}]") } else { (*step).to_owned() };
    format!("`{}`", path.iter().map(written).collect::<Vec<_>>().join(".").replace(".[", "["))
}

fn how(meaning: &Meaning) -> String {
    let mut words = Vec::new();
    words.extend(match meaning.reading {
        Reading::Plain => None,
        Reading::Opposite => Some("its opposite".to_owned()),
        Reading::Presence => Some("by being set".to_owned()),
        Reading::Period => Some("a period, such as `30d`".to_owned()),
    });
    let only: Vec<_> = meaning.only.iter().map(|(path, is)| format!("{} is `{is}`", code(path))).collect();
    words.extend((!only.is_empty()).then(|| format!("where {}", only.join(" and "))));
    words.extend(meaning.unset.as_ref().map(|unset| format!("`{}` when not set", unset.show())));
    words.join(", ")
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## What objects say of themselves\n\nNull where an object does not say.\n");
    text.push_str("\n| `self.` | type | what it says |\n| --- | --- | --- |\n");
    for aspect in Aspect::ALL {
        let _ = writeln!(text, "| `{}` | `{}` | {} |", aspect.name(), aspect.ty(), aspect.words());
    }
    text.push_str(
        "\nOf several attributes that say the same, the one that says most against the object counts.\n\
         A region that an object leaves out is that of its `provider` block, else the service's.\n",
    );
    let providers = providers();
    for aspect in Aspect::ALL {
        let _ =
            writeln!(text, "\n### `self.{}`\n\n| type | attribute | |\n| --- | --- | --- |", aspect.name());
        for provider in &providers {
            for (kind, schema) in &provider.schema().resources {
                for meaning in schema.block.meanings.all.iter().filter(|meaning| meaning.aspect == aspect) {
                    let _ = writeln!(text, "| `{kind}` | {} | {} |", code(meaning.path), how(meaning));
                }
            }
        }
    }
    text.push_str("\n### What looks as if it said one of these\n\n| type | attribute | why it does not |\n| --- | --- | --- |\n");
    for provider in &providers {
        for (kind, schema) in &provider.schema().resources {
            for one in &schema.block.meanings.none {
                let _ = writeln!(text, "| `{kind}` | {} | {} |", code(one.path), one.why);
            }
        }
    }
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/core/src/config/tenancy/policies.hcl");
    let own = std::fs::read_to_string(own).expect("the policies of the program");
    let _ = write!(text, "\n## The policies of tenantctl\n\n```hcl\n{own}```\n");
    text
}

#[test]
fn what_policies_hear_is_told_as_it_is() {
    is_current("docs/policies.md", &document());
}

/// Whether a way leads to something, as far as the schema tells.
fn leads(block: &Block, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match (block.attributes.get(first), block.blocks.get(first)) {
        (Some(attribute), _) => rest.is_empty() || attribute.ty == Type::Dynamic,
        (None, Some(nested)) => leads(&nested.block, rest),
        (None, None) => false,
    }
}

fn promising(block: &Block, outer: &[&'static str], found: &mut Vec<Vec<&'static str>>) {
    let path = |name| outer.iter().copied().chain([name]).collect::<Vec<_>>();
    let names = block.attributes.keys().filter(|name| PROMISING.iter().any(|word| name.contains(word)));
    found.extend(names.map(|name| path(*name)));
    for (name, nested) in &block.blocks {
        promising(&nested.block, &path(*name), found);
    }
}

#[test]
fn no_attribute_that_says_where_or_for_how_long_is_forgotten() {
    let (mut forgotten, mut seen) = (Vec::new(), 0);
    for provider in providers() {
        for (kind, schema) in &provider.schema().resources {
            let meanings = &schema.block.meanings;
            let mut found = Vec::new();
            promising(&schema.block, &[], &mut found);
            seen += found.len();
            let is_told = |path: &[&str]| {
                meanings.all.iter().any(|one| one.path == path)
                    || meanings.none.iter().any(|one| one.path == path)
            };
            forgotten.extend(
                found.iter().filter(|path| !is_told(path)).map(|path| format!("{kind}.{}", path.join("."))),
            );
        }
    }
    assert!(seen > 40, "{seen} looked at");
    assert!(forgotten.is_empty(), "say what it means, or that it means nothing: {forgotten:#?}");
}

#[test]
fn every_meaning_is_of_an_attribute_that_there_is() {
    let mut astray = Vec::new();
    for provider in providers() {
        for (kind, schema) in &provider.schema().resources {
            let meanings = &schema.block.meanings;
            let paths =
                meanings.all.iter().flat_map(|one| one.only.iter().map(|(path, _)| *path).chain([one.path]));
            let paths = paths.chain(meanings.none.iter().map(|one| one.path));
            astray.extend(
                paths.filter(|path| !leads(&schema.block, path)).map(|path| format!("{kind}: {path:?}")),
            );
            let places =
                meanings.all.iter().filter(|one| one.aspect == Aspect::Region && one.only.is_empty());
            assert!(places.count() < 2, "{kind} is in two places");
        }
    }
    assert!(astray.is_empty(), "{astray:#?}");
}
