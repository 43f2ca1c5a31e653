use std::borrow::Cow;

use images::Arrival;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// An event of the bucket.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Objects were created.
    Records {
        /// In practice one; S3 guarantees no order.
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    /// The test that S3 sends when notifications are configured.
    Test {
        /// Its name.
        #[serde(rename = "Event")]
        event: Test,
    },
}

/// The name of a test.
#[derive(Debug, Deserialize)]
pub enum Test {
    #[serde(rename = "s3:TestEvent")]
    Test,
}

/// One object.
#[derive(Debug, Deserialize)]
pub struct Record {
    #[serde(rename = "eventName")]
    name: String,
    #[serde(rename = "eventTime")]
    time: Timestamp,
    s3: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
    #[serde(rename = "eTag", default)]
    etag: String,
}

impl Event {
    /// The objects that were created.
    pub(crate) fn arrivals(self) -> Vec<Arrival> {
        match self {
            Self::Records { records } => records.into_iter().filter_map(Record::arrival).collect(),
            Self::Test { .. } => Vec::new(),
        }
    }
}

impl Record {
    /// `None` for a record of another kind, or one whose key is not UTF-8.
    fn arrival(self) -> Option<Arrival> {
        let Place { bucket, object } = self.s3;
        self.name.starts_with("ObjectCreated:").then_some(())?;
        Some(Arrival { bucket: bucket.name, key: decoded(&object.key)?, etag: object.etag, at: self.time })
    }
}

/// Keys are encoded as in a form, once: a plus sign is a space.
fn decoded(key: &str) -> Option<String> {
    percent_decode_str(&key.replace('+', " ")).decode_utf8().ok().map(Cow::into_owned)
}
