//! Functions over IP address ranges.
//!
//! Guarantees: addresses are plain integers in between, so that no range,
//! however large, is ever listed.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::FunctionContext;
use super::declare::Want::{Number as Num, String as Str};
use super::declare::{
    Fault, Function, Returns, failure, fault, integer, number, param, quoting, strings, text,
};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrcontains",
        &[param("containing_prefix", Str), param("contained", Str)],
        Returns::Bool,
        contains,
    ),
    Function::new("cidrhost", &[param("prefix", Str), param("hostnum", Num)], Returns::String, host),
    Function::new("cidrnetmask", &[param("prefix", Str)], Returns::String, netmask),
    Function::new(
        "cidrsubnet",
        &[param("prefix", Str), param("newbits", Num), param("netnum", Num)],
        Returns::String,
        subnet,
    ),
    Function::new("cidrsubnets", &[param("prefix", Str)], Returns::Strings, subnets)
        .rest(param("newbits", Num), 0),
];

/// A range of addresses: the first one, and how many leading bits are fixed.
#[derive(Clone, Copy)]
struct Prefix {
    first: u128,
    length: u32,
    /// 32 or 128.
    bits: u32,
}

/// The greatest number of so many bits.
fn ones(bits: u32) -> u128 {
    1u128.checked_shl(bits).map_or(u128::MAX, |n| n - 1)
}

impl Prefix {
    fn host_bits(self) -> u32 {
        self.bits - self.length
    }

    fn last(self) -> u128 {
        self.first | ones(self.host_bits())
    }

    fn contains(self, other: Prefix) -> bool {
        self.bits == other.bits && self.first <= other.first && other.last() <= self.last()
    }

    fn show(self) -> String {
        format!("{}/{}", address(self.first, self.bits), self.length)
    }
}

fn address(address: u128, bits: u32) -> String {
    match u32::try_from(address) {
        Ok(short) if bits == 32 => Ipv4Addr::from(short).to_string(),
        _ => Ipv6Addr::from(address).to_string(),
    }
}

fn parse_address(text: &str) -> Option<(u128, u32)> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(|a| (u128::from(a), 128));
    }
    // Leading zeros are decimal here, as they have always been in Terraform.
    let octets: Vec<_> = text
        .split('.')
        .map(|octet| octet.trim_start_matches('0'))
        .map(|octet| if octet.is_empty() { "0" } else { octet })
        .collect();
    if text.split('.').any(str::is_empty) {
        return None;
    }
    octets.join(".").parse::<Ipv4Addr>().ok().map(|a| (u128::from(u32::from(a)), 32))
}

fn parse_prefix(text: &str) -> Option<Prefix> {
    let (start, length) = text.split_once('/')?;
    let (start, bits) = parse_address(start)?;
    let digits_only = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let length = length.parse::<u32>().ok().filter(|length| digits_only && *length <= bits)?;
    Some(Prefix { first: start & !ones(bits - length), length, bits })
}

fn prefix(args: &[Value], index: usize) -> Result<Prefix, Fault> {
    let given = text(args, index);
    parse_prefix(given).ok_or_else(|| {
        quoting(
            index,
            format!("{given:?} is not an address prefix like 10.0.0.0/8"),
            "is not an address prefix",
        )
    })
}

fn contains(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let outer = prefix(args, 0)?;
    let inner = match parse_address(text(args, 1)) {
        Some((first, bits)) => Prefix { first, length: bits, bits },
        None => prefix(args, 1)?,
    };
    if outer.bits != inner.bits {
        return Err(fault(1, "must be of the same address family as the containing prefix"));
    }
    Ok(outer.contains(inner).into())
}

/// The magnitude of a whole number of up to 128 bits.
fn magnitude(args: &[Value], index: usize) -> Result<u128, Fault> {
    let number = number(args, index);
    if !number.is_integer() {
        return Err(fault(index, "must be a whole number"));
    }
    number.abs().to_string().parse().map_err(|_| fault(index, "is too large for an address"))
}

fn is_negative(args: &[Value], index: usize) -> bool {
    number(args, index) < 0i64.into()
}

fn host(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let prefix = prefix(args, 0)?;
    let number = magnitude(args, 1)?;
    let most = ones(prefix.host_bits());
    // Negative numbers count from the end, -1 being the last address.
    let offset = match is_negative(args, 1) {
        true => most.checked_sub(number - 1),
        false => Some(number).filter(|n| *n <= most),
    };
    let offset = offset.ok_or_else(|| {
        let sign = if is_negative(args, 1) { "-" } else { "" };
        let message = format!("a prefix of {} bits has no host number {sign}{number}", prefix.length);
        quoting(1, message, "the prefix has no host of that number")
    })?;
    Ok(address(prefix.first | offset, prefix.bits).into())
}

fn netmask(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let prefix = prefix(args, 0)?;
    if prefix.bits != 32 {
        return Err(fault(0, "only IPv4 has netmasks; IPv6 prefixes are written with their length"));
    }
    Ok(address(ones(32) & !ones(prefix.host_bits()), 32).into())
}

