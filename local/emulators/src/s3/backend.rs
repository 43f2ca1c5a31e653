//! The S3 operations on top of the store.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::*;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::conditions::{ReadConditions, WriteConditions, judge_copy_source};
use super::created::By;
use super::list::{Listing, Page};
use super::store::{Checksums, Headers, Metadata, NewObject, OpenObject, Store, StoreError};
use crate::clock;

/// The largest object taken, in bytes. S3 takes 5 GB; this one holds an object in memory while it is stored.
pub(super) const MAX_OBJECT_BYTES: usize = 64 * 1024 * 1024;

/// The most keys that one page lists and one `DeleteObjects` takes.
const MAX_KEYS: usize = 1000;

/// What `encoding-type=url` leaves as it is.
pub(super) const URL_ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

pub(super) struct Backend {
    pub(super) store: Arc<Store>,
}

impl Backend {
    /// File calls block, so they leave the threads that serve connections alone.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> S3Result<T> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        Ok(done.map_err(S3Error::internal_error)??)
    }

    async fn put(&self, bucket: String, object: NewObject, conditions: WriteConditions) -> S3Result<Arc<Metadata>> {
        self.blocking(move |store| store.put(&bucket, object, &|stored| conditions.judge(stored))).await
    }

    async fn open(&self, bucket: String, key: String) -> S3Result<OpenObject> {
        self.blocking(move |store| store.open_object(&bucket, &key)).await
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Arc<Metadata>> {
        Ok(self.store.find(bucket, key)?)
    }

    fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        Ok(self.store.read_bucket(bucket, |_| ())?)
    }
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = request.input.bucket;
        let location = format!("/{bucket}");
        self.blocking(move |store| Ok(store.create_bucket(&bucket)?)).await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(location) }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(crate::REGION.to_owned()), ..Default::default() }))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = request.input;
        self.require_bucket(&input.bucket)?;
        let conditions = WriteConditions::new(input.if_match.take(), input.if_none_match.take())?;
        let bytes = collect(input.body.take(), input.content_length).await?;
        let trailers = request.trailing_headers.and_then(|trailers| trailers.take()).unwrap_or_default();
        let checksums = verified_checksums(&input, &trailers, &bytes)?;
        let headers = headers_of_put(&mut input);
        let modified = clock::now_to_the_second().into();
        let object =
            NewObject { key: input.key, bytes, headers, checksums: checksums.clone(), modified, by: Some(By::Put) };
        let stored = self.put(input.bucket, object, conditions).await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(etag(&stored)),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            ..Default::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let signed = request.credentials.is_some();
        let input = request.input;
        let conditions = ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let opened = self.open(input.bucket, input.key).await;
        let object = opened.map_err(|error| told(signed, error))?;
        conditions.judge(&object.metadata)?;
        let size = object.metadata.size;
        let range = input.range.map(|range| range.check(size)).transpose()?;
        let content_range = range.as_ref().map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
        let mut metadata = object.metadata.clone();
        // A checksum is that of the whole object.
        if input.checksum_mode.is_none() || range.is_some() {
            metadata.checksums = Checksums::default();
        }
        let bytes = self.blocking(move |_| Ok(object.read(range.unwrap_or(0..size))?)).await?;
        Ok(S3Response::new(sent(metadata, bytes.into(), content_range)))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let signed = request.credentials.is_some();
        let input = request.input;
        let conditions = ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let found = self.find(&input.bucket, &input.key);
        let object = found.map_err(|error| told(signed, error))?;
        conditions.judge(&object)?;
        let mut metadata = Metadata::clone(&object);
        if input.checksum_mode.is_none() {
            metadata.checksums = Checksums::default();
        }
        Ok(S3Response::new(described(metadata)))
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let mut input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "Only bucket/key is a copy source here"));
        };
        let replaces = input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == "REPLACE");
        if !replaces && (**bucket == *input.bucket) && (**key == *input.key) {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing it"
            ));
        }
        let source = self.open(bucket.to_string(), key.to_string()).await?;
        judge_copy_source(
            input.copy_source_if_match.as_ref(),
            input.copy_source_if_none_match.as_ref(),
            &source.metadata,
        )?;
        let headers = if replaces { headers_of_copy(&mut input) } else { source.metadata.headers.clone() };
        let Metadata { checksums, size, .. } = source.metadata.clone();
        let bytes = self.blocking(move |_| Ok(source.read(0..size)?)).await?.into();
        let modified = clock::now_to_the_second().into();
        let object = NewObject { key: input.key, bytes, headers, checksums, modified, by: Some(By::Copy) };
        let stored = self.put(input.bucket, object, WriteConditions::none()).await?;
        let copied = CopyObjectResult {
            e_tag: Some(etag(&stored)),
            last_modified: Some(stored.modified.clone()),
            ..Default::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(copied), ..Default::default() }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let conditions = WriteConditions::new(input.if_match, None)?;
        self.blocking(move |store| store.delete(&input.bucket, &input.key, &|stored| conditions.judge(stored))).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MAX_KEYS {
            return Err(s3_error!(MalformedXML));
        }
        let quiet = delete.quiet.unwrap_or(false);
        let keys: Vec<String> = delete.objects.into_iter().map(|object| object.key).collect();
        let deleted = self
            .blocking(move |store| {
                keys.iter().try_for_each(|key| store.delete(&bucket, key, &|_| Ok(())))?;
                Ok(keys)
            })
            .await?;
        let deleted = deleted.into_iter().map(|key| DeletedObject { key: Some(key), ..Default::default() }).collect();
        let deleted = if quiet { None } else { Some(deleted) };
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let limit = usize::try_from(input.max_keys.unwrap_or(i32::MAX))
            .map_err(|_| s3_error!(InvalidArgument, "max-keys cannot be negative"))?;
        let token = input.continuation_token.as_deref().map(read_token).transpose()?;
        let listing = Listing {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: token.as_deref().or(input.start_after.as_deref()).unwrap_or_default(),
            limit: limit.min(MAX_KEYS),
        };
        let limit = listing.limit;
        let page = self.store.read_bucket(&input.bucket, |bucket| listing.page(bucket))?;
        Ok(S3Response::new(listed(input, page, limit)))
    }
}

