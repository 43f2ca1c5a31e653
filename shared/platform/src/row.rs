//! Attributes into and out of rows of DynamoDB, the same way in every table.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::Failure;

/// The attributes of one row.
pub type Row = HashMap<String, AttributeValue>;

/// A string.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Bytes.
pub fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// A whole number.
pub fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A time, in milliseconds.
pub fn milliseconds(time: Timestamp) -> AttributeValue {
    number(time.as_millisecond())
}

/// A TTL: whole seconds, rounded up, since a row must not go before its end.
pub fn ttl(end: Timestamp) -> AttributeValue {
    number(end.as_second() + 1)
}

/// Reads the attributes of a row; one that is not what we wrote is named in the failure.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    table: &'static str,
    row: &'a Row,
}

impl<'a> Reader<'a> {
    /// A reader of a row of `table`.
    pub fn new(table: &'static str, row: &'a Row) -> Self {
        Self { table, row }
    }

    /// An attribute that `read` understands.
    ///
    /// # Errors
    /// A broken row, when the attribute is missing or `read` gives nothing.
    pub fn get<T>(
        &self,
        attribute: &'static str,
        read: impl FnOnce(&'a AttributeValue) -> Option<T>,
    ) -> Result<T, Failure> {
        self.row.get(attribute).and_then(read).ok_or_else(|| Failure::broken_row(self.table, attribute))
    }

    /// A string.
    ///
    /// # Errors
    /// A broken row.
    pub fn text(&self, attribute: &'static str) -> Result<&'a str, Failure> {
        self.get(attribute, |value| value.as_s().ok().map(String::as_str))
    }

    /// A whole number.
    ///
    /// # Errors
    /// A broken row.
    pub fn number<T: std::str::FromStr>(&self, attribute: &'static str) -> Result<T, Failure> {
        self.get(attribute, |value| value.as_n().ok()?.parse().ok())
    }

    /// A time, in milliseconds.
    ///
    /// # Errors
    /// A broken row.
    pub fn time(&self, attribute: &'static str) -> Result<Timestamp, Failure> {
        self.get(attribute, |value| Timestamp::from_millisecond(value.as_n().ok()?.parse().ok()?).ok())
    }
}
