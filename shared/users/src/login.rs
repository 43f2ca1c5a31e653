use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use platform::Failure;
use platform::metrics::{self, Metric};
use platform::row::{self, Reader};
use session::{UserId, UserSeed};
use uuid::Uuid;
use web::{ApiError, ErrorCode};

use crate::identity::IdentityKey;
use crate::users::{Users, account_key};

/// A user, as a login finds or makes it.
#[derive(Clone, Debug)]
pub struct User {
    /// Our own id; it says nothing about the openid.
    pub id: UserId,
    /// Copied into every session.
    pub seed: UserSeed,
    /// Whether this very login made the user.
    pub is_new: bool,
    created_at: Timestamp,
    key: IdentityKey,
}

impl Users {
    /// The user of `openid` within the mini-program `app_id`, made at the first login. One write, which parallel first
    /// logins and the SDK's own retries may repeat: whoever comes first decides all attributes.
    ///
    /// # Errors
    /// `internal` without random bytes, `busy` while the table fails.
    pub async fn identify(&self, app_id: &str, openid: &str, now: Timestamp) -> Result<User, ApiError> {
        let seed = UserSeed::random().map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
        let this_login = Uuid::new_v4().to_string();
        let key = IdentityKey::of_openid(app_id, openid);
        let answer = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(key.as_str()))
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
            created_at: stored.time("created_at_ms")?,
            key,
        };
        if user.is_new {
            metrics::count(Metric::NewUsers);
        }
        Ok(user)
    }

    /// Enters the user into their account, which is made at the first login. False where the account is being removed: the
    /// session that was begun before this must not be handed out.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn confirm(&self, user: &User) -> Result<bool, Failure> {
        let written = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(&user.id)))
            .update_expression("SET created_at_ms = if_not_exists(created_at_ms, :created_at) ADD user_keys :keys")
            .condition_expression("attribute_not_exists(removal)")
            .expression_attribute_values(":created_at", row::milliseconds(user.created_at))
            .expression_attribute_values(":keys", AttributeValue::Ss(vec![user.key.as_str().to_owned()]))
            .send()
            .await;
        match written {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        }
    }

    /// Deletes the identity by which a user was found whose account is being removed: the next login makes another user.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn forget(&self, user: &User) -> Result<(), Failure> {
        self.delete_identity(&user.key, &user.id).await.map(drop)
    }
}