/// The answer to a GET.
fn sent(metadata: Metadata, bytes: Bytes, content_range: Option<String>) -> GetObjectOutput {
    GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(bytes.len()).ok(),
        content_range,
        body: Some(StreamingBlob::from(Body::from(bytes))),
        e_tag: Some(etag(&metadata)),
        last_modified: Some(metadata.modified),
        content_type: metadata.headers.content_type,
        cache_control: metadata.headers.cache_control,
        content_disposition: metadata.headers.content_disposition,
        content_encoding: metadata.headers.content_encoding,
        content_language: metadata.headers.content_language,
        expires: metadata.headers.expires,
        metadata: Some(metadata.headers.user.into_iter().collect()),
        checksum_crc32: metadata.checksums.crc32,
        checksum_crc32c: metadata.checksums.crc32c,
        checksum_crc64nvme: metadata.checksums.crc64nvme,
        checksum_sha1: metadata.checksums.sha1,
        checksum_sha256: metadata.checksums.sha256,
        ..Default::default()
    }
}

/// The answer to a HEAD.
fn described(metadata: Metadata) -> HeadObjectOutput {
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(metadata.size).ok(),
        e_tag: Some(etag(&metadata)),
        last_modified: Some(metadata.modified),
        content_type: metadata.headers.content_type,
        cache_control: metadata.headers.cache_control,
        content_disposition: metadata.headers.content_disposition,
        content_encoding: metadata.headers.content_encoding,
        content_language: metadata.headers.content_language,
        expires: metadata.headers.expires,
        metadata: Some(metadata.headers.user.into_iter().collect()),
        checksum_crc32: metadata.checksums.crc32,
        checksum_crc32c: metadata.checksums.crc32c,
        checksum_crc64nvme: metadata.checksums.crc64nvme,
        checksum_sha1: metadata.checksums.sha1,
        checksum_sha256: metadata.checksums.sha256,
        ..Default::default()
    }
}

/// One page of a bucket as it is answered.
fn listed(input: ListObjectsV2Input, page: Page, limit: usize) -> ListObjectsV2Output {
    let encoded = input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == "url");
    let text = |key: String| if encoded { utf8_percent_encode(&key, URL_ENCODED).to_string() } else { key };
    let key_count = i32::try_from(page.entries()).ok();
    let contents = page.objects.iter().map(|object| Object {
        key: Some(text(object.key.clone())),
        e_tag: Some(etag(object)),
        size: i64::try_from(object.size).ok(),
        last_modified: Some(object.modified.clone()),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    });
    let groups = page.common_prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(text(prefix)) });
    ListObjectsV2Output {
        is_truncated: Some(page.continue_after.is_some()),
        next_continuation_token: page.continue_after.map(|last| URL_SAFE_NO_PAD.encode(last)),
        contents: Some(contents.collect()),
        common_prefixes: Some(groups.collect()),
        key_count,
        max_keys: i32::try_from(limit).ok(),
        name: Some(input.bucket),
        prefix: Some(text(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(text),
        start_after: input.start_after.map(text),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        ..Default::default()
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

/// Reads a whole body; nothing is stored before its end was seen.
async fn collect(body: Option<StreamingBlob>, announced: Option<i64>) -> S3Result<Bytes> {
    let mut bytes = Vec::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(refused_body)?);
            if bytes.len() > MAX_OBJECT_BYTES {
                return Err(s3_error!(EntityTooLarge));
            }
        }
    }
    if announced.is_some_and(|announced| usize::try_from(announced) != Ok(bytes.len())) {
        return Err(s3_error!(IncompleteBody));
    }
    Ok(bytes.into())
}

