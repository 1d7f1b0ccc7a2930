//! Terraform's long flags have one dash, clap's have two.

use std::ffi::OsString;

/// The same arguments, with every `-long` written `--long`. A single letter
/// (`-h`), a lone dash and everything after `--` stay as they are.
pub(super) fn rewrite(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut over = false;
    arguments
        .into_iter()
        .map(|argument| {
            over |= argument == "--";
            if over || !is_single_dash_flag(&argument) {
                return argument;
            }
            let mut long = OsString::from("-");
            long.push(argument);
            long
        })
        .collect()
}

fn is_single_dash_flag(argument: &OsString) -> bool {
    let bytes = argument.as_encoded_bytes();
    bytes.len() > 2 && bytes[0] == b'-' && bytes[1].is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_flags_change() {
        let before = ["t", "-json", "--json", "-h", "-", "-var=a=-b", "-7", "x", "--", "-json"];
        let after = ["t", "--json", "--json", "-h", "-", "--var=a=-b", "-7", "x", "--", "-json"];
        assert_eq!(rewrite(before.map(OsString::from)), after.map(OsString::from));
    }
}
