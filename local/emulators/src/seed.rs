//! The seed set: rows and objects that examples and tests meet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Deserialize;
use serde_json::Value;

use crate::clock;
use crate::dynamodb;
use crate::s3::store::{Checksums, Headers, NewObject, Store, StoreError};

/// Its rows are put at every start, because a seeded session that has expired is of no use to anyone.
const ALWAYS_FRESH: &str = "SessionsTable";

const FIFTEEN_DAYS_SECONDS: i64 = 15 * 24 * 60 * 60;

/// Why a seed set could not be put.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("the seed set is not what it should be: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("a row for {table} was refused")]
    Row {
        table: String,
        #[source]
        cause: DynoxideError,
    },
    #[error("cannot read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("there is no bucket yet: make the resources first")]
    NoBucket,
    #[error("cannot store {key}: {cause}")]
    Object { key: String, cause: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    #[serde(default)]
    rows: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    objects: Vec<SeedObject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedObject {
    key: String,
    file: PathBuf,
    content_type: String,
    cache_control: Option<String>,
}

impl Seed {
    pub(crate) fn parse(json: &str, now_ms: i64) -> Result<Self, SeedError> {
        let mut seed: Self = serde_json::from_str(json)?;
        seed.rows.values_mut().flatten().for_each(|item| fill_in_times(item, now_ms));
        Ok(seed)
    }

    pub(crate) fn put_rows(&self, database: &Database) -> Result<(), SeedError> {
        for (table, items) in &self.rows {
            let put = if table == ALWAYS_FRESH { dynamodb::put } else { dynamodb::put_if_absent };
            for item in items {
                put(database, table, item).map_err(|cause| SeedError::Row { table: table.clone(), cause })?;
            }
        }
        Ok(())
    }

    /// Puts every object that is not there in exactly this form.
    pub(crate) fn put_objects(self, store: &Store, bucket: &str, base: &Path) -> Result<(), SeedError> {
        for object in self.objects {
            let path = base.join(&object.file);
            let bytes = std::fs::read(&path).map_err(|cause| SeedError::File { path, cause })?;
            let key = object.key.clone();
            put_object(store, bucket, object, bytes.into())
                .map_err(|cause| SeedError::Object { key, cause: cause.to_string() })?;
        }
        Ok(())
    }
}

fn put_object(store: &Store, bucket: &str, object: SeedObject, bytes: Bytes) -> Result<(), StoreError> {
    let headers =
        Headers { content_type: Some(object.content_type), cache_control: object.cache_control, ..Headers::default() };
    match store.open_object(bucket, &object.key) {
        Ok(stored) if stored.metadata.headers == headers && stored.read_all()? == bytes => return Ok(()),
        Ok(_) | Err(StoreError::NoSuchKey) => {}
        Err(error) => return Err(error),
    }
    let modified = clock::now_to_the_second().into();
    let new = NewObject { key: object.key, bytes, headers, checksums: Checksums::default(), modified, by: None };
    store.put(bucket, new, &|_| Ok(())).map(drop)
}

/// Replaces the words for points in time in numbers: `$now_ms`, `$now` and `$in_15_days` (both in seconds).
fn fill_in_times(value: &mut Value, now_ms: i64) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| match (name.as_str(), field.as_str()) {
            ("N", Some("$now_ms")) => *field = now_ms.to_string().into(),
            ("N", Some("$now")) => *field = (now_ms / 1000).to_string().into(),
            ("N", Some("$in_15_days")) => *field = (now_ms / 1000 + FIFTEEN_DAYS_SECONDS).to_string().into(),
            _ => fill_in_times(field, now_ms),
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in_times(item, now_ms)),
        _ => {}
    }
}
