//! Conditional requests, as RFC 9110 orders them and S3 answers them.

use http::header::{self, HeaderValue};
use s3s::dto::{ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3Result, s3_error};

use super::store::{Metadata, StoreError};

/// The condition headers of a GET or HEAD.
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// # Errors
    /// 412 where the reader wants another object than this one, 304 where it has this one.
    pub(super) fn judge(&self, object: &Metadata) -> S3Result<()> {
        let wanted = match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(since)) => object.modified <= *since,
            (None, None) => true,
        };
        let known = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(since)) => object.modified <= *since,
            (None, None) => false,
        };
        match (wanted, known) {
            (false, _) => Err(s3_error!(PreconditionFailed)),
            (true, true) => Err(not_modified(object)),
            (true, false) => Ok(()),
        }
    }
}

/// 304 with the headers that a cache refreshes.
fn not_modified(object: &Metadata) -> S3Error {
    let mut date = Vec::new();
    let _ = object.modified.format(TimestampFormat::HttpDate, &mut date);
    let values = [
        (header::ETAG, HeaderValue::try_from(format!("\"{}\"", object.etag)).ok()),
        (header::LAST_MODIFIED, HeaderValue::try_from(date).ok()),
        (header::CACHE_CONTROL, object.headers.cache_control.as_deref().and_then(|value| value.parse().ok())),
    ];
    let headers = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let mut error = s3_error!(NotModified);
    error.set_headers(headers.collect());
    error
}

/// The condition headers of a write.
#[derive(Default)]
pub(super) struct WriteConditions {
    if_match: Option<ETagCondition>,
    only_if_absent: bool,
}

impl WriteConditions {
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// # Errors
    /// Where `If-None-Match` is anything but `*`: S3 knows no other on a PUT.
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Self> {
        match if_none_match {
            Some(ETagCondition::ETag(_)) => {
                Err(s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented"))
            }
            other => Ok(Self { if_match, only_if_absent: other.is_some() }),
        }
    }

    pub(super) fn judge(&self, stored: Option<&Metadata>) -> Result<(), StoreError> {
        match (&self.if_match, stored) {
            (Some(_), None) => Err(StoreError::NoSuchKey),
            (Some(condition), Some(object)) if !matches(condition, object) => Err(StoreError::PreconditionFailed),
            (_, Some(_)) if self.only_if_absent => Err(StoreError::PreconditionFailed),
            _ => Ok(()),
        }
    }
}

/// `x-amz-copy-source-if-match` and `…-if-none-match`: both refuse with 412.
pub(super) fn judge_copy_source(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    source: &Metadata,
) -> S3Result<()> {
    let refused = if_match.is_some_and(|condition| !matches(condition, source))
        || if_none_match.is_some_and(|condition| matches(condition, source));
    if refused { Err(s3_error!(PreconditionFailed)) } else { Ok(()) }
}

fn matches(condition: &ETagCondition, object: &Metadata) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}