/// The body checks of the protocol layer report through the body itself, by types that it keeps to itself.
fn refused_body(error: s3s::StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let mut mismatch = S3Error::with_source(S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()), error);
        mismatch.set_status_code(StatusCode::BAD_REQUEST);
        mismatch
    } else if text.contains("SignatureMismatch") {
        S3Error::with_source(S3ErrorCode::SignatureDoesNotMatch, error)
    } else {
        S3Error::with_source(S3ErrorCode::IncompleteBody, error)
    }
}

/// Compares what the client says about the bytes with the bytes.
fn verified_checksums(input: &PutObjectInput, trailers: &HeaderMap, bytes: &[u8]) -> S3Result<Checksums> {
    let trailer = |name: &str| trailers.get(name)?.to_str().ok().map(str::to_owned);
    let expected = Checksums {
        crc32: input.checksum_crc32.clone().or_else(|| trailer("x-amz-checksum-crc32")),
        crc32c: input.checksum_crc32c.clone().or_else(|| trailer("x-amz-checksum-crc32c")),
        crc64nvme: input.checksum_crc64nvme.clone().or_else(|| trailer("x-amz-checksum-crc64nvme")),
        sha1: input.checksum_sha1.clone().or_else(|| trailer("x-amz-checksum-sha1")),
        sha256: input.checksum_sha256.clone().or_else(|| trailer("x-amz-checksum-sha256")),
    };
    let mut hasher = ChecksumHasher {
        crc32: expected.crc32.as_ref().map(|_| Crc32::new()),
        crc32c: expected.crc32c.as_ref().map(|_| Crc32c::new()),
        crc64nvme: expected.crc64nvme.as_ref().map(|_| Crc64Nvme::new()),
        sha1: expected.sha1.as_ref().map(|_| Sha1::new()),
        sha256: expected.sha256.as_ref().map(|_| Sha256::new()),
    };
    hasher.update(bytes);
    let found = hasher.finalize();
    let found = Checksums {
        crc32: found.checksum_crc32,
        crc32c: found.checksum_crc32c,
        crc64nvme: found.checksum_crc64nvme,
        sha1: found.checksum_sha1,
        sha256: found.checksum_sha256,
    };
    let md5_agrees = input.content_md5.as_ref().is_none_or(|md5| *md5 == STANDARD.encode(Md5::checksum(bytes)));
    if found == expected && md5_agrees {
        Ok(expected)
    } else {
        Err(s3_error!(BadDigest, "The checksum you specified did not match the calculated checksum"))
    }
}

fn headers_of_put(input: &mut PutObjectInput) -> Headers {
    Headers {
        content_type: input.content_type.take().or_else(|| Some("binary/octet-stream".to_owned())),
        cache_control: input.cache_control.take(),
        content_disposition: input.content_disposition.take(),
        content_encoding: input.content_encoding.take().and_then(|encoding| without_aws_chunked(&encoding)),
        content_language: input.content_language.take(),
        expires: input.expires.take(),
        user: input.metadata.take().unwrap_or_default().into_iter().collect(),
    }
}

fn headers_of_copy(input: &mut CopyObjectInput) -> Headers {
    Headers {
        content_type: input.content_type.take().or_else(|| Some("binary/octet-stream".to_owned())),
        cache_control: input.cache_control.take(),
        content_disposition: input.content_disposition.take(),
        content_encoding: input.content_encoding.take(),
        content_language: input.content_language.take(),
        expires: input.expires.take(),
        user: input.metadata.take().unwrap_or_default().into_iter().collect(),
    }
}

/// `aws-chunked` says how the upload travelled and is not kept.
fn without_aws_chunked(encoding: &str) -> Option<String> {
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|one| *one != "aws-chunked").collect();
    if kept.is_empty() { None } else { Some(kept.join(",")) }
}

/// A stranger, who may not list the bucket, is not told which keys are missing.
fn told(signed: bool, error: S3Error) -> S3Error {
    if !signed && *error.code() == S3ErrorCode::NoSuchKey { s3_error!(AccessDenied) } else { error }
}

fn etag(object: &Metadata) -> ETag {
    ETag::Strong(object.etag.clone())
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchBucket => s3_error!(NoSuchBucket, "The specified bucket does not exist"),
            StoreError::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
            StoreError::PreconditionFailed => {
                s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
            }
            StoreError::Io(error) => S3Error::internal_error(error),
        }
    }
}
