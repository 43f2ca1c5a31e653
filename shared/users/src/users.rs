use aws_sdk_dynamodb::Client;
use platform::Failure;
use platform::row;
use session::UserId;

use crate::config::Config;
use crate::identity::IdentityKey;

/// How the keys of account rows begin. No hash looks like it.
pub(crate) const ACCOUNT: &str = "user#";

/// The users table.
#[derive(Clone, Debug)]
pub struct Users {
    pub(crate) dynamodb: Client,
    pub(crate) table: String,
}

impl Users {
    /// Users in the configured table.
    pub fn new(config: &Config, dynamodb: Client) -> Self {
        Self { dynamodb, table: config.table.clone() }
    }

    /// Deletes an identity if it leads to this user: it may lead to a new one by now. Says whether it did.
    pub(crate) async fn delete_identity(&self, key: &IdentityKey, user_id: &UserId) -> Result<bool, Failure> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(key.as_str()))
            .condition_expression("user_id = :user")
            .expression_attribute_values(":user", row::text(user_id.as_str()))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(Failure::of("DynamoDB.DeleteItem", &error)),
        }
    }
}

/// The key of a user's account row.
pub(crate) fn account_key(user_id: &UserId) -> String {
    format!("{ACCOUNT}{user_id}")
}
