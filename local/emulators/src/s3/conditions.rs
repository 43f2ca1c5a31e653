//! Conditional requests, as RFC 9110 orders them and S3 answers them.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use super::store::{Metadata, StoreError};

/// The condition headers of a GET or HEAD.
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// How a read goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Send,
    NotModified,
}

impl ReadConditions {
    pub(super) fn judge(&self, object: &Metadata) -> S3Result<Freshness> {
        let wanted = match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(since)) => object.modified <= *since,
            (None, None) => true,
        };
        if !wanted {
            return Err(s3_error!(PreconditionFailed));
        }
        let known = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(since)) => object.modified <= *since,
            (None, None) => false,
        };
        Ok(if known { Freshness::NotModified } else { Freshness::Send })
    }
}

/// The condition headers of a PUT.
pub(super) struct WriteConditions {
    if_match: Option<ETagCondition>,
    only_if_absent: bool,
}

impl WriteConditions {
    /// S3 knows `If-None-Match` on a PUT only as `*`.
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
