//! How long text takes to become a plan, by shape and size. From the same
//! shapes, `benches/processes.py` measures the whole program, with memory.
//!
//! Run with `cargo bench`; one shape with `cargo bench -- for_each`.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, reason = "a benchmark has no callers")]

use std::fmt::Write as _;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tenantctl_core::diag::{Diagnostics, FileId, SourceMap};
use tenantctl_core::ops::{self, ConfigOptions};
use tenantctl_core::provider::Registry;
use tenantctl_core::syntax;
use tenantctl_providers::builtin::Builtin;

fn main() {
    divan::main();
}

/// Growth is seen from the smallest to the largest.
const SIZES: [usize; 4] = [1_000, 4_000, 16_000, 64_000];

/// A resource block for each object.
fn blocks(size: usize) -> String {
    let mut text = String::new();
    for i in 0..size {
        let _ = writeln!(text, "resource \"terraform_data\" \"r{i}\" {{\n  input = \"value {i}\"\n}}");
    }
    text
}

/// So many keys; `range` alone gives at most 1,024.
fn keys(size: usize) -> String {
    let (outer, inner) = ((size / 500).max(1), size.min(500));
    format!("toset([for pair in setproduct(range({outer}), range({inner})) : join(\"-\", pair)])")
}

/// One block with `for_each`.
fn for_each(size: usize) -> String {
    format!("resource \"terraform_data\" \"all\" {{\n  for_each = {}\n  input = each.key\n}}\n", keys(size))
}

/// Two blocks with `for_each`, each instance of the second reading its twin.
fn twins(size: usize) -> String {
    let keys = keys(size / 2);
    format!(
        "locals {{\n  keys = {keys}\n}}\n\
         resource \"terraform_data\" \"a\" {{\n  for_each = local.keys\n  input = each.key\n}}\n\
         resource \"terraform_data\" \"b\" {{\n  for_each = local.keys\n  \
         input = terraform_data.a[each.key].output\n}}\n"
    )
}

/// Instances of a module with twenty resources, each reading the one before.
fn modules(size: usize) -> (String, String) {
    let keys = keys(size / 20);
    let root = format!(
        "module \"m\" {{\n  source = \"./m\"\n  for_each = {keys}\n  \
         name = each.key\n}}\noutput \"names\" {{\n  value = [for m in module.m : m.last]\n}}\n"
    );
    let mut module = "variable \"name\" {\n  type = string\n}\n\
                      resource \"terraform_data\" \"r0\" {\n  input = var.name\n}\n"
        .to_owned();
    for i in 1..20 {
        let _ = writeln!(
            module,
            "resource \"terraform_data\" \"r{i}\" {{\n  input = terraform_data.r{}.output\n}}",
            i - 1
        );
    }
    module.push_str("output \"last\" {\n  value = terraform_data.r19.output\n}\n");
    (root, module)
}

/// A fleet of tenants with twenty resources each.
fn fleet(size: usize) -> (String, String) {
    let mut root =
        "platform \"p\" {\n  blueprint = \"./m\"\n}\ntier \"t\" {\n  isolation = \"namespace\"\n}\n"
            .to_owned();
    for i in 0..size / 20 {
        let _ = writeln!(root, "tenant \"t{i}\" {{\n  tier = \"t\"\n}}");
    }
    let mut module = "variable \"tenant\" {\n  type = object({ name = string })\n}\n".to_owned();
    for i in 0..20 {
        let _ = writeln!(
            module,
            "resource \"terraform_data\" \"r{i}\" {{\n  input = \"${{var.tenant.name}} {i}\"\n}}"
        );
    }
    (root, module)
}

/// Reads the configuration and plans it from an empty state.
fn plan(bencher: Bencher<'_, '_>, size: usize, root: &str, module: Option<&str>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("main.hcl"), root).expect("written");
    if let Some(module) = module {
        std::fs::create_dir(dir.path().join("m")).expect("made");
        std::fs::write(dir.path().join("m/main.tf"), module).expect("written");
    }
    let mut registry = Registry::default();
    registry.insert(Arc::new(Builtin::new()));
    let options = ConfigOptions { root: dir.path().into(), ..ConfigOptions::default() };
    bencher.counter(ItemsCount::new(size)).bench_local(|| {
        let (platform, problems) = ops::load(&registry, &SourceMap::default(), &options);
        assert!(!problems.has_errors(), "{problems:?}");
        let problems = ops::validate(&registry, &platform.expect("a platform"));
        assert!(!problems.has_errors(), "{problems:?}");
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn plan_blocks(bencher: Bencher<'_, '_>, size: usize) {
    plan(bencher, size, &blocks(size), None);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn plan_for_each(bencher: Bencher<'_, '_>, size: usize) {
    plan(bencher, size, &for_each(size), None);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn plan_twins(bencher: Bencher<'_, '_>, size: usize) {
    plan(bencher, size, &twins(size), None);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn plan_modules(bencher: Bencher<'_, '_>, size: usize) {
    let (root, module) = modules(size);
    plan(bencher, size, &root, Some(&module));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn plan_fleet(bencher: Bencher<'_, '_>, size: usize) {
    let (root, module) = fleet(size);
    plan(bencher, size, &root, Some(&module));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn parse(bencher: Bencher<'_, '_>, size: usize) {
    let text = blocks(size);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut diagnostics = Diagnostics::new();
        syntax::parse_file(FileId(0), &text, &mut diagnostics)
    });
}