/// A prefix length grown by the argument at `index`.
fn extended(prefix: Prefix, args: &[Value], index: usize) -> Result<u32, Fault> {
    let bits = u32::try_from(integer(args, index)?).map_err(|_| fault(index, "must not be negative"))?;
    let length = prefix.length.checked_add(bits).filter(|length| *length <= prefix.bits);
    length.ok_or_else(|| {
        let message =
            format!("{bits} more bits than {} do not fit an address of {}", prefix.length, prefix.bits);
        quoting(index, message, "the address has not as many bits")
    })
}

fn subnet(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let prefix = prefix(args, 0)?;
    let length = extended(prefix, args, 1)?;
    let number = magnitude(args, 2)?;
    if is_negative(args, 2) {
        return Err(fault(2, "must not be negative"));
    }
    let bits = length - prefix.length;
    if number > ones(bits) {
        let message = format!("an extension of {bits} bits has no subnet number {number}");
        return Err(quoting(2, message, "the extension has no subnet of that number"));
    }
    let offset = number.checked_shl(prefix.bits - length).unwrap_or(0);
    Ok(Prefix { first: prefix.first | offset, length, ..prefix }.show().into())
}

fn subnets(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let whole = prefix(args, 0)?;
    let mut found = Vec::new();
    // The next free address; `None` when the address space is used up.
    let mut next = Some(whole.first);
    for index in 1..args.len() {
        let length = extended(whole, args, index)?;
        match length - whole.length {
            0 => return Err(fault(index, "must extend the prefix by at least one bit")),
            33.. => return Err(fault(index, "must not extend the prefix by more than 32 bits")),
            _ => {}
        }
        let size = ones(whole.bits - length);
        let aligned = next.and_then(|next| next.checked_add(size)).map(|n| n & !size);
        let subnet = aligned.map(|first| Prefix { first, length, ..whole });
        let subnet = subnet.filter(|subnet| whole.contains(*subnet)).ok_or_else(|| {
            let after = found.last().map_or_else(|| whole.show(), |last: &Prefix| last.show());
            quoting(
                index,
                format!("there is no room for a prefix of {length} bits after {after}"),
                "there is no room left in the prefix",
            )
        })?;
        next = subnet.last().checked_add(1);
        found.push(subnet);
    }
    if found.len() > 1 << 20 {
        return Err(failure("too many subnets"));
    }
    Ok(strings(found.into_iter().map(Prefix::show)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;

    #[test]
    fn cases() {
        check(&[
            ("cidrcontains", json!(["192.168.2.0/20", "192.168.2.1"]), Ok(json!(true))),
            ("cidrcontains", json!(["192.168.2.0/24", "192.168.0.0/16"]), Ok(json!(false))),
            ("cidrcontains", json!(["10.0.0.0/8", "::1"]), Err("same address family")),
            ("cidrhost", json!(["10.12.112.0/20", 16]), Ok(json!("10.12.112.16"))),
            ("cidrhost", json!(["10.12.112.0/20", -1]), Ok(json!("10.12.127.255"))),
            ("cidrhost", json!(["fd00:fd12:3456:7890::/56", 34]), Ok(json!("fd00:fd12:3456:7800::22"))),
            ("cidrhost", json!(["::/0", -1]), Ok(json!("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))),
            ("cidrhost", json!(["10.0.0.0/30", 4]), Err("no host number 4")),
            ("cidrhost", json!(["10.0.0.0/30", -5]), Err("no host number -5")),
            ("cidrhost", json!(["10.0.0.0/33", 1]), Err("not an address prefix")),
            ("cidrhost", json!(["010.0.0.0/8", 0.5]), Err("whole number")),
            ("cidrnetmask", json!(["172.16.0.0/12"]), Ok(json!("255.240.0.0"))),
            ("cidrnetmask", json!(["0.0.0.0/0"]), Ok(json!("0.0.0.0"))),
            ("cidrnetmask", json!(["::/8"]), Err("only IPv4")),
            ("cidrsubnet", json!(["172.16.0.0/12", 4, 2]), Ok(json!("172.18.0.0/16"))),
            (
                "cidrsubnet",
                json!(["fd00:fd12:3456:7890::/56", 16, 162]),
                Ok(json!("fd00:fd12:3456:7800:a200::/72")),
            ),
            ("cidrsubnet", json!(["::/0", 0, 0]), Ok(json!("::/0"))),
            ("cidrsubnet", json!(["10.0.0.0/8", 4, 16]), Err("no subnet number 16")),
            ("cidrsubnet", json!(["10.0.0.0/8", 25, 0]), Err("do not fit")),
            (
                "cidrsubnets",
                json!(["10.1.0.0/16", 4, 4, 8, 4]),
                Ok(json!(["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24", "10.1.48.0/20"])),
            ),
            ("cidrsubnets", json!(["10.0.0.0/8"]), Ok(json!([]))),
            ("cidrsubnets", json!(["255.255.255.254/31", 1, 1, 1]), Err("no room")),
            ("cidrsubnets", json!(["10.0.0.0/8", 0]), Err("at least one bit")),
        ]);
    }
}
