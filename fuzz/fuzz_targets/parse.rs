//! The parser: any bytes give a tree or are told what is wrong with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenantctl_core::diag::{Diagnostics, FileId};
use tenantctl_core::syntax::{parse_expression, parse_file, parse_template};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let check = |diagnostics: &Diagnostics| {
        for span in diagnostics.iter().filter_map(|problem| problem.span) {
            assert!(span.start <= span.end && span.end <= length, "{span:?} is outside the text");
        }
    };
    let mut diagnostics = Diagnostics::new();
    parse_file(FileId(0), &text, &mut diagnostics);
    check(&diagnostics);
    let mut diagnostics = Diagnostics::new();
    let expression = parse_expression(FileId(0), &text, &mut diagnostics);
    assert!(expression.is_some() || diagnostics.has_errors());
    check(&diagnostics);
    let mut diagnostics = Diagnostics::new();
    let template = parse_template(FileId(0), &text, &[], &mut diagnostics);
    assert!(template.is_some() || diagnostics.has_errors());
    check(&diagnostics);
});
