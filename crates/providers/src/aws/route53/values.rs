//! What records hold, as people write it and as Route 53 has it.

/// Types that records can have.
pub(super) const TYPES: [&str; 12] =
    ["A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "SRV", "SVCB", "TXT"];

/// A value as Route 53 wants it: text in quotes.
pub(super) fn wire(kind: &str, value: &str) -> String {
    match kind {
        "TXT" if !(value.starts_with('"') && value.ends_with('"') && value.len() > 1) => {
            format!("\"{value}\"")
        }
        _ => value.to_owned(),
    }
}

/// A value as people write it.
pub(super) fn shown(kind: &str, value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    match (kind, inner) {
        ("TXT", Some(inner)) => inner.to_owned(),
        _ => value.to_owned(),
    }
}

/// Values in one way of writing, for comparing.
pub(super) fn comparable(kind: &str, values: impl Iterator<Item = String>) -> Vec<String> {
    let one = |value: String| match kind {
        "TXT" => shown(kind, &value),
        "AAAA" => value.parse::<std::net::Ipv6Addr>().map_or(value, |address| address.to_string()),
        "CNAME" | "NS" | "MX" | "SRV" => value.trim_end_matches('.').to_ascii_lowercase(),
        _ => value,
    };
    let mut values: Vec<String> = values.map(one).collect();
    values.sort();
    values
}

/// What is wrong with a value of a type.
pub(super) fn problem(kind: &str, value: &str) -> Option<&'static str> {
    match kind {
        "A" if value.parse::<std::net::Ipv4Addr>().is_err() => Some("is no IPv4 address"),
        "AAAA" if value.parse::<std::net::Ipv6Addr>().is_err() => Some("is no IPv6 address"),
        "CNAME" | "NS" if super::names::problem(value).is_some() => Some("is no domain name"),
        "MX" => {
            let (preference, host) = value.split_once(' ').unwrap_or((value, ""));
            let is_good = preference.parse::<u16>().is_ok() && super::names::problem(host.trim()).is_none();
            (!is_good).then_some("is no preference and mail server")
        }
        "TXT" if value.len() > 4000 => Some("is longer than 4000 characters"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_once() {
        assert_eq!(wire("TXT", "v=spf1 -all"), "\"v=spf1 -all\"");
        assert_eq!(wire("TXT", "\"a\""), "\"a\"");
        assert_eq!(shown("TXT", "\"a\""), "a");
        assert_eq!(wire("A", "192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn values_fit_their_type() {
        let good =
            [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "a.example."), ("MX", "10 mail.example")];
        let bad = [("A", "not-an-ip"), ("AAAA", "192.0.2.1"), ("CNAME", "a b"), ("MX", "mail.example")];
        assert!(good.iter().all(|(kind, value)| problem(kind, value).is_none()));
        assert!(bad.iter().all(|(kind, value)| problem(kind, value).is_some()));
    }
}
