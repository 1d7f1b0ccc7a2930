//! `aws_route53_record`.
//!
//! A record has no place for a mark, so one that says just what is planned is
//! taken for ours, and one that says something else for somebody else's.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, ChangeInfo, ResourceRecord, ResourceRecordSet, RrType,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, AttributeError, Block, Path, Timeouts, Type, Value};

use super::super::error::{Failure, Repeat, bad_id, classified, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{block, flag, given, name, nested, number, text, worldwide};
use super::super::session::Session;
use super::values::{TYPES, comparable, problem, shown as shown_value, wire};
use super::{Records, incomplete, names, spread, spread_yet, zone};

const KIND: &str = "aws_route53_record";
/// Records of one zone that are still asked for one by one.
const FEW: usize = 3;

/// The type.
pub(super) struct Record;

impl Likeness for Record {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let plain = |value: &Value| value.as_str().map(names::plain);
        match name {
            "name" | "fqdn" => plain(a).is_some() && plain(a) == plain(b),
            _ => false,
        }
    }
}

#[async_trait]
impl Resource<Session> for Record {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        let alias = block(
            [
                ("name", name("Name of what it stands for.")),
                ("zone_id", name("Id of the zone of what it stands for.")),
                (
                    "evaluate_target_health",
                    Attribute::required(Type::Bool).describe("Answer only while that is healthy."),
                ),
            ],
            [],
        );
        let weight = Attribute::required(Type::Number).describe("Share among records of one name.");
        worldwide(
            [
                ("zone_id", name("Id of the zone.").force_new()),
                ("name", name("Name of the record, with or without the zone's.").force_new()),
                ("type", name("A, AAAA, CNAME, TXT and others.").force_new()),
                ("ttl", number("Seconds that others may remember it.")),
                ("records", Attribute::optional(Type::set(Type::String)).describe("What it says.")),
                ("set_identifier", text("Tells records of one name apart.").force_new()),
                ("health_check_id", text("Id of a health check.")),
                ("allow_overwrite", flag("Take over a record that is there.")),
                ("id", given("Zone, name and type, with underscores.")),
                ("fqdn", given("The whole name.")),
            ],
            [("alias", nested(alias)), ("weighted_routing_policy", nested(block([("weight", weight)], [])))],
        )
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::minutes(30, 30, 30)
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let at = |name: &str| Path::root().attribute(name);
        problems.one_of(&at("type"), &TYPES);
        problems.range(&at("ttl"), 0..=i64::from(i32::MAX));
        if let Some(text) = problems.text(&at("name"))
            && !text.is_empty()
            && let Some(problem) = names::problem(&text)
        {
            problems.push(at("name"), "Invalid domain name", format!("The record name {text:?} {problem}."));
        }
        let kind = problems.text(&at("type")).unwrap_or_default();
        let each = problems.each(&at("records"));
        if kind == "CNAME" && each.len() > 1 {
            problems.push(at("records"), "Too many values", "A CNAME record has one value.");
        }
        for path in each {
            if let Some(value) = problems.text(&path)
                && let Some(problem) = problem(&kind, &value)
            {
                problems.push(
                    at("records"),
                    "Invalid record",
                    format!("{value:?} {problem}, which {kind} needs."),
                );
            }
        }
        let alias = problems.single(&at("alias")).is_some();
        if alias && (problems.at(&at("ttl")).is_some() || problems.at(&at("records")).is_some()) {
            problems.push(at("alias"), "Conflicting arguments", "An alias has neither ttl nor records.");
        }
        let is_open = |name: &str| problems.config.get(name).is_some_and(|value| !value.is_known());
        let lacks = |name: &str| problems.at(&at(name)).is_none() && !is_open(name);
        if !alias && !is_open("alias") && (lacks("ttl") || lacks("records")) {
            problems.push(at("records"), "Missing arguments", "A record needs ttl and records, or an alias.");
        }
        let weighted = problems.single(&at("weighted_routing_policy"));
        if let Some(weighted) = weighted {
            problems.range(&weighted.attribute("weight"), 0..=255);
            if problems.at(&at("set_identifier")).is_none()
                && problems.config.get("set_identifier").is_none_or(|v| v.is_known())
            {
                problems.push(
                    at("set_identifier"),
                    "Missing arguments",
                    "A weighted record needs a set_identifier.",
                );
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name).and_then(|value| value.as_str().map(names::plain));
        let set = object.get("set_identifier").filter(|set| !set.is_null());
        let set = match set {
            Some(set) => format!("_{}", set.as_str()?),
            None => String::new(),
        };
        Some(format!("{}_{}_{}{set}", object.get("zone_id")?.as_str()?, part("name")?, part("type")?))
    }

