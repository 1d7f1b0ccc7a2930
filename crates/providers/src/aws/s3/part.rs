//! A part of a bucket's configuration: there is one of a kind for each bucket,
//! it is put as a whole, and putting it twice does no harm.

use async_trait::async_trait;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use serde_json::Value as Json;
use tenantctl_core::provider::{Block, ErrorClass, Path, ProviderError, Value};

use super::super::error::{Failure, bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::schema::{given, name};
use super::super::session::Session;

/// One kind of part.
#[async_trait]
pub(super) trait Part: Send + Sync {
    /// Its resource type.
    const KIND: &'static str;

    /// What its block takes, besides the bucket.
    fn block(&self) -> Block;

    /// Problems that the block cannot say.
    fn validate(&self, problems: &mut Problems<'_>);

    /// Defaults.
    fn plan(&self, draft: &mut Draft<'_>) {
        let _ = draft;
    }

    /// Whether two values of an attribute mean the same.
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let _ = (name, a, b);
        false
    }

    /// The part as the bucket has it; `None` without one.
    async fn get(&self, at: &Session, bucket: &str, prior: &Json) -> Called<Option<Json>>;

    /// Sets it.
    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure>;

    /// Takes it away.
    async fn remove(&self, at: &Session, bucket: &str, prior: &Json) -> Result<(), Failure>;
}

/// A part as a resource type.
pub(super) struct BucketPart<P>(pub(super) P);

/// A request that lacks something.
pub(super) fn incomplete(error: BuildError) -> Failure {
    let detail = format!("The request to S3 is not complete: {error}.");
    Failure::of(ProviderError::new(ErrorClass::Invalid, "Request not possible", detail))
}

/// What a part's read found: its configuration, or none by one of these codes.
pub(super) fn unless<T, E>(
    doing: &str,
    none: &[&str],
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Called<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer.map_err(|error| failed(doing, error)) {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is(none) || failure.is(&["NoSuchBucket"]) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Of a bucket that was just made a configuration may not be taken yet.
async fn settled(at: &Session, bucket: &str, result: Result<(), Failure>) -> Called<()> {
    let Err(mut failure) = result else { return Ok(()) };
    if failure.is_missing() && at.s3().read.head_bucket().bucket(bucket).send().await.is_ok() {
        failure.error.class = ErrorClass::Transient;
    }
    Err(failure.into())
}

fn put_done(planned: &Json) -> Done {
    let mut object = planned.clone();
    if let Some(object) = object.as_object_mut() {
        let bucket = object.get("bucket").cloned().unwrap_or(Json::Null);
        object.insert("id".into(), bucket);
        object.retain(|name, value| name != "region" || !value.is_null());
    }
    Done::Object(object)
}

impl<P: Part> Likeness for BucketPart<P> {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        self.0.same(name, a, b)
    }
}

#[async_trait]
impl<P: Part> Resource<Session> for BucketPart<P> {
    fn kind(&self) -> &'static str {
        P::KIND
    }

    fn block(&self) -> Block {
        let mut block = self.0.block();
        block.attributes.insert("bucket", name("Name of the bucket.").force_new());
        block.attributes.insert("id", given("Name of the bucket."));
        block
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let bucket = Path::root().attribute("bucket");
        if problems.text(&bucket).is_some_and(|text| text.is_empty()) {
            problems.push(bucket, "Invalid bucket name", "The name of the bucket is empty.");
        }
        self.0.validate(problems);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("bucket")?.as_str().map(str::to_owned)
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), tenantctl_core::provider::AttributeError> {
        let bucket = draft.planned("bucket");
        if bucket.is_known() {
            draft.set("id", bucket);
        }
        self.0.plan(draft);
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let bucket = prior.text("bucket");
        let mut found = self.0.get(at, bucket, prior).await?;
        if let Some(object) = found.as_mut().and_then(Json::as_object_mut) {
            object.insert("bucket".into(), bucket.into());
            object.insert("id".into(), bucket.into());
        }
        Ok(found)
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let bucket = planned.text("bucket");
        settled(call.at, bucket, self.0.put(call.at, bucket, planned).await).await?;
        Ok(put_done(planned))
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        self.create(call, planned).await
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        match self.0.remove(call.at, prior.text("bucket"), prior).await {
            Ok(()) => Ok(Done::Gone),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) => Err(failure.into()),
        }
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id {
            "" => Err(bad_id(P::KIND, "the name of the bucket")),
            id => Ok(serde_json::json!({ "bucket": id })),
        }
    }
}
