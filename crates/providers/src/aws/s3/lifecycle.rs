//! `aws_s3_bucket_lifecycle_configuration`.

use async_trait::async_trait;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition,
    Tag, Transition,
};
use serde_json::{Map, Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, Path, Type};

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{Aspect, Meaning, block, flag, located, name, needed, nested, number, text};
use super::super::session::Session;
use super::part::{Part, incomplete, unless};

pub(super) struct Lifecycle;

/// What is counted in days, but not until data is gone.
const SILENT: [(&[&str], &str); 5] = [
    (&["rule", "expiration", "date"], "a day, not for how long"),
    (&["rule", "expiration", "expired_object_delete_marker"], "nothing is left by then"),
    (&["rule", "transition", "days"], "data is kept, elsewhere"),
    (&["rule", "noncurrent_version_transition", "noncurrent_days"], "data is kept, elsewhere"),
    (&["rule", "abort_incomplete_multipart_upload", "days_after_initiation"], "what was never whole"),
];
const SIZES: [&str; 2] = ["object_size_greater_than", "object_size_less_than"];

#[async_trait]
impl Part for Lifecycle {
    const KIND: &'static str = "aws_s3_bucket_lifecycle_configuration";

    fn block(&self) -> Block {
        let kept = |path| Meaning::of(Aspect::RetentionDays, path).only(&["rule", "status"], "Enabled");
        let block = located([], [("rule", needed(rule_block()))])
            .meaning(kept(&["rule", "expiration", "days"]))
            .meaning(kept(&["rule", "noncurrent_version_expiration", "noncurrent_days"]));
        SILENT.into_iter().fold(block, |block, (path, why)| block.meaningless(path, why))
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let rules = problems.each(&Path::root().attribute("rule"));
        let mut ids = std::collections::BTreeSet::new();
        for rule in rules {
            problems.one_of(&rule.attribute("status"), &["Enabled", "Disabled"]);
            let id = rule.attribute("id");
            if let Some(text) = problems.text(&id) {
                if text.is_empty() || text.chars().count() > 255 {
                    problems.push(
                        id.clone(),
                        "Invalid value",
                        "The id of a rule must have 1 to 255 characters.",
                    );
                }
                if !ids.insert(text.clone()) {
                    problems.push(id, "Duplicate rule", format!("There are two rules {text:?}."));
                }
            }
            if let Some(filter) = problems.single(&rule.attribute("filter")) {
                problems.single(&filter.attribute("tag"));
                problems.single(&filter.attribute("and"));
            }
            if let Some(expiration) = problems.single(&rule.attribute("expiration")) {
                when(problems, &expiration);
            }
            for transition in problems.each(&rule.attribute("transition")) {
                when(problems, &transition);
            }
            for one in ["noncurrent_version_expiration", "abort_incomplete_multipart_upload"] {
                problems.single(&rule.attribute(one));
            }
        }
    }