    /// The name of a host, where it is written whole.
    fn claims(&self, object: &Value) -> Vec<String> {
        let part = |name: &str| object.get(name).and_then(|value| value.as_str().map(names::plain));
        let is_host = part("type").is_some_and(|kind| matches!(kind.as_str(), "a" | "aaaa" | "cname"));
        let whole = part("fqdn").or_else(|| part("name")).filter(|name| is_host && name.contains('.'));
        whole.map(|name| format!("host {name}")).into_iter().collect()
    }

    /// Short or whole, it is the same name.
    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        let plain = |value: Value| value.as_str().map(names::plain);
        let (prior, whole) = (draft.prior("name"), plain(draft.prior("fqdn")));
        if let (Some(name), Some(whole), Some(wanted)) =
            (plain(prior.clone()), whole, plain(draft.config("name")))
            && let Some(zone) = names::zone_of(&name, &whole)
            && names::within(&wanted, zone) == whole
        {
            draft.set("name", prior);
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        if prior.given("fqdn").is_some() {
            return present(at, prior).await;
        }
        // An imported one: by its short name the zone's own can be told later.
        let Some(zone) = zone::name_of(at, prior.text("zone_id")).await? else { return Ok(None) };
        let whole = names::within(prior.text("name"), &zone);
        let mut named = prior.clone();
        (named["name"], named["fqdn"]) = (names::short(&whole, &zone).into(), whole.into());
        present(at, &named).await
    }

