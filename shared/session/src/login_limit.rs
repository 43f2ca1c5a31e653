use std::net::IpAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};
use platform::Failure;
use platform::row::{self, Reader};

use crate::config::{Config, LoginConfig};
use crate::error::SessionError;

/// Limits guessing: failed logins are counted by source address and minute, in the sessions table. A good login costs
/// one read and no write.
#[derive(Clone, Debug)]
pub struct LoginLimit {
    dynamodb: Client,
    table: String,
    failures_per_minute: u64,
}

impl LoginLimit {
    /// The configured limit; 0 is none.
    pub fn new(config: &Config, login: &LoginConfig, dynamodb: Client) -> Self {
        Self { dynamodb, table: config.table.clone(), failures_per_minute: login.failures_per_minute }
    }

    /// Lets an address try, or not.
    ///
    /// # Errors
    /// Once the address has used up its failures, and while the table fails.
    pub async fn check(&self, source: Option<IpAddr>, now: Timestamp) -> Result<(), SessionError> {
        if self.failures_per_minute == 0 {
            return Ok(());
        }
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key("user_id", row::text(counter_of(source)))
            .key("session_hash", row::text(minute_of(now)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.GetItem", &error))?;
        let failures = match &answer.item {
            Some(row) => count(&Reader::new("sessions", row))?,
            None => 0,
        };
        if failures < self.failures_per_minute { Ok(()) } else { Err(too_many(now)) }
    }

    /// Counts a failed login. Under a lost answer one failure may count twice: it errs on the safe side.
    ///
    /// # Errors
    /// When this one is beyond the limit: tries that run side by side all pass the check before.
    pub async fn record_failure(&self, source: Option<IpAddr>, now: Timestamp) -> Result<(), SessionError> {
        if self.failures_per_minute == 0 {
            return Ok(());
        }
        let answer = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("user_id", row::text(counter_of(source)))
            .key("session_hash", row::text(minute_of(now)))
            .update_expression("ADD failures :one SET expires_at = :ttl")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":ttl", row::ttl(now + SignedDuration::from_mins(1)))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.UpdateItem", &error))?;
        let row = answer.attributes.unwrap_or_default();
        let failures = count(&Reader::new("sessions", &row))?;
        if failures <= self.failures_per_minute { Ok(()) } else { Err(too_many(now)) }
    }
}

fn count(row: &Reader<'_>) -> Result<u64, Failure> {
    row.number("failures")
}

fn too_many(now: Timestamp) -> SessionError {
    let rest = 60 - now.as_second().rem_euclid(60);
    SessionError::TooManyFailures { retry_after: u32::try_from(rest).unwrap_or(60) }
}

/// No user id looks like this. An IPv6 address stands for its /64, which is what one subscriber has.
fn counter_of(source: Option<IpAddr>) -> String {
    match source.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => format!("login-failures#{address}"),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("login-failures#{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "login-failures#unknown".to_owned(),
    }
}

fn minute_of(now: Timestamp) -> String {
    format!("minute#{}", now.as_second().div_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_stands_for_its_64() {
        let counter = |address: &str| counter_of(Some(address.parse().unwrap()));
        assert_eq!(counter("2001:db8:1:2:3:4:5:6"), counter("2001:db8:1:2::9"));
        assert_ne!(counter("2001:db8:1:2::9"), counter("2001:db8:1:3::9"));
        assert_eq!(counter("::ffff:192.0.2.1"), counter("192.0.2.1"));
        assert_ne!(counter("192.0.2.1"), counter("192.0.2.2"));
    }
}
