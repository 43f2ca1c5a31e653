//! What S3 tells of: objects that requests have created.

use percent_encoding::utf8_percent_encode;
use s3s::dto::TimestampFormat;
use serde_json::{Value, json};

use super::backend::URL_ENCODED;
use super::store::Metadata;

/// By which operation an object came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Put,
    Post,
    Copy,
}

/// An object that was created. It may have been replaced or removed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub bucket: String,
    pub key: String,
    etag: String,
    size: u64,
    /// RFC 3339.
    time: String,
    by: By,
}

impl Created {
    pub(crate) fn new(bucket: &str, object: &Metadata, by: By) -> Self {
        let mut time = Vec::new();
        // Into memory, and of a time that S3 itself has given: it can be written.
        let _ = object.modified.format(TimestampFormat::DateTime, &mut time);
        let time = String::from_utf8_lossy(&time).into_owned();
        let (key, etag) = (object.key.clone(), object.etag.clone());
        Self { bucket: bucket.to_owned(), key, etag, size: object.size, time, by }
    }

    /// The event that S3 would send: its key is encoded as in a form.
    pub fn event(&self) -> Value {
        let key = utf8_percent_encode(&self.key, URL_ENCODED).to_string().replace("%20", "+");
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": crate::REGION,
            "eventTime": self.time,
            "eventName": format!("ObjectCreated:{:?}", self.by),
            "userIdentity": { "principalId": "AWS:LOCAL" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": "LOCAL", "x-amz-id-2": "LOCAL" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "local",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": "LOCAL" },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": { "key": key, "size": self.size, "eTag": self.etag },
            },
        }] })
    }
}
