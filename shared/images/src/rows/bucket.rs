use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::{Delete, Object as Listed, ObjectIdentifier};
use bytes::Bytes;
use platform::Failure;

use crate::rows::keys::{DefaultImage, Object};

const GET_OBJECT: &str = "S3.GetObject";
const LIST_OBJECTS: &str = "S3.ListObjectsV2";
/// The SDK repeats a request without an answer, but not one whose answer breaks off.
const READS: u32 = 2;

/// The bucket. Of S3's client a function's package contains only the operations of the methods that it calls here.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    s3: Client,
    pub(crate) name: String,
}

/// The outcome of reading an object.
pub(crate) enum Got {
    Bytes(Bytes),
    /// It is larger than the limit.
    TooLarge,
    /// It is gone, or has another `ETag` than was asked for.
    Gone,
}

impl Bucket {
    pub(crate) fn new(name: &str, s3: Client) -> Self {
        Self { s3, name: name.to_owned() }
    }

    /// What the bucket is called with.
    pub(crate) fn client(&self) -> &Client {
        &self.s3
    }

    /// Opens a connection. Reads one byte instead of `HeadObject`, which would be another operation in every package. The body is
    /// read to its end: otherwise the connection would be closed.
    pub(crate) async fn warm(&self) {
        let key = Object::Default(DefaultImage::Missing).key();
        let byte = self.s3.get_object().bucket(&self.name).key(key).range("bytes=0-0").send().await;
        if let Ok(byte) = byte {
            let _ = byte.body.collect().await;
        }
    }

    /// Reads an object of at most so many bytes; with an `ETag` only if it still has it.
    pub(crate) async fn get(&self, key: &str, etag: Option<&str>, most: u64) -> Result<Got, Failure> {
        for _ in 0..READS {
            if let Some(got) = self.read(key, etag, most).await? {
                return Ok(got);
            }
        }
        Err(Failure::unavailable(GET_OBJECT, "response"))
    }

    /// Nothing where the answer breaks off, or is not S3's: only what was really sent may decide about an image.
    async fn read(&self, key: &str, etag: Option<&str>, most: u64) -> Result<Option<Got>, Failure> {
        let etag = etag.map(|etag| format!("\"{etag}\""));
        let request = self.s3.get_object().bucket(&self.name).key(key).set_if_match(etag.clone());
        let object = match request.send().await {
            Ok(object) => object,
            Err(error) if is_gone(&error) => return Ok(Some(Got::Gone)),
            Err(error) => return Err(Failure::of(GET_OBJECT, &error)),
        };
        // S3's own answer has an `ETag`; where one was asked for, that one.
        let is_s3s = object.e_tag().is_some_and(|found| etag.is_none_or(|etag| etag == found));
        let length = object.content_length().and_then(|length| u64::try_from(length).ok());
        let Some(length) = length.filter(|_| is_s3s) else {
            return Ok(None);
        };
        if length > most {
            return Ok(Some(Got::TooLarge));
        }
        let body = object.body.collect().await.ok().map(AggregatedBytes::into_bytes);
        Ok(body.filter(|body| body.len() as u64 == length).map(Got::Bytes))
    }

    /// Whether nothing lies below a prefix.
    pub(crate) async fn is_empty_below(&self, prefix: &str) -> Result<bool, Failure> {
        let request = self.s3.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(1);
        let page = request.send().await.map_err(|error| Failure::of(LIST_OBJECTS, &error))?;
        Ok(page.contents().is_empty())
    }

    /// Puts an object. A key is never used for other bytes: a second put of one upload writes the same.
    pub(crate) async fn put(&self, object: &Object, bytes: impl Into<Bytes>) -> Result<(), Failure> {
        self.s3
            .put_object()
            .bucket(&self.name)
            .key(object.key())
            .set_content_type(object.content_type().map(str::to_owned))
            .set_cache_control(object.cache_control().map(str::to_owned))
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

    /// Deletes page by page, and says how many objects there were. In a versioned bucket the bytes stay until a lifecycle rule
    /// removes them.
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
                .map_err(|error| Failure::of(LIST_OBJECTS, &error))?;
            if !page.contents().is_empty() {
                self.delete_all(page.contents()).await?;
                deleted += page.contents().len() as u64;
            }
            // Begin again at the front: nothing is left of this page.
            if page.is_truncated() != Some(true) {
                return Ok(deleted);
            }
        }
    }

    async fn delete_all(&self, objects: &[Listed]) -> Result<(), Failure> {
        const OPERATION: &str = "S3.DeleteObjects";
        let malformed = |_| Failure::unavailable(OPERATION, "request");
        let keys = objects.iter().filter_map(Listed::key).map(|key| ObjectIdentifier::builder().key(key).build());
        let keys = keys.collect::<Result<_, _>>().map_err(malformed)?;
        let answer = self
            .s3
            .delete_objects()
            .bucket(&self.name)
            .delete(Delete::builder().set_objects(Some(keys)).quiet(true).build().map_err(malformed)?)
            .send()
            .await
            .map_err(|error| Failure::of(OPERATION, &error))?;
        // The answer is 200 even where single objects were not deleted.
        match answer.errors().first() {
            Some(refusal) => Err(Failure::unavailable(OPERATION, refusal.code().unwrap_or("unknown error code"))),
            None => Ok(()),
        }
    }
}

fn is_gone(error: &SdkError<GetObjectError>) -> bool {
    const PRECONDITION_FAILED: u16 = 412;
    let status = error.raw_response().map(|response| response.status().as_u16());
    status == Some(PRECONDITION_FAILED) || error.as_service_error().is_some_and(GetObjectError::is_no_such_key)
}
