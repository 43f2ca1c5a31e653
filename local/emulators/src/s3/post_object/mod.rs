//! [POST Object](https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html): an upload by a form that
//! somebody with keys has signed before.
//!
//! The protocol layer has one, too, but that refuses forms older than a quarter of an hour and parts with three headers,
//! which phones send, and answers 400 where S3 answers 403.

mod form;
mod policy;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::utf8_percent_encode;
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::{S3Error, S3Result, s3_error};

use self::form::Form;
use super::backend::{MAX_OBJECT_BYTES, URL_ENCODED};
use super::bucket_of;
use super::created::By;
use super::store::{Checksums, Headers, NewObject, Store};
use crate::{AccessKey, clock};

/// What a body may have beside the file (bytes): fields, part headers, boundaries, and what follows the file.
const MAX_OVERHEAD_BYTES: usize = 1024 * 1024;

/// Takes forms, and keeps nothing of one that it refuses.
#[derive(Clone)]
pub(super) struct PostObject {
    pub(super) store: Arc<Store>,
    pub(super) access_key: AccessKey,
}

/// Answers the forms that are posted to a bucket and lets everything else pass.
pub(super) async fn or_next(State(post_object): State<PostObject>, request: Request, next: Next) -> Response {
    let Some(bucket) = posted_to(&request) else { return next.run(request).await };
    match post_object.take(&bucket, request).await {
        Ok(response) => response,
        Err(refusal) => match refusal.to_http_response() {
            Ok(response) => response.map(Body::new),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    }
}

/// The bucket that a form is sent to. Operations on a bucket that are no form have a query (`?delete`).
fn posted_to(request: &Request) -> Option<String> {
    if request.method() != Method::POST || request.uri().query().is_some() {
        return None;
    }
    let path = request.uri().path().trim_matches('/');
    match bucket_of(host(request.headers())) {
        Some(bucket) if path.is_empty() => Some(bucket.to_owned()),
        None if !path.is_empty() && !path.contains('/') => Some(path.to_owned()),
        _ => None,
    }
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

impl PostObject {
    async fn take(&self, bucket: &str, request: Request) -> S3Result<Response> {
        // When a form has run out is judged by the time when its request came. AWS says so of signed URLs only; of forms this
        // is an assumption.
        let came = clock::now();
        let (head, body) = request.into_parts();
        require_length(&head.headers)?;
        self.store.read_bucket(bucket, |_| ())?;
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = axum::body::to_bytes(body, MAX_OBJECT_BYTES + MAX_OVERHEAD_BYTES).await;
        let form = Form::read(content_type, body.map_err(|_| s3_error!(IncompleteBody))?).await?;
        policy::judge(&form, bucket, &self.access_key, came.into())?;

        let answer = Answer::wanted_by(&form)?;
        let key = form.key()?.to_owned();
        let object = NewObject {
            key: key.clone(),
            headers: headers(&form),
            bytes: form.file,
            checksums: Checksums::default(),
            modified: clock::now_to_the_second().into(),
            by: Some(By::Post),
        };
        let (store, into) = (Arc::clone(&self.store), bucket.to_owned());
        let stored = tokio::task::spawn_blocking(move || store.put(&into, object, &|_| Ok(()))).await;
        let etag = format!("\"{}\"", stored.map_err(S3Error::internal_error)??.etag);
        Ok(answer.response(&location(&head.headers, bucket, &key), bucket, &key, &etag))
    }
}

/// S3 takes no form of unknown length. One that is too long is not read at all.
fn require_length(headers: &HeaderMap) -> S3Result<()> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length <= MAX_OBJECT_BYTES + MAX_OVERHEAD_BYTES => Ok(()),
        Some(_) => Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")),
        None => Err(s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header.")),
    }
}

/// The object's headers are fields of the form; what its file part says of itself counts for nothing.
fn headers(form: &Form) -> Headers {
    let field = |name: &str| form.field(name).map(str::to_owned);
    let expires = form.field("expires");
    let expires = expires.and_then(|date| Timestamp::parse(TimestampFormat::HttpDate, date).ok());
    let user = form.fields().filter_map(|(name, value)| Some((name.strip_prefix("x-amz-meta-")?, value)));
    Headers {
        content_type: field("content-type").or_else(|| Some("binary/octet-stream".to_owned())),
        cache_control: field("cache-control"),
        content_disposition: field("content-disposition"),
        content_encoding: field("content-encoding"),
        content_language: field("content-language"),
        expires,
        user: user.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

/// Where the object is, by the name under which the client called.
fn location(headers: &HeaderMap, bucket: &str, key: &str) -> String {
    let host = host(headers);
    let key = utf8_percent_encode(key, URL_ENCODED);
    match bucket_of(host) {
        Some(_) => format!("http://{host}/{key}"),
        None => format!("http://{host}/{bucket}/{key}"),
    }
}

/// What `success_action_status` asks for.
enum Answer {
    Status(StatusCode),
    Document,
}

impl Answer {
    fn wanted_by(form: &Form) -> S3Result<Self> {
        if form.field("success_action_redirect").or(form.field("redirect")).is_some() {
            return Err(s3_error!(NotImplemented, "Only success_action_status is known here"));
        }
        Ok(match form.field("success_action_status") {
            Some("200") => Self::Status(StatusCode::OK),
            Some("201") => Self::Document,
            _ => Self::Status(StatusCode::NO_CONTENT),
        })
    }

    fn response(&self, location: &str, bucket: &str, key: &str, etag: &str) -> Response {
        let headers = [(ETAG, etag), (LOCATION, location)];
        match self {
            Self::Status(status) => (*status, headers).into_response(),
            Self::Document => {
                let key = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let document = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location>\
                     <Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></PostResponse>"
                );
                (StatusCode::CREATED, headers, [(CONTENT_TYPE, "application/xml")], document).into_response()
            }
        }
    }
}
