//! `aws_s3_bucket`.
//!
//! Its tags say whose it is, and they are set with its creation, so that there
//! is never a bucket of ours without them. Removing one that is not empty
//! needs `force_destroy`, and then goes page by page.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier, Tag, Tagging,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Operation, Path, ProviderError, Timed, Timeouts, Value,
};
use uuid::Uuid;

use super::super::error::{Failure, Repeat, bad_id, classified, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{flag, given, located, tags, tags_all, text};
use super::super::session::Session;
use super::super::tags::{self as tagging, Tags};
use super::part::incomplete;

/// The region whose buckets need no constraint.
const FIRST_REGION: &str = "us-east-1";
/// Pages of objects that one poll removes.
const PAGES: usize = 5;
/// How many objects an error names.
const NAMED: i32 = 3;
/// The longest prefix that leaves room for what makes a name its own.
const LONGEST_PREFIX: usize = 37;

/// The type.
pub(super) struct Bucket;

impl Likeness for Bucket {}

#[async_trait]
impl Resource<Session> for Bucket {
    fn kind(&self) -> &'static str {
        "aws_s3_bucket"
    }

    fn block(&self) -> Block {
        located(
            [
                ("bucket", text("Name of the bucket; made up when not set.").or_computed().force_new()),
                ("bucket_prefix", text("What a made up name starts with.").force_new()),
                ("force_destroy", flag("Remove the bucket with all that is in it.").or_computed()),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("id", given("Name of the bucket.")),
                ("arn", given("ARN of the bucket.")),
                ("bucket_domain_name", given("Host name of the bucket.")),
                ("bucket_regional_domain_name", given("Host name of the bucket in its region.")),
            ],
            [],
        )
        .meaningless(&["bucket_regional_domain_name"], "follows from the region")
    }

    fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::minutes(20, 20, 20);
        timeouts.set(Timed::Read, timeouts.get(Timed::Update));
        timeouts
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let (name, prefix) = (Path::root().attribute("bucket"), Path::root().attribute("bucket_prefix"));
        problems.exclusive(&prefix, &name);
        if let Some(text) = problems.text(&name)
            && let Some(problem) = name_problem(&text)
        {
            problems.push(name, "Invalid bucket name", format!("The bucket name {text:?} {problem}."));
            problems.hint("Use 3 to 63 lower case letters, digits, dots and hyphens.");
        }
        if let Some(text) = problems.text(&prefix) {
            // A digit stands for the rest of the name.
            let problem = match text.len() {
                0..=LONGEST_PREFIX => name_problem(&format!("{text}000")),
                _ => Some("is longer than 37 characters"),
            };
            if let Some(problem) = problem {
                problems.push(
                    prefix,
                    "Invalid bucket name",
                    format!("The bucket prefix {text:?} {problem}."),
                );
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("bucket")?.as_str().map(str::to_owned)
    }

    /// Names of buckets are the world's.
    fn claims(&self, object: &Value) -> Vec<String> {
        self.identity(object).map(|name| format!("s3://{name}")).into_iter().collect()
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("force_destroy", false);
        draft.keep_prefix("bucket_prefix", "bucket");
        let (bucket, region) = (draft.planned("bucket"), draft.planned("region"));
        if !draft.is_creation() {
            return Ok(());
        }
        if let Some(bucket) = bucket.as_str() {
            for (name, value) in names(bucket, region.as_str()) {
                draft.set(name, value.into());
            }
        } else {
            draft.reopen("bucket");
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let bucket = prior.text("bucket");
        Ok(bucket_tags(at, bucket).await?.map(|tags| shown(at, bucket, prior, &tags)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let bucket = name_of(call, planned);
        match tags_there(call.at, &bucket).await {
            Ok(None) => Ok(None),
            Ok(Some(tags)) if tagging::is_of(call, &tags) => {
                Ok(Some(shown(call.at, &bucket, planned, &tags)))
            }
            Ok(Some(_)) => Err(not_ours(&format!("a bucket {bucket:?}"))),
            // Of somebody else's bucket one is not even told the tags.
            Err(failure) if failure.is(&["AccessDenied"]) && exists(call.at, &bucket).await => {
                Err(not_ours(&format!("a bucket {bucket:?}")))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        if let Some(found) = self.find(call, planned).await? {
            return Ok(Done::Object(found));
        }
        let bucket = name_of(call, planned);
        let tags = tagging::at_creation(call, planned);
        let region = call.at.region();
        let constraint = (region != FIRST_REGION).then(|| BucketLocationConstraint::from(region));
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(constraint)
            .set_tags(Some(tag_set(&tags)?))
            .build();
        let answer =
            call.at.s3().write.create_bucket().bucket(&bucket).create_bucket_configuration(configuration);
        let doing = format!("Creating the bucket {bucket:?}");
        answer.send().await.map_err(|e| classified(&doing, Repeat::Unsafe, e))?;
        // Not every server of this protocol takes tags with the creation.
        let made = bucket_tags(call.at, &bucket).await?.unwrap_or_default();
        if !tagging::is_of(call, &made) {
            put_tags(call.at, &bucket, &tags).await?;
        }
        Ok(Done::Object(shown(call.at, &bucket, planned, &tags)))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        let bucket = planned.text("bucket");
        let Some(actual) = bucket_tags(call.at, bucket).await? else {
            return Err(gone(&format!("bucket {bucket:?}")));
        };
        let wanted = tagging::changed(call, &actual, planned);
        if wanted != actual {
            put_tags(call.at, bucket, &wanted).await?;
        }
        Ok(Done::Object(shown(call.at, bucket, planned, &wanted)))
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let bucket = prior.text("bucket");
        let Some(tags) = bucket_tags(call.at, bucket).await? else { return Ok(Done::Gone) };
        if let Some(owner) = tagging::stranger(call.workspace, &tags) {
            let detail = format!("The bucket {bucket:?} is marked as one of the workspace {owner}.");
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        match remove(call.at, bucket).await {
            Ok(()) => Ok(Done::Gone),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) if failure.is(&["BucketNotEmpty"]) => {
                if prior.flag("force_destroy") == Some(true) {
                    Ok(emptying(bucket, 0))
                } else {
                    Err(not_empty(call.at, bucket).await)
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn poll(&self, call: &Call<'_>, handle: &Json, _planned: &Json) -> Called<Done> {
        let (bucket, mut removed) = (handle.text("bucket"), handle.int32("removed").unwrap_or(0));
        for _ in 0..PAGES {
            match remove_page(call.at, bucket).await {
                Ok(0) => {
                    return match remove(call.at, bucket).await {
                        Ok(()) => Ok(Done::Gone),
                        Err(failure) if failure.is_missing() => Ok(Done::Gone),
                        // Somebody still writes, or the list is behind.
                        Err(failure) if failure.is(&["BucketNotEmpty"]) => Ok(emptying(bucket, removed)),
                        Err(failure) => Err(failure.into()),
                    };
                }
                Ok(count) => removed = removed.saturating_add(i32::try_from(count).unwrap_or(i32::MAX)),
                Err(failure) if failure.is_missing() => return Ok(Done::Gone),
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(emptying(bucket, removed))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id {
            "" => Err(bad_id("aws_s3_bucket", "the name of the bucket")),
            id => Ok(json!({ "bucket": id, "force_destroy": false })),
        }
    }
}

/// The name: as configured, or made of the prefix and the token.
fn name_of(call: &Call<'_>, planned: &Json) -> String {
    if let Some(name) = planned.given("bucket") {
        return name;
    }
    let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, call.token.as_bytes()).simple().to_string();
    let prefix = planned.given("bucket_prefix").unwrap_or_else(|| "tenantctl-".into());
    format!("{prefix}{}", &own[..26])
}

fn names(bucket: &str, region: Option<&str>) -> Vec<(&'static str, String)> {
    let partition = match region {
        Some(region) if region.starts_with("cn-") => "aws-cn",
        Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let mut names = vec![("id", bucket.to_owned()), ("arn", format!("arn:{partition}:s3:::{bucket}"))];
    names.push(("bucket_domain_name", format!("{bucket}.s3.{domain}")));
    names.extend(region.map(|r| ("bucket_regional_domain_name", format!("{bucket}.s3.{r}.{domain}"))));
    names
}

fn shown(at: &Session, bucket: &str, reference: &Json, tags: &Tags) -> Json {
    let mut object = json!({ "bucket": bucket, "region": at.region() });
    for (name, value) in names(bucket, Some(at.region())) {
        object[name] = value.into();
    }
    tagging::show(&mut object, reference, tags);
    object
}

fn tag_set(tags: &Tags) -> Result<Vec<Tag>, Failure> {
    tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build().map_err(incomplete)).collect()
}

/// The tags of a bucket; `None` when there is no such bucket.
async fn bucket_tags(at: &Session, bucket: &str) -> Called<Option<Tags>> {
    Ok(tags_there(at, bucket).await?)
}

async fn tags_there(at: &Session, bucket: &str) -> Result<Option<Tags>, Failure> {
    let answer = at.s3().read.get_bucket_tagging().bucket(bucket).send().await;
    match answer.map_err(|e| failed(&format!("Reading the bucket {bucket:?}"), e)) {
        Ok(answer) => {
            Ok(Some(answer.tag_set().iter().map(|tag| (tag.key().into(), tag.value().into())).collect()))
        }
        Err(failure) if failure.is(&["NoSuchTagSet", "NoSuchTagSetError"]) => Ok(Some(Tags::new())),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn exists(at: &Session, bucket: &str) -> bool {
    match at.s3().read.head_bucket().bucket(bucket).send().await {
        Ok(_) => true,
        Err(error) => error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403),
    }
}

async fn put_tags(at: &Session, bucket: &str, tags: &Tags) -> Called<()> {
    let doing = format!("Tagging the bucket {bucket:?}");
    // What AWS itself set is not ours to send.
    let own: Tags =
        tags.iter().filter(|(k, _)| !k.starts_with("aws:")).map(|(k, v)| (k.clone(), v.clone())).collect();
    let tagging = Tagging::builder().set_tag_set(Some(tag_set(&own)?)).build().map_err(incomplete)?;
    let put = at.s3().write.put_bucket_tagging().bucket(bucket).tagging(tagging);
    put.send().await.map_err(|e| failed(&doing, e))?;
    Ok(())
}

async fn remove(at: &Session, bucket: &str) -> Result<(), Failure> {
    let answer = at.s3().write.delete_bucket().bucket(bucket).send().await;
    answer.map(|_| ()).map_err(|e| failed(&format!("Removing the bucket {bucket:?}"), e))
}

fn emptying(bucket: &str, removed: i32) -> Done {
    Done::Pending(Operation {
        handle: json!({ "bucket": bucket, "removed": removed }),
        message: format!("emptying the bucket, {removed} objects removed"),
        after: Duration::from_millis(200),
    })
}

async fn not_empty(at: &Session, bucket: &str) -> ProviderError {
    let listed = at.s3().read.list_object_versions().bucket(bucket).max_keys(NAMED).send().await;
    let mut names: Vec<String> = Vec::new();
    if let Ok(page) = &listed {
        names.extend(page.versions().iter().filter_map(|v| v.key().map(|key| format!("{key:?}"))));
        names.extend(
            page.delete_markers().iter().filter_map(|m| Some(format!("the delete marker {:?}", m.key()?))),
        );
        names.dedup();
        if page.is_truncated() == Some(true) {
            names.push("others".into());
        }
    }
    let names = if names.is_empty() { "objects or versions".into() } else { names.join(", ") };
    let detail = format!("The bucket {bucket:?} still holds {names}. Nothing was removed.");
    ProviderError::new(ErrorClass::Invalid, "Bucket not empty", detail)
        .hint("Empty it, or set force_destroy = true, apply, and remove it then.")
}

/// Removes a page of versions and delete markers; how many there were.
async fn remove_page(at: &Session, bucket: &str) -> Result<usize, Failure> {
    let doing = format!("Emptying the bucket {bucket:?}");
    let page =
        at.s3().read.list_object_versions().bucket(bucket).send().await.map_err(|e| failed(&doing, e))?;
    let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
    let markers = page.delete_markers().iter().map(|m| (m.key(), m.version_id()));
    let objects: Vec<ObjectIdentifier> = versions
        .chain(markers)
        .filter_map(|(key, version)| {
            let version = version.filter(|version| *version != "null").map(str::to_owned);
            ObjectIdentifier::builder().key(key?).set_version_id(version).build().ok()
        })
        .collect();
    if objects.is_empty() {
        return Ok(0);
    }
    let count = objects.len();
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(incomplete)?;
    let answer = at.s3().write.delete_objects().bucket(bucket).delete(delete).send().await;
    let answer = answer.map_err(|e| failed(&doing, e))?;
    match answer.errors().first() {
        None => Ok(count),
        Some(error) => {
            let detail = format!(
                "{doing} failed at {:?}: {} ({}).",
                error.key().unwrap_or_default(),
                error.message().unwrap_or_default().trim_end_matches('.'),
                error.code().unwrap_or_default()
            );
            let error = ProviderError::new(ErrorClass::Denied, "Object not removed", detail);
            Err(Failure::of(error))
        }
    }
}

/// What is wrong with a bucket's name by the published rules.
fn name_problem(name: &str) -> Option<&'static str> {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_address = name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
    const STARTS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
    const ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    if !(3..=63).contains(&name.len()) {
        Some("must have 3 to 63 characters")
    } else if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-') {
        Some("has characters other than lower case letters, digits, dots and hyphens")
    } else if !is_end(name.chars().next()) || !is_end(name.chars().last()) {
        Some("must begin and end with a letter or digit")
    } else if name.contains("..") {
        Some("has two dots in a row")
    } else if is_address {
        Some("looks like an IP address")
    } else if STARTS.iter().any(|start| name.starts_with(start)) || ENDS.iter().any(|end| name.ends_with(end))
    {
        Some("begins or ends with what AWS reserves")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_rules() {
        for name in ["abc", "acme-data.eu", "1-2", &"a".repeat(63)] {
            assert_eq!(name_problem(name), None, "{name}");
        }
        for name in [
            "ab",
            "Acme",
            "a_b",
            "-abc",
            "abc-",
            "a..b",
            "192.168.0.1",
            "xn--abc",
            "abc-s3alias",
            "äbc",
            &"a".repeat(64),
        ] {
            assert!(name_problem(name).is_some(), "{name}");
        }
    }
}