    async fn get(&self, at: &Session, bucket: &str, prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
        let doing = format!("Reading the lifecycle of the bucket {bucket:?}");
        let Some(answer) = unless(&doing, &["NoSuchLifecycleConfiguration"], answer)? else {
            return Ok(None);
        };
        let before = prior.items("rule");
        let place = |rule: &LifecycleRule| {
            before.iter().position(|b| Some(b.text("id")) == rule.id()).unwrap_or(before.len())
        };
        let mut rules: Vec<&LifecycleRule> = answer.rules().iter().collect();
        rules.sort_by_key(|rule| place(rule));
        let rules: Vec<Json> = rules.into_iter().map(|rule| shown(rule, before.get(place(rule)))).collect();
        Ok(Some(json!({ "rule": rules })))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        let rules = planned.items("rule").iter().map(wanted).collect::<Result<Vec<_>, _>>()?;
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
        let put = at.s3().write.put_bucket_lifecycle_configuration().bucket(bucket);
        let put = put.lifecycle_configuration(configuration.map_err(incomplete)?);
        let doing = format!("Setting the lifecycle of the bucket {bucket:?}");
        put.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn remove(&self, at: &Session, bucket: &str, _prior: &Json) -> Result<(), Failure> {
        let doing = format!("Removing the lifecycle of the bucket {bucket:?}");
        let delete = at.s3().write.delete_bucket_lifecycle().bucket(bucket).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }
}

fn rule_block() -> Block {
    let (days, date) =
        (("days", number("Days after creation.")), ("date", text("From this day on, RFC 3339.")));
    let newer = ("newer_noncurrent_versions", number("How many noncurrent versions are kept in any case."));
    let noncurrent = ("noncurrent_days", number("Days after a version became noncurrent."));
    let sizes = SIZES.map(|size| (size, number("Size in bytes.")));
    let tag = block([("key", name("Name of the tag.")), ("value", name("Value of the tag."))], []);
    let and_tags = Attribute::optional(Type::map(Type::String)).describe("Tags that objects have.");
    let and = block(
        [("prefix", text("What keys start with.")), ("tags", and_tags), sizes[0].clone(), sizes[1].clone()],
        [],
    );
    let [greater, less] = sizes;
    let filter = block(
        [("prefix", text("What keys start with.")), greater, less],
        [("tag", nested(tag)), ("and", nested(and))],
    );
    let marker = ("expired_object_delete_marker", flag("Remove delete markers without versions."));
    let class = ("storage_class", name("The storage class to move to."));
    block(
        [("id", name("Name of the rule.")), ("status", name("Enabled or Disabled."))],
        [
            ("filter", nested(filter)),
            ("expiration", nested(block([days.clone(), date.clone(), marker], []))),
            ("transition", nested(block([days, date, class.clone()], []))),
            ("noncurrent_version_expiration", nested(block([noncurrent.clone(), newer.clone()], []))),
            ("noncurrent_version_transition", nested(block([noncurrent, newer, class], []))),
            (
                "abort_incomplete_multipart_upload",
                nested(block([("days_after_initiation", number("Days after the upload began."))], [])),
            ),
        ],
    )
}

fn when(problems: &mut Problems<'_>, path: &Path) {
    let (days, date) = (path.attribute("days"), path.attribute("date"));
    problems.exclusive(&days, &date);
    if let Some(text) = problems.text(&date)
        && time(&text).is_none()
    {
        problems.push(date, "Invalid date", format!("{text:?} is no time in RFC 3339."));
        problems.hint("Write it as 2027-01-01T00:00:00Z.");
    }
}

fn time(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()
}

fn written(time: Option<&DateTime>) -> Option<String> {
    time?.fmt(DateTimeFormat::DateTime).ok()
}

fn wanted(rule: &Json) -> Result<LifecycleRule, Failure> {
    let date = |of: &Json| of.given("date").and_then(|text| time(&text));
    let transition = |of: &Json| {
        let class = of.text("storage_class").into();
        Transition::builder().set_days(of.int32("days")).set_date(date(of)).storage_class(class).build()
    };
    let noncurrent = |of: &Json| {
        NoncurrentVersionTransition::builder()
            .set_noncurrent_days(of.int32("noncurrent_days"))
            .set_newer_noncurrent_versions(of.int32("newer_noncurrent_versions"))
            .storage_class(of.text("storage_class").into())
            .build()
    };
    let some = |list: Vec<_>| if list.is_empty() { None } else { Some(list) };
    let noncurrent: Vec<_> = rule.items("noncurrent_version_transition").iter().map(noncurrent).collect();
    LifecycleRule::builder()
        .id(rule.text("id"))
        .status(rule.text("status").into())
        .filter(wanted_filter(rule.block("filter").unwrap_or(&Json::Null))?)
        .set_expiration(rule.block("expiration").map(|of| {
            LifecycleExpiration::builder()
                .set_days(of.int32("days"))
                .set_date(date(of))
                .set_expired_object_delete_marker(of.flag("expired_object_delete_marker"))
                .build()
        }))
        .set_transitions(some(rule.items("transition").iter().map(transition).collect()))
        .set_noncurrent_version_transitions(if noncurrent.is_empty() { None } else { Some(noncurrent) })
        .set_noncurrent_version_expiration(rule.block("noncurrent_version_expiration").map(|of| {
            NoncurrentVersionExpiration::builder()
                .set_noncurrent_days(of.int32("noncurrent_days"))
                .set_newer_noncurrent_versions(of.int32("newer_noncurrent_versions"))
                .build()
        }))
        .set_abort_incomplete_multipart_upload(rule.block("abort_incomplete_multipart_upload").map(|of| {
            let days = of.int32("days_after_initiation");
            AbortIncompleteMultipartUpload::builder().set_days_after_initiation(days).build()
        }))
        .build()
        .map_err(incomplete)
}

fn size(of: &Json, name: &str) -> Option<i64> {
    of.get(name).and_then(Json::as_i64)
}

fn wanted_filter(filter: &Json) -> Result<LifecycleRuleFilter, Failure> {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().map_err(incomplete);
    let [greater, less] = SIZES;
    let mut built = LifecycleRuleFilter::builder()
        .set_object_size_greater_than(size(filter, greater))
        .set_object_size_less_than(size(filter, less));
    if let Some(and) = filter.block("and") {
        let tags = and.texts_by_name("tags");
        let tags = tags.iter().map(|(k, v)| tag(k, v)).collect::<Result<Vec<_>, _>>()?;
        built = built.and(
            LifecycleRuleAndOperator::builder()
                .set_prefix(and.given("prefix"))
                .set_tags(if tags.is_empty() { None } else { Some(tags) })
                .set_object_size_greater_than(size(and, greater))
                .set_object_size_less_than(size(and, less))
                .build(),
        );
    } else if let Some(of) = filter.block("tag") {
        built = built.tag(tag(of.text("key"), of.text("value"))?);
    } else if SIZES.iter().all(|name| size(filter, name).is_none()) {
        // A rule for all objects has an empty prefix.
        built = built.prefix(filter.text("prefix"));
    }
    Ok(built.build())
}

fn shown(rule: &LifecycleRule, before: Option<&Json>) -> Json {
    let transitions = rule.transitions().iter().map(|t| {
        json!({
            "days": t.days(), "date": written(t.date()),
            "storage_class": t.storage_class().map(|class| class.as_str()),
        })
    });
    let noncurrent = rule.noncurrent_version_transitions().iter().map(|t| {
        json!({
            "noncurrent_days": t.noncurrent_days(),
            "newer_noncurrent_versions": t.newer_noncurrent_versions(),
            "storage_class": t.storage_class().map(|class| class.as_str()),
        })
    });
    let expiration = rule.expiration().map(|e| {
        json!({
            "days": e.days(), "date": written(e.date()),
            "expired_object_delete_marker": e.expired_object_delete_marker(),
        })
    });
    let noncurrent_expiration = rule.noncurrent_version_expiration().map(|e| {
        json!({
            "noncurrent_days": e.noncurrent_days(),
            "newer_noncurrent_versions": e.newer_noncurrent_versions(),
        })
    });
    let abort = rule
        .abort_incomplete_multipart_upload()
        .map(|a| json!({ "days_after_initiation": a.days_after_initiation() }));
    let one = |block: Option<Json>| block.into_iter().collect::<Vec<_>>();
    json!({
        "id": rule.id(),
        "status": rule.status().as_str(),
        "filter": shown_filter(rule.filter(), before),
        "expiration": one(expiration),
        "transition": transitions.collect::<Vec<_>>(),
        "noncurrent_version_expiration": one(noncurrent_expiration),
        "noncurrent_version_transition": noncurrent.collect::<Vec<_>>(),
        "abort_incomplete_multipart_upload": one(abort),
    })
}

/// A filter that lets all objects through is as good as none.
fn shown_filter(filter: Option<&LifecycleRuleFilter>, before: Option<&Json>) -> Vec<Json> {
    let [greater, less] = SIZES;
    let prefix = |prefix: Option<&str>| prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned);
    let mut shown = Map::new();
    if let Some(filter) = filter {
        shown.insert("prefix".into(), json!(prefix(filter.prefix())));
        shown.insert(greater.into(), json!(filter.object_size_greater_than()));
        shown.insert(less.into(), json!(filter.object_size_less_than()));
        if let Some(tag) = filter.tag() {
            shown.insert("tag".into(), json!([{ "key": tag.key(), "value": tag.value() }]));
        }
        if let Some(and) = filter.and() {
            let tags: Map<String, Json> =
                and.tags().iter().map(|t| (t.key().to_owned(), t.value().into())).collect();
            let and = json!({
                "prefix": prefix(and.prefix()),
                "tags": if tags.is_empty() { Json::Null } else { Json::Object(tags) },
                greater: and.object_size_greater_than(),
                less: and.object_size_less_than(),
            });
            shown.insert("and".into(), json!([and]));
        }
    }
    let is_empty = shown.values().all(Json::is_null);
    let stood = before.is_some_and(|rule| rule.block("filter").is_some());
    match (is_empty, stood) {
        (true, false) => Vec::new(),
        // An empty prefix that was written so.
        (true, true) => {
            let before = before.and_then(|rule| rule.block("filter")).and_then(|f| f.given("prefix"));
            vec![json!({ "prefix": before.filter(String::is_empty) })]
        }
        (false, _) => vec![Json::Object(shown)],
    }
}
