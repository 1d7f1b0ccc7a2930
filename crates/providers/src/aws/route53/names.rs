//! Names as people write them and as Route 53 has them.

/// A name without the dot at its end, in lower case, escapes undone.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').replace("\\052", "*").to_ascii_lowercase()
}

/// The whole name of a record in a zone.
pub(super) fn within(name: &str, zone: &str) -> String {
    let (name, zone) = (plain(name), plain(zone));
    if name.is_empty() || name == zone {
        zone
    } else if name.ends_with(&format!(".{zone}")) {
        name
    } else {
        format!("{name}.{zone}")
    }
}

/// The name of a record without its zone's; empty for the zone's own.
pub(super) fn short<'n>(whole: &'n str, zone: &str) -> &'n str {
    let name = whole.strip_suffix(zone).unwrap_or(whole);
    name.strip_suffix('.').unwrap_or(name)
}

/// The zone of a whole name, when the short one is known.
pub(super) fn zone_of<'n>(short: &str, whole: &'n str) -> Option<&'n str> {
    match short {
        "" => Some(whole),
        short => whole.strip_prefix(short)?.strip_prefix('.'),
    }
}

/// The id of a zone without the path that it comes with.
pub(super) fn zone_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// What is wrong with a domain name by the published rules.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.');
    let label_problem = |label: &str| label.is_empty() || label.len() > 63;
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > 255 {
        Some("is longer than 255 characters")
    } else if name.split('.').any(label_problem) {
        Some("has a label that is empty or longer than 63 characters")
    } else if name.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        Some("has white space, or characters beyond ASCII")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_whole() {
        assert_eq!(within("www", "Example.com."), "www.example.com");
        assert_eq!(within("www.example.com", "example.com"), "www.example.com");
        assert_eq!(within("", "example.com"), "example.com");
        assert_eq!(within("\\052.example.com.", "example.com"), "*.example.com");
        assert_eq!(within("notexample.com", "example.com"), "notexample.com.example.com");
        assert_eq!(zone_id("/hostedzone/Z1"), "Z1");
    }

    #[test]
    fn short_names_tell_the_zone() {
        for (short_name, whole) in
            [("www", "www.example.com"), ("", "example.com"), ("*.a", "*.a.example.com")]
        {
            assert_eq!(short(whole, "example.com"), short_name);
            assert_eq!(zone_of(short_name, whole), Some("example.com"));
        }
        assert_eq!(zone_of("www.example.com", "www.example.com"), None);
        assert_eq!(zone_of("ww", "www.example.com"), None);
    }
}
