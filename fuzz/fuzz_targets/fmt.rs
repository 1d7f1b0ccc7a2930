//! `fmt`: what it writes is canonical, and still what it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenantctl_core::diag::{Diagnostics, FileId};
use tenantctl_core::fmt::format;
use tenantctl_core::syntax::parse_file;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let once = format(text);
    let is_read = |text: &str| {
        let mut diagnostics = Diagnostics::new();
        parse_file(FileId(0), text, &mut diagnostics);
        !diagnostics.has_errors()
    };
    // What cannot be read is never formatted but by mistake.
    if is_read(text) {
        assert!(is_read(&once), "what could be read cannot be read any more:\n{once}");
        assert_eq!(format(&once), once, "the second time changes something");
    }
});
