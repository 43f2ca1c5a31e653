use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, Object, ObjectIdentifier};
use bytes::Bytes;
use platform::Failure;
use platform::aws::Aws;

use crate::object;

/// The bucket, as functions write to it that nobody waits for.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    s3: aws_sdk_s3::Client,
    pub(crate) name: String,
}

/// What came of reading an object.
pub(crate) enum Got {
    Bytes(Bytes),
    /// It is larger than was asked for.
    TooLarge,
    /// It is gone, or has other bytes than it was asked for.
    Gone,
}

impl Bucket {
    pub(crate) fn new(name: &str, aws: &Aws) -> Self {
        Self { s3: aws.s3(), name: name.to_owned() }
    }

    /// Reads an object of at most so many bytes; with an `ETag` only if it still has it.
    pub(crate) async fn get(&self, key: &str, etag: Option<&str>, most: u64) -> Result<Got, Failure> {
        const OPERATION: &str = "S3.GetObject";
        let if_match = etag.map(|etag| format!("\"{etag}\""));
        let request = self.s3.get_object().bucket(&self.name).key(key).set_if_match(if_match);
        let object = match request.send().await {
            Ok(object) => object,
            Err(error) if is_gone(&error) => return Ok(Got::Gone),
            Err(error) => return Err(Failure::of(OPERATION, &error)),
        };
        if object.content_length().is_none_or(|bytes| u64::try_from(bytes).is_ok_and(|bytes| bytes > most)) {
            return Ok(Got::TooLarge);
        }
        let body = object.body.collect().await.map_err(|_| Failure::unavailable(OPERATION, "body"))?;
        Ok(Got::Bytes(body.into_bytes()))
    }

    /// Puts a picture. Its key is never used for other bytes.
    pub(crate) async fn put(&self, key: &str, content_type: &str, bytes: impl Into<Bytes>) -> Result<(), Failure> {
        self.s3
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .cache_control(object::CACHE_CONTROL)
            .body(ByteStream::from(bytes.into()))
            .send()
            .await
            .map_err(|error| Failure::of("S3.PutObject", &error))?;
        Ok(())
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.s3
            .delete_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
            .map_err(|error| Failure::of("S3.DeleteObject", &error))?;
        Ok(())
    }

    /// Deletes page by page, and says how many objects there were. In a versioned bucket the bytes stay until the lifecycle
    /// ends them.
    pub(crate) async fn delete_below(&self, prefix: &str) -> Result<u64, Failure> {
        let mut deleted = 0;
        loop {
            let page = self
                .s3
                .list_objects_v2()
                .bucket(&self.name)
                .prefix(prefix)
                .send()
                .await
                .map_err(|error| Failure::of("S3.ListObjectsV2", &error))?;
            if !page.contents().is_empty() {
                self.delete_all(page.contents()).await?;
                deleted += page.contents().len() as u64;
            }
            // The next page begins at the front, where nothing is left of this one.
            if page.is_truncated() != Some(true) {
                return Ok(deleted);
            }
        }
    }

    async fn delete_all(&self, objects: &[Object]) -> Result<(), Failure> {
        const OPERATION: &str = "S3.DeleteObjects";
        let malformed = |_| Failure::unavailable(OPERATION, "request");
        let keys = objects.iter().filter_map(Object::key).map(|key| ObjectIdentifier::builder().key(key).build());
        let keys = keys.collect::<Result<_, _>>().map_err(malformed)?;
        let answer = self
            .s3
            .delete_objects()
            .bucket(&self.name)
            .delete(Delete::builder().set_objects(Some(keys)).quiet(true).build().map_err(malformed)?)
            .send()
            .await
            .map_err(|error| Failure::of(OPERATION, &error))?;
        // Answered with 200, whatever became of the single objects.
        match answer.errors().first() {
            Some(refusal) => Err(Failure::unavailable(OPERATION, refusal.code().unwrap_or("unknown error code"))),
            None => Ok(()),
        }
    }
}

fn is_gone<R>(error: &SdkError<GetObjectError, R>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("NoSuchKey" | "PreconditionFailed"))
}
