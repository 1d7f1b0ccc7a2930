//! Zones and their records.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value as Json, json};

use super::checks::{only, tags};
use super::groups;
use super::manager::condition;
use super::world::{Answer, Asked, Done, Goal, World, page, refuse, shown};

const ZONE: [&str; 4] = ["location", "tags", "tags/*", "properties/zoneType"];
const RECORD: [&str; 15] = [
    "etag",
    "properties/TTL",
    "properties/metadata",
    "properties/metadata/*",
    "properties/targetResource/id",
    "properties/ARecords",
    "properties/ARecords/ipv4Address",
    "properties/AAAARecords",
    "properties/AAAARecords/ipv6Address",
    "properties/CNAMERecord/cname",
    "properties/TXTRecords",
    "properties/TXTRecords/value",
    "id",
    "name",
    "type",
];
/// Types, and where their records are.
const TYPES: [(&str, &str); 4] =
    [("A", "ARecords"), ("AAAA", "AAAARecords"), ("CNAME", "CNAMERecord"), ("TXT", "TXTRecords")];

/// A zone, the records of a type, or one of them.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str, names: &[&str]) -> Done {
    groups::exists(world, group)?;
    let zone = format!("{}/providers/Microsoft.Network/dnsZones/{}", groups::id(group), names[0]);
    match names {
        [name] => self::zone(world, asked, &zone, name),
        [name, kind, rest @ ..] => {
            if world.get(&zone).is_none() {
                let message = format!("The zone '{name}' could not be found.");
                return refuse(404, "ParentResourceNotFound", message);
            }
            let Some((kind, _)) = TYPES.iter().find(|(own, _)| own.eq_ignore_ascii_case(kind)) else {
                return refuse(400, "BadRequest", "There is no such type of records.");
            };
            match rest {
                [] => {
                    let records = world.children(&format!("{zone}/{kind}"));
                    Ok(page(asked, records.into_iter().map(shown).collect()))
                }
                [record] => self::record(world, asked, &zone, name, (kind, record)),
                _ => refuse(404, "NotFound", "There is no such path."),
            }
        }
        [] => refuse(404, "NotFound", "There is no such path."),
    }
}

fn zone(world: &mut World, asked: &Asked<'_>, own: &str, name: &str) -> Done {
    match asked.method {
        "GET" => {
            world.look(own);
            match world.get(own) {
                Some(found) => Ok(Answer::new(200, shown(found))),
                None => refuse(404, "ResourceNotFound", format!("The zone '{name}' was not found.")),
            }
        }
        "PUT" => {
            only(&asked.body, &ZONE)?;
            tags(&asked.body["tags"])?;
            if asked.body["location"] != "global" || !name.contains('.') {
                return refuse(400, "BadRequest", "A zone is global, and its name has a dot.");
            }
            condition(asked, world.get(own))?;
            let is_new = world.get(own).is_none();
            let json = json!({
                "id": own, "name": name, "type": "Microsoft.Network/dnszones", "location": "global",
                "tags": asked.body["tags"],
                "properties": {
                    "maxNumberOfRecordSets": 10000, "numberOfRecordSets": 2, "zoneType": "Public",
                    "nameServers": ["ns1-01.test.invalid.", "ns2-01.test.invalid."],
                },
            });
            world.put(own, json);
            Ok(Answer::new(if is_new { 201 } else { 200 }, world.get(own).map(shown).unwrap_or_default()))
        }
        "DELETE" => {
            if world.get(own).is_none() {
                return Ok(Answer::new(204, Json::Null));
            }
            condition(asked, world.get(own))?;
            let operation = world.begin(own, "Deleting", Goal::Removed);
            Ok(super::manager::accepted(asked, &operation, "azure-asyncoperation"))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn record(world: &mut World, asked: &Asked<'_>, zone: &str, zone_name: &str, name: (&str, &str)) -> Done {
    let (kind, name) = name;
    let own = format!("{zone}/{kind}/{name}");
    match asked.method {
        "GET" => match world.get(&own) {
            Some(found) => Ok(Answer::new(200, shown(found))),
            None => refuse(404, "NotFound", format!("The record set '{name}' was not found.")),
        },
        "PUT" => {
            only(&asked.body, &RECORD)?;
            check(kind, &asked.body["properties"])?;
            let others =
                TYPES.iter().filter(|(other, _)| *other != kind && (kind == "CNAME" || *other == "CNAME"));
            for (other, _) in others {
                if world.get(&format!("{zone}/{other}/{name}")).is_some() {
                    let message = format!("A {kind} record cannot be beside a {other} record.");
                    return refuse(400, "BadRequest", message);
                }
            }
            condition(asked, world.get(&own))?;
            let is_new = world.get(&own).is_none();
            let mut properties = asked.body["properties"].clone();
            let whole = if name == "@" { zone_name.to_owned() } else { format!("{name}.{zone_name}") };
            properties["fqdn"] = format!("{whole}.").into();
            properties["provisioningState"] = "Succeeded".into();
            if properties["targetResource"].is_null() {
                properties["targetResource"] = json!({});
            }
            let json = json!({
                "id": own, "name": name, "type": format!("Microsoft.Network/dnszones/{kind}"),
                "properties": properties,
            });
            world.put(&own, json);
            Ok(Answer::new(if is_new { 201 } else { 200 }, world.get(&own).map(shown).unwrap_or_default()))
        }
        "DELETE" => {
            let Some(found) = world.get(&own) else { return Ok(Answer::new(204, Json::Null)) };
            condition(asked, Some(found))?;
            world.remove(&own);
            Ok(Answer::new(200, Json::Null))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn check(kind: &str, properties: &Json) -> Done<()> {
    let bad = |message: &str| refuse(400, "BadRequest", message.to_owned());
    if properties["TTL"].as_i64().is_none_or(|ttl| !(1..=2_147_483_647).contains(&ttl)) {
        return bad("The TTL is missing or out of range.");
    }
    tags(&properties["metadata"])?;
    let own = TYPES.iter().find(|(own, _)| *own == kind).map_or("", |(_, list)| *list);
    if TYPES.iter().any(|(_, list)| *list != own && !properties[*list].is_null()) {
        return bad("There are records of another type.");
    }
    let texts = |list: &str, part: &str| -> Vec<String> {
        let items = properties[list].as_array().into_iter().flatten();
        items.map(|item| item[part].as_str().unwrap_or_default().to_owned()).collect()
    };
    let has_target = !properties["targetResource"]["id"].is_null();
    let fine = match kind {
        "A" => texts("ARecords", "ipv4Address").iter().all(|text| text.parse::<Ipv4Addr>().is_ok()),
        "AAAA" => texts("AAAARecords", "ipv6Address").iter().all(|text| text.parse::<Ipv6Addr>().is_ok()),
        "CNAME" => {
            has_target || properties["CNAMERecord"]["cname"].as_str().is_some_and(|name| !name.is_empty())
        }
        _ => properties["TXTRecords"].as_array().is_some_and(|texts| {
            let pieces = texts.iter().flat_map(|text| text["value"].as_array().cloned().unwrap_or_default());
            !texts.is_empty()
                && pieces.into_iter().all(|piece| piece.as_str().is_some_and(|p| p.len() <= 255))
        }),
    };
    if fine { Ok(()) } else { bad("A record is not valid.") }
}