    /// A zone with many of them is listed, page by page.
    async fn read_all(&self, at: &Session, objects: &[Json]) -> Option<Vec<Called<Option<Json>>>> {
        let mut by_zone: BTreeMap<&str, usize> = BTreeMap::new();
        for object in objects {
            *by_zone.entry(object.text("zone_id")).or_default() += 1;
        }
        let mut lists: BTreeMap<&str, Called<Records>> = BTreeMap::new();
        let shared = at.zones.now();
        for (zone, count) in by_zone {
            let list = async { Ok(Arc::new(all(at, zone).await?)) };
            match &shared {
                // Other workspaces read the same zone.
                Some(shared) => {
                    let place = format!("{} {zone}", at.place());
                    drop(lists.insert(zone, Box::pin(shared.at(place, list)).await));
                }
                None if count > FEW => drop(lists.insert(zone, list.await)),
                None => {}
            }
        }
        let mut read = Vec::with_capacity(objects.len());
        for object in objects {
            read.push(match lists.get(object.text("zone_id")) {
                None => self.read(at, object).await,
                Some(Err(error)) => Err(error.clone()),
                Some(Ok(list)) => {
                    let name = names::plain(object.text("fqdn"));
                    Ok(list
                        .iter()
                        .find(|found| is_it(found, object, &name))
                        .map(|found| shown(found, object, &name)))
                }
            });
        }
        Some(read)
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let Some(name) = full_name(call.at, planned).await? else { return Ok(None) };
        match look(call.at, planned, &name).await? {
            None => Ok(None),
            Some(found) if says(&found, planned) => Ok(Some(shown(&found, planned, &name))),
            Some(_) if planned.flag("allow_overwrite") == Some(true) => Ok(None),
            Some(_) => Err(not_ours(&format!("a record {name:?} of type {}", planned.text("type")))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        if let Some(found) = self.find(call, planned).await? {
            return Ok(Done::Object(found));
        }
        let action = if planned.flag("allow_overwrite") == Some(true) {
            ChangeAction::Upsert
        } else {
            ChangeAction::Create
        };
        let Some(name) = full_name(call.at, planned).await? else {
            return Err(gone(&format!("zone {}", planned.text("zone_id"))));
        };
        let record = wanted(planned, &name)?;
        let shown = shown(&record, planned, &name);
        let change = change(call.at, planned, action, record, Repeat::Unsafe).await?;
        Ok(spread(change.as_ref(), Done::Object(shown)))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        let Some(name) = full_name(call.at, planned).await? else {
            return Err(gone(&format!("zone {}", planned.text("zone_id"))));
        };
        let record = wanted(planned, &name)?;
        let shown = shown(&record, planned, &name);
        let change = change(call.at, planned, ChangeAction::Upsert, record, Repeat::Safe).await?;
        Ok(spread(change.as_ref(), Done::Object(shown)))
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let Some(name) = full_name(call.at, prior).await? else { return Ok(Done::Gone) };
        // A removal must say just what there is.
        let Some(found) = look(call.at, prior, &name).await? else { return Ok(Done::Gone) };
        let change = change(call.at, prior, ChangeAction::Delete, found, Repeat::Safe).await?;
        Ok(spread(change.as_ref(), Done::Gone))
    }

    async fn poll(&self, call: &Call<'_>, handle: &Json, planned: &Json) -> Called<Done> {
        if let Some(done) = spread_yet(call.at, handle).await? {
            return Ok(done);
        }
        let found = present(call.at, planned).await?;
        found.map(Done::Object).ok_or_else(|| gone(&format!("record {:?}", planned.text("name"))))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parts: Vec<&str> = id.split('_').collect();
        let kind = parts.iter().rposition(|part| TYPES.contains(part));
        match kind {
            Some(at) if at >= 2 && at + 2 >= parts.len() => Ok(json!({
                "zone_id": parts[0], "name": parts[1..at].join("_"), "type": parts[at],
                "set_identifier": parts.get(at + 1),
            })),
            _ => Err(bad_id(KIND, "ZONE_NAME_TYPE or ZONE_NAME_TYPE_SET")),
        }
    }
}

/// The record as it is.
async fn present(at: &Session, object: &Json) -> Called<Option<Json>> {
    let Some(name) = full_name(at, object).await? else { return Ok(None) };
    Ok(look(at, object, &name).await?.map(|found| shown(&found, object, &name)))
}

/// The whole name; `None` when there is no such zone.
async fn full_name(at: &Session, object: &Json) -> Called<Option<String>> {
    if let Some(known) = object.given("fqdn") {
        return Ok(Some(names::plain(&known)));
    }
    let zone = zone::name_of(at, object.text("zone_id")).await?;
    Ok(zone.map(|zone| names::within(object.text("name"), &zone)))
}

/// All records of a zone, page by page.
pub(super) async fn all(at: &Session, zone: &str) -> Result<Vec<ResourceRecordSet>, Failure> {
    let (mut found, mut start) = (Vec::new(), (None, None, None));
    loop {
        let list = at.route53().read.list_resource_record_sets().hosted_zone_id(zone);
        let (name, kind, set) = start;
        let list =
            list.set_start_record_name(name).set_start_record_type(kind).set_start_record_identifier(set);
        let page =
            match list.send().await.map_err(|e| failed(&format!("Reading the records of zone {zone}"), e)) {
                Ok(page) => page,
                Err(failure) if failure.is_missing() => return Ok(found),
                Err(failure) => return Err(failure),
            };
        found.extend(page.resource_record_sets().iter().cloned());
        if !page.is_truncated() {
            return Ok(found);
        }
        start = (page.next_record_name, page.next_record_type, page.next_record_identifier);
    }
}

async fn look(at: &Session, object: &Json, name: &str) -> Called<Option<ResourceRecordSet>> {
    let list = at.route53().read.list_resource_record_sets().hosted_zone_id(object.text("zone_id"));
    let list = list.start_record_name(name).start_record_type(RrType::from(object.text("type")));
    let page = list.set_start_record_identifier(object.given("set_identifier")).max_items(5).send().await;
    match page.map_err(|e| failed(&format!("Reading the record {name:?}"), e)) {
        Ok(page) => Ok(page.resource_record_sets.into_iter().find(|found| is_it(found, object, name))),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn is_it(found: &ResourceRecordSet, object: &Json, name: &str) -> bool {
    names::plain(found.name()) == name
        && found.r#type().as_str() == object.text("type")
        && found.set_identifier() == object.given("set_identifier").as_deref()
}

/// Whether a record says just what is planned.
fn says(found: &ResourceRecordSet, planned: &Json) -> bool {
    let kind = planned.text("type");
    let has = comparable(kind, found.resource_records().iter().map(|r| r.value().to_owned()));
    let wants = comparable(kind, planned.texts("records").into_iter());
    let alias = |name: &str, zone: &str| format!("{} {zone}", names::plain(name));
    let has_alias = found.alias_target().map(|target| alias(target.dns_name(), target.hosted_zone_id()));
    let wants_alias = planned.block("alias").map(|target| alias(target.text("name"), target.text("zone_id")));
    let ttl = planned.get("ttl").and_then(Json::as_i64);
    has == wants && has_alias == wants_alias && found.ttl() == ttl
}

fn wanted(planned: &Json, name: &str) -> Result<ResourceRecordSet, Failure> {
    let kind = planned.text("type");
    let value =
        |value: String| ResourceRecord::builder().value(wire(kind, &value)).build().map_err(incomplete);
    let values = planned.texts("records").into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
    let alias = planned.block("alias").map(|alias| {
        AliasTarget::builder()
            .dns_name(alias.text("name"))
            .hosted_zone_id(alias.text("zone_id"))
            .evaluate_target_health(alias.flag("evaluate_target_health").unwrap_or(false))
            .build()
            .map_err(incomplete)
    });
    let weight = planned.block("weighted_routing_policy").and_then(|policy| policy.int32("weight"));
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::from(kind))
        .set_ttl(planned.get("ttl").and_then(Json::as_i64))
        .set_resource_records((!values.is_empty()).then_some(values))
        .set_alias_target(alias.transpose()?)
        .set_set_identifier(planned.given("set_identifier"))
        .set_weight(weight.map(i64::from))
        .set_health_check_id(planned.given("health_check_id"))
        .build()
        .map_err(incomplete)
}

async fn change(
    at: &Session,
    object: &Json,
    action: ChangeAction,
    record: ResourceRecordSet,
    repeat: Repeat,
) -> Called<Option<ChangeInfo>> {
    let doing = format!("{} the record {:?}", verb(&action), names::plain(record.name()));
    let change = Change::builder().action(action).resource_record_set(record).build().map_err(incomplete)?;
    let batch = ChangeBatch::builder().changes(change).build().map_err(incomplete)?;
    let write = at.route53().write.change_resource_record_sets().hosted_zone_id(object.text("zone_id"));
    let answer = write.change_batch(batch).send().await.map_err(|e| classified(&doing, repeat, e))?;
    Ok(answer.change_info)
}

fn verb(action: &ChangeAction) -> &'static str {
    match action {
        ChangeAction::Create => "Creating",
        ChangeAction::Delete => "Removing",
        _ => "Setting",
    }
}

fn shown(found: &ResourceRecordSet, reference: &Json, name: &str) -> Json {
    let kind = found.r#type().as_str();
    let mut values: Vec<String> =
        found.resource_records().iter().map(|r| shown_value(kind, r.value())).collect();
    // The same values, written otherwise, stay as they are written.
    let before = reference.texts("records");
    if comparable(kind, values.iter().cloned()) == comparable(kind, before.iter().cloned()) {
        values = before;
    }
    let alias = found.alias_target().map(|target| {
        let before = reference.block("alias").map(|alias| alias.text("name").to_owned());
        let target_name = names::plain(target.dns_name());
        let target_name = before.filter(|before| names::plain(before) == target_name).unwrap_or(target_name);
        json!({
            "name": target_name, "zone_id": target.hosted_zone_id(),
            "evaluate_target_health": target.evaluate_target_health(),
        })
    });
    let weight = found.weight().map(|weight| json!({ "weight": weight }));
    let set = found.set_identifier();
    let (zone, suffix) = (reference.text("zone_id"), set.map(|set| format!("_{set}")).unwrap_or_default());
    let one = |block: Option<Json>| block.into_iter().collect::<Vec<_>>();
    let written = reference.given("name").unwrap_or_else(|| name.to_owned());
    json!({
        "id": format!("{zone}_{name}_{kind}{suffix}"), "fqdn": name, "zone_id": zone, "name": written, "type": kind,
        "ttl": found.ttl(), "records": if values.is_empty() { Json::Null } else { json!(values) },
        "set_identifier": set, "health_check_id": found.health_check_id(),
        "alias": one(alias), "weighted_routing_policy": one(weight),
    })
}
