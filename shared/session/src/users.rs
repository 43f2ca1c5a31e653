use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use platform::Failure;
use platform::metrics::{self, Metric};
use platform::row::{self, Reader};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use web::{ApiError, ErrorCode};

use crate::config::LoginConfig;
use crate::ids::{UserId, UserSeed};

/// A user, as a login finds or makes it.
#[derive(Clone, Debug)]
pub struct User {
    /// Our own id; it says nothing about the openid.
    pub id: UserId,
    /// Copied into every session.
    pub seed: UserSeed,
    /// Whether this very login made the user.
    pub is_new: bool,
}

/// The users table.
#[derive(Clone, Debug)]
pub struct Users {
    dynamodb: Client,
    table: String,
}

impl Users {
    /// Users in the configured table.
    pub fn new(config: &LoginConfig, dynamodb: Client) -> Self {
        Self { dynamodb, table: config.users_table.clone() }
    }

    /// The user of `openid` within the mini-program `app_id`, made at the first login. One write, which parallel first
    /// logins and the SDK's own retries may repeat: whoever comes first decides all attributes.
    ///
    /// # Errors
    /// `internal` without random bytes, `busy` while the table fails.
    pub async fn find_or_create(&self, app_id: &str, openid: &str, now: Timestamp) -> Result<User, ApiError> {
        let seed = UserSeed::random().map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
        let this_login = Uuid::new_v4().to_string();
        let answer = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(openid_hash(app_id, openid)))
            .update_expression(
                "SET user_id = if_not_exists(user_id, :user_id), \
                 user_seed = if_not_exists(user_seed, :user_seed), \
                 created_at_ms = if_not_exists(created_at_ms, :now), \
                 first_login = if_not_exists(first_login, :this_login)",
            )
            .expression_attribute_values(":user_id", row::text(UserId::random().as_str()))
            .expression_attribute_values(":user_seed", row::bytes(seed.as_bytes()))
            .expression_attribute_values(":now", row::milliseconds(now))
            .expression_attribute_values(":this_login", row::text(&this_login))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.UpdateItem", &error))?;

        let row = answer.attributes.unwrap_or_default();
        let stored = Reader::new("users", &row);
        let user = User {
            id: stored.get("user_id", |value| UserId::parse(value.as_s().ok()?))?,
            seed: stored.get("user_seed", |value| UserSeed::from_slice(value.as_b().ok()?.as_ref()))?,
            is_new: stored.text("first_login")? == this_login,
        };
        if user.is_new {
            metrics::count(Metric::NewUsers);
        }
        Ok(user)
    }
}

/// The partition key: the openid itself is nowhere stored. The line feed keeps the two parts apart.
fn openid_hash(app_id: &str, openid: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{app_id}\n{openid}")))
}
