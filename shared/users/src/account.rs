use jiff::Timestamp;
use platform::Failure;
use platform::row::{self, Reader, Row};
use session::UserId;
use web::{ApiError, ErrorCode};

use crate::identity::IdentityKey;
use crate::users::{Users, account_key};

/// What we know of a user.
#[derive(Clone, Debug)]
pub struct Account {
    /// When the user signed in for the first time.
    pub created_at: Timestamp,
    /// Whether it is being removed.
    pub is_closing: bool,
    keys: Vec<IdentityKey>,
}

impl Account {
    /// Whether this openid of this mini-program leads to the user.
    pub fn is_of(&self, app_id: &str, openid: &str) -> bool {
        self.keys.contains(&IdentityKey::of_openid(app_id, openid))
    }

    fn read(row: &Row) -> Result<Self, Failure> {
        Ok(Self {
            created_at: Reader::new("users", row).time("created_at_ms")?,
            is_closing: row.contains_key("removal"),
            keys: read_keys(row)?,
        })
    }
}

/// The keys of all identities that lead to an account's user.
pub(crate) fn read_keys(row: &Row) -> Result<Vec<IdentityKey>, Failure> {
    // None in an account that was marked by hand.
    if !row.contains_key("user_keys") {
        return Ok(Vec::new());
    }
    let keys = Reader::new("users", row).get("user_keys", |value| value.as_ss().ok())?;
    Ok(keys.iter().map(|key| IdentityKey::stored(key)).collect())
}

impl Users {
    /// The account of a user; none for one that was removed, or that has not signed in since there are accounts. One strongly
    /// consistent read.
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
        answer.item.as_ref().map(Account::read).transpose()
    }

    /// The account of a user who has one that is not being removed.
    ///
    /// # Errors
    /// `session_invalid` for everybody else: with the next login they have one. `busy` while the table fails.
    pub async fn get(&self, user_id: &UserId) -> Result<Account, ApiError> {
        let account = self.find(user_id).await?.filter(|account| !account.is_closing);
        account.ok_or_else(|| ApiError::from(ErrorCode::SessionInvalid).because("the user has no account"))
    }
}
