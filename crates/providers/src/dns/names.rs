//! Names: what a zone and a name in it come to, and where ownership is marked.
//!
//! Pure. Guarantees: every name here is absolute; labels and lengths are
//! within what RFC 1035 allows; names are compared without regard to case.

use hickory_proto::rr::Name;

use super::schema::Kind;

/// The label below which marks of ownership live, at the top of a zone.
pub(super) const MARKS: &str = "_tenantctl";
/// What stands for `*` in the name of a mark: a wildcard there would answer
/// for names that have no mark.
const WILDCARD: &str = "_wildcard";
/// The most bytes of a label, and of a whole name on the wire.
const LABEL: usize = 63;
const WHOLE: usize = 255;

/// An absolute name, written with its final dot.
pub(super) fn absolute(text: &str) -> Result<Name, String> {
    let Some(relative) = text.strip_suffix('.') else {
        return Err("It has to end with a dot, which makes it a whole name".into());
    };
    join(&labels(relative)?, &[])
}

/// A name within a zone; `None` is the zone itself.
pub(super) fn within(name: Option<&str>, zone: &Name) -> Result<Name, String> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(zone.clone()) };
    if name == "@" {
        return Err("Leave the argument out for the zone's own name".into());
    }
    if name.ends_with('.') {
        return Err("It is relative to the zone, so it must not end with a dot".into());
    }
    let labels = labels(name)?;
    if labels.last().is_some_and(|last| last.eq_ignore_ascii_case(MARKS.as_bytes())) {
        return Err(format!("Names below {MARKS} are kept for marks of ownership"));
    }
    join(&labels, &own(zone))
}

/// Where the ownership of a record set is marked: `www` of `example.com.` as an
/// A record set at `www._a._tenantctl.example.com.`. Beside the name and not
/// below it, where a delegation would hide the mark.
pub(super) fn mark(name: &Name, zone: &Name, kind: &Kind) -> Result<Name, String> {
    let depth = name.iter().count().saturating_sub(zone.iter().count());
    let relative =
        name.iter().take(depth).map(|label| if label == b"*" { WILDCARD.as_bytes() } else { label });
    let relative: Vec<&[u8]> = relative.chain([kind.label.as_bytes(), MARKS.as_bytes()]).collect();
    join(&relative, &own(zone)).map_err(|_| "It is too long to have a mark of ownership".into())
}

fn own(name: &Name) -> Vec<&[u8]> {
    name.iter().collect()
}

fn labels(text: &str) -> Result<Vec<&[u8]>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let labels: Vec<&str> = text.split('.').collect();
    for (place, label) in labels.iter().enumerate() {
        check(label, place)?;
    }
    Ok(labels.into_iter().map(str::as_bytes).collect())
}

fn check(label: &str, place: usize) -> Result<(), String> {
    if label.is_empty() {
        return Err("Two dots stand side by side, or one at the start".into());
    }
    if !label.is_ascii() {
        return Err("It has letters beyond ASCII; write the label in Punycode, as xn--…".into());
    }
    if label.len() > LABEL {
        return Err(format!("A part between two dots has {} bytes; {LABEL} are the most", label.len()));
    }
    if label == "*" && place == 0 {
        return Ok(());
    }
    match label.bytes().find(|b| !b.is_ascii_alphanumeric() && !b"-_/".contains(b)) {
        Some(_) if label.contains('*') => Err("An asterisk may only be the whole first part".into()),
        Some(other) => Err(format!("{:?} may not stand in it", char::from(other))),
        None => Ok(()),
    }
}

fn join(relative: &[&[u8]], zone: &[&[u8]]) -> Result<Name, String> {
    let all = || relative.iter().chain(zone);
    let length = all().map(|label| label.len() + 1).sum::<usize>() + 1;
    if length > WHOLE {
        return Err(format!("The whole name has {length} bytes; {WHOLE} are the most"));
    }
    let mut name = Name::from_labels(all().copied()).map_err(|error| error.to_string())?;
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::super::schema::kind;
    use super::*;

    fn zone() -> Name {
        absolute("Example.com.").expect("a zone")
    }

    #[test]
    fn names_are_relative_to_their_zone() {
        for (name, whole) in [
            (None, "Example.com."),
            (Some(""), "Example.com."),
            (Some("www"), "www.Example.com."),
            (Some("*.apps"), "*.apps.Example.com."),
            (Some("_acme-challenge.a"), "_acme-challenge.a.Example.com."),
        ] {
            assert_eq!(within(name, &zone()).expect(whole).to_ascii(), whole);
        }
        assert_eq!(within(Some("WWW"), &zone()), within(Some("www"), &zone()));
    }

    #[test]
    fn what_no_name_may_be_is_said() {
        let long = "a".repeat(64);
        let deep = ["a"; 122].join(".");
        for (name, words) in [
            ("www.", "must not end with a dot"),
            ("@", "Leave the argument out"),
            ("a..b", "side by side"),
            (".a", "side by side"),
            ("b\u{fc}ro", "Punycode"),
            (long.as_str(), "64 bytes"),
            (deep.as_str(), "257 bytes"),
            ("a b", "' '"),
            ("a\\.b", "'\\\\'"),
            ("a*", "asterisk"),
            ("a.*", "asterisk"),
            ("www._a._TENANTCTL", "kept for marks"),
        ] {
            let error = within(Some(name), &zone()).expect_err(name);
            assert!(error.contains(words), "{name}: {error}");
        }
        assert!(absolute("example.com").expect_err("relative").contains("end with a dot"));
    }

    #[test]
    fn marks_stand_beside_the_names() {
        let a = kind("dns_a_record_set").expect("known");
        for (name, mark_at) in [
            (None, "_a._tenantctl.Example.com."),
            (Some("www"), "www._a._tenantctl.Example.com."),
            (Some("*.apps"), "_wildcard.apps._a._tenantctl.Example.com."),
        ] {
            let name = within(name, &zone()).expect("a name");
            assert_eq!(mark(&name, &zone(), a).expect("a mark").to_ascii(), mark_at);
        }
        let deep = within(Some(&["a"; 118].join(".")), &zone()).expect("a name");
        assert!(mark(&deep, &zone(), a).expect_err("no room").contains("too long"));
    }
}
