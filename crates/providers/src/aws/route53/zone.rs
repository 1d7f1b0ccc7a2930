//! `aws_route53_zone`.
//!
//! Zones of one name can stand side by side; the reference that a zone is
//! created with tells which creation made it.

use async_trait::async_trait;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HostedZone, HostedZoneConfig, ResourceRecordSet, RrType, Tag,
    TagResourceType, Vpc,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Operation, Path, ProviderError, Timeouts, Type, Value,
};

use super::super::error::{Failure, Repeat, bad_id, classified, failed, gone};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{block, flag, given, name, nested, tags, tags_all, text, worldwide};
use super::super::session::Session;
use super::super::tags::{self as tagging, Tags};
use super::{incomplete, names, spread, spread_yet};

const KIND: &str = "aws_route53_zone";
/// Records that one call removes.
const BATCH: usize = 100;
/// How many records an error names.
const NAMED: usize = 3;

/// The type.
pub(super) struct Zone;

/// A zone as Route 53 has it.
struct Found {
    zone: HostedZone,
    name_servers: Vec<String>,
    vpcs: Vec<Vpc>,
}

impl Likeness for Zone {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let plain = |value: &Value| value.as_str().map(names::plain);
        name == "name" && plain(a).is_some() && plain(a) == plain(b)
    }
}

