use jiff::Timestamp;
use platform::Failure;
use platform::row::{self, Reader};
use session::UserId;

use crate::users::{Users, account_key};

/// What we know of a user.
#[derive(Clone, Debug)]
pub struct Account {
    /// When the user signed in for the first time.
    pub created_at: Timestamp,
}

impl Users {
    /// The account of a user; none for one that is being removed, or that has not signed in since there are accounts. One
    /// strongly consistent read.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn find(&self, user_id: &UserId) -> Result<Option<Account>, Failure> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(user_id)))
            // A removal counts from its mark on.
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.GetItem", &error))?;
        let living = answer.item.filter(|row| !row.contains_key("removal"));
        living.map(|row| Ok(Account { created_at: Reader::new("users", &row).time("created_at_ms")? })).transpose()
    }
}