#[async_trait]
impl Resource<Session> for Zone {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        let vpc = block(
            [
                ("vpc_id", name("Id of the VPC.").force_new()),
                (
                    "vpc_region",
                    text("Region of the VPC; the provider's when not set.").or_computed().force_new(),
                ),
            ],
            [],
        );
        worldwide(
            [
                ("name", name("Name of the zone.").force_new()),
                ("comment", text("What it is for.").or_computed()),
                ("force_destroy", flag("Remove the zone with all records in it.").or_computed()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Id of the zone.")),
                ("zone_id", given("Id of the zone.")),
                ("arn", given("ARN of the zone.")),
                ("name_servers", Attribute::computed(Type::list(Type::String)).describe("Its name servers.")),
                ("primary_name_server", given("The first of its name servers.")),
            ],
            [("vpc", nested(vpc))],
        )
        .meaningless(&["vpc", "vpc_region"], "a network that asks, not where names are kept")
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::minutes(30, 30, 30)
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let path = Path::root().attribute("name");
        if let Some(text) = problems.text(&path)
            && let Some(problem) = names::problem(&text)
        {
            problems.push(path, "Invalid domain name", format!("The zone name {text:?} {problem}."));
        }
        let comment = Path::root().attribute("comment");
        if problems.text(&comment).is_some_and(|text| text.chars().count() > 256) {
            problems.push(comment, "Invalid value", "The comment is longer than 256 characters.");
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("zone_id")?.as_str().map(str::to_owned)
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("force_destroy", false);
        draft.default("comment", "");
        let count = |value: &Value| value.as_items().map_or(0, <[_]>::len);
        if !draft.is_creation() && count(&draft.prior("vpc")) != count(&draft.planned("vpc")) {
            draft.replace("vpc");
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let Some(found) = look(at, prior.text("zone_id")).await? else { return Ok(None) };
        let tags = tags_of(at, prior.text("zone_id")).await?;
        Ok(Some(shown(&found, prior, &tags)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let Some(id) = by_reference(call, planned.text("name")).await? else { return Ok(None) };
        let Some(found) = look(call.at, &id).await? else { return Ok(None) };
        let tags = tags_of(call.at, &id).await?;
        Ok(Some(shown(&found, planned, &tags)))
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let tags = tagging::at_creation(call, planned);
        let (id, change) = match by_reference(call, planned.text("name")).await? {
            Some(id) => (id, None),
            None => {
                let answer = make(call, planned).await?;
                let id = answer.hosted_zone().map(HostedZone::id).unwrap_or_default();
                (names::zone_id(id).to_owned(), answer.change_info().cloned())
            }
        };
        set_tags(call.at, &id, &Tags::new(), &tags).await?;
        let Some(found) = look(call.at, &id).await? else {
            return Err(gone(&format!("zone {:?}", planned.text("name"))));
        };
        Ok(spread(change.as_ref(), Done::Object(shown(&found, planned, &tags))))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        let id = planned.text("zone_id");
        let Some(found) = look(call.at, id).await? else {
            return Err(gone(&format!("zone {:?}", planned.text("name"))));
        };
        let actual = tags_of(call.at, id).await?;
        // A creation that was cut short left it without marks.
        let wanted = tagging::changed(call, &actual, planned);
        set_tags(call.at, id, &actual, &wanted).await?;
        let comment = found.zone.config().and_then(|config| config.comment()).unwrap_or_default();
        if comment != planned.text("comment") {
            let update = call.at.route53().write.update_hosted_zone_comment().id(id);
            let update = update.comment(planned.text("comment")).send().await;
            update.map_err(|e| failed(&format!("Changing the zone {:?}", planned.text("name")), e))?;
        }
        match self.read(call.at, planned).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(gone(&format!("zone {:?}", planned.text("name")))),
        }
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let id = prior.text("zone_id");
        let Some(found) = look(call.at, id).await? else { return Ok(Done::Gone) };
        let tags = tags_of(call.at, id).await?;
        if let Some(owner) = tagging::stranger(call.workspace, &tags) {
            let detail =
                format!("The zone {:?} is marked as one of the workspace {owner}.", found.zone.name());
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        match remove(call.at, id).await {
            Ok(()) => Ok(Done::Gone),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) if failure.is(&["HostedZoneNotEmpty"]) => {
                let left = records(call.at, id, found.zone.name()).await?;
                if prior.flag("force_destroy") == Some(true) {
                    empty(call.at, id, left).await
                } else {
                    Err(not_empty(found.zone.name(), &left))
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn poll(&self, call: &Call<'_>, handle: &Json, planned: &Json) -> Called<Done> {
        let zone = handle.text("emptying");
        if zone.is_empty() {
            if let Some(done) = spread_yet(call.at, handle).await? {
                return Ok(done);
            }
            let found = self.find(call, planned).await?;
            return found.map(Done::Object).ok_or_else(|| gone(&format!("zone {:?}", planned.text("name"))));
        }
        let Some(found) = look(call.at, zone).await? else { return Ok(Done::Gone) };
        let left = records(call.at, zone, found.zone.name()).await?;
        if !left.is_empty() {
            return empty(call.at, zone, left).await;
        }
        match remove(call.at, zone).await {
            Ok(()) => Ok(Done::Gone),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) => Err(failure.into()),
        }
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match names::zone_id(id) {
            "" => Err(bad_id(KIND, "the id of the zone")),
            id => Ok(json!({ "zone_id": id, "force_destroy": false })),
        }
    }
}

async fn make(
    call: &Call<'_>,
    planned: &Json,
) -> Called<aws_sdk_route53::operation::create_hosted_zone::CreateHostedZoneOutput> {
    let vpc = planned.block("vpc").map(|vpc| {
        let region = vpc.given("vpc_region").unwrap_or_else(|| call.at.region().to_owned());
        Vpc::builder().set_vpc_id(vpc.given("vpc_id")).vpc_region(region.as_str().into()).build()
    });
    let comment = planned.given("comment").filter(|comment| !comment.is_empty());
    let config = HostedZoneConfig::builder().set_comment(comment).private_zone(vpc.is_some()).build();
    let create = call.at.route53().write.create_hosted_zone().name(planned.text("name"));
    let create = create.caller_reference(call.token).hosted_zone_config(config).set_vpc(vpc);
    let doing = format!("Creating the zone {:?}", planned.text("name"));
    Ok(create.send().await.map_err(|e| classified(&doing, Repeat::Unsafe, e))?)
}

/// The zone that this creation made.
async fn by_reference(call: &Call<'_>, name: &str) -> Called<Option<String>> {
    let (mut dns_name, mut id) = (Some(name.to_owned()), None::<String>);
    loop {
        let list = call.at.route53().read.list_hosted_zones_by_name();
        let page = list.set_dns_name(dns_name.clone()).set_hosted_zone_id(id.clone()).send().await;
        let page = page.map_err(|e| failed(&format!("Looking for the zone {name:?}"), e))?;
        let mut named =
            page.hosted_zones().iter().filter(|zone| names::plain(zone.name()) == names::plain(name));
        let ours = named.find(|zone| !call.token.is_empty() && zone.caller_reference() == call.token);
        if let Some(zone) = ours {
            return Ok(Some(names::zone_id(zone.id()).to_owned()));
        }
        let next = page.next_dns_name().map(names::plain);
        if !page.is_truncated() || next != Some(names::plain(name)) {
            return Ok(None);
        }
        dns_name = page.next_dns_name().map(str::to_owned);
        id = page.next_hosted_zone_id().map(str::to_owned);
    }
}

async fn look(at: &Session, id: &str) -> Called<Option<Found>> {
    let answer = at.route53().read.get_hosted_zone().id(id).send().await;
    match answer.map_err(|e| failed(&format!("Reading the zone {id}"), e)) {
        Ok(answer) => {
            let name_servers =
                answer.delegation_set().map(|set| set.name_servers().to_vec()).unwrap_or_default();
            let vpcs = answer.vpcs().to_vec();
            Ok(answer.hosted_zone.map(|zone| Found { zone, name_servers, vpcs }))
        }
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// The name of a zone.
pub(super) async fn name_of(at: &Session, id: &str) -> Called<Option<String>> {
    Ok(look(at, id).await?.map(|found| names::plain(found.zone.name())))
}

fn shown(found: &Found, reference: &Json, tags: &Tags) -> Json {
    let id = names::zone_id(found.zone.id());
    let vpcs = found.vpcs.iter().map(
        |vpc| json!({ "vpc_id": vpc.vpc_id(), "vpc_region": vpc.vpc_region().map(|region| region.as_str()) }),
    );
    let mut object = json!({
        "id": id, "zone_id": id, "arn": format!("arn:aws:route53:::hostedzone/{id}"),
        "name": names::plain(found.zone.name()),
        "comment": found.zone.config().and_then(|config| config.comment()).unwrap_or_default(),
        "name_servers": found.name_servers, "primary_name_server": found.name_servers.first(),
        "vpc": vpcs.collect::<Vec<_>>(),
    });
    tagging::show(&mut object, reference, tags);
    object
}

async fn tags_of(at: &Session, id: &str) -> Called<Tags> {
    let list = at.route53().read.list_tags_for_resource().resource_type(TagResourceType::Hostedzone);
    let answer = list
        .resource_id(id)
        .send()
        .await
        .map_err(|e| failed(&format!("Reading the tags of zone {id}"), e))?;
    let tags = answer.resource_tag_set().map(|set| set.tags()).unwrap_or_default().iter();
    Ok(tags
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect())
}

async fn set_tags(at: &Session, id: &str, actual: &Tags, wanted: &Tags) -> Called<()> {
    let (set, removed) = tagging::difference(actual, wanted);
    if set.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let add: Vec<Tag> = set.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect();
    let change = at.route53().write.change_tags_for_resource().resource_type(TagResourceType::Hostedzone);
    let change = change
        .resource_id(id)
        .set_add_tags((!add.is_empty()).then_some(add))
        .set_remove_tag_keys((!removed.is_empty()).then_some(removed));
    change.send().await.map_err(|e| failed(&format!("Tagging the zone {id}"), e))?;
    Ok(())
}

async fn remove(at: &Session, id: &str) -> Result<(), Failure> {
    let answer = at.route53().write.delete_hosted_zone().id(id).send().await;
    answer.map(|_| ()).map_err(|e| failed(&format!("Removing the zone {id}"), e))
}

/// The records that keep a zone from being removed.
async fn records(at: &Session, id: &str, zone: &str) -> Called<Vec<ResourceRecordSet>> {
    let all = super::record::all(at, id).await?;
    let is_own = |record: &ResourceRecordSet| {
        let is_apex = names::plain(record.name()) == names::plain(zone);
        is_apex && matches!(record.r#type(), RrType::Ns | RrType::Soa)
    };
    Ok(all.into_iter().filter(|record| !is_own(record)).collect())
}

fn not_empty(zone: &str, left: &[ResourceRecordSet]) -> ProviderError {
    let named =
        left.iter().take(NAMED).map(|r| format!("{} {}", names::plain(r.name()), r.r#type().as_str()));
    let mut named: Vec<String> = named.collect();
    if left.len() > NAMED {
        named.push(format!("{} others", left.len() - NAMED));
    }
    let detail =
        format!("The zone {:?} still holds {}. Nothing was removed.", names::plain(zone), named.join(", "));
    ProviderError::new(ErrorClass::Invalid, "Zone not empty", detail)
        .hint("Remove its records, or set force_destroy = true, apply, and remove it then.")
}

/// Removes a batch of records.
async fn empty(at: &Session, id: &str, left: Vec<ResourceRecordSet>) -> Called<Done> {
    let count = left.len();
    let change = |record| {
        let change = Change::builder().action(ChangeAction::Delete).resource_record_set(record).build();
        change.map_err(incomplete)
    };
    let changes = left.into_iter().take(BATCH).map(change).collect::<Result<Vec<_>, _>>()?;
    let batch = ChangeBatch::builder().set_changes(Some(changes)).build().map_err(incomplete)?;
    let write = at.route53().write.change_resource_record_sets().hosted_zone_id(id).change_batch(batch);
    write.send().await.map_err(|e| failed(&format!("Emptying the zone {id}"), e))?;
    Ok(Done::Pending(Operation {
        handle: json!({ "emptying": id }),
        message: format!("emptying the zone, {} records left", count.saturating_sub(BATCH)),
        after: std::time::Duration::from_millis(500),
    }))
}
