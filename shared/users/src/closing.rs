//! The removal of an account: its mark, and the passes that delete what is left until nothing is found any more.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use platform::Failure;
use platform::row::{self, Reader, Row};
use session::UserId;

use crate::account::read_keys;
use crate::identity::IdentityKey;
use crate::users::{ACCOUNT, Users, account_key};

/// The accounts that are being removed, by the time of their next pass. Others are not in it.
const INDEX: &str = "by_removal";
/// What marks an account.
const DUE: &str = "due";
/// Removals that are looked at in one run.
const MOST_DUE: i32 = 25;

/// An account that is being removed.
#[derive(Debug)]
pub struct Closing {
    /// When it was marked.
    pub marked_at: Timestamp,
    user_id: UserId,
    keys: Vec<IdentityKey>,
}

/// A pass over an account that is being removed. Nobody else begins one until its lease ends.
#[derive(Debug)]
pub struct Pass {
    /// The account.
    pub closing: Closing,
    /// Whether the pass before began so long ago that nothing that was let in before the mark is under way any more.
    pub is_late_enough: bool,
}

impl Closing {
    fn read(user_id: &UserId, row: &Row) -> Result<Self, Failure> {
        let marked_at = Reader::new("users", row).time("marked_at_ms")?;
        Ok(Self { marked_at, user_id: user_id.clone(), keys: read_keys(row)? })
    }
}

impl Users {
    /// Marks an account as one that is being removed: from now on no login ends in it. One that is marked stays as it is; none
    /// where there is no account.
    ///
    /// # Errors
    /// While the table fails: it may be marked all the same.
    pub async fn close(&self, user_id: &UserId, now: Timestamp) -> Result<Option<Closing>, Failure> {
        let marked = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(user_id)))
            .update_expression("SET removal = :due, removal_at = :now, marked_at_ms = :now_ms")
            .condition_expression("attribute_exists(openid_hash) AND attribute_not_exists(removal)")
            .expression_attribute_values(":due", row::text(DUE))
            .expression_attribute_values(":now", row::number(now.as_second()))
            .expression_attribute_values(":now_ms", row::milliseconds(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let row = match marked {
            Ok(answer) => answer.attributes,
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => refusal.item.clone(),
                _ => return Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        };
        row.as_ref().map(|row| Closing::read(user_id, row)).transpose()
    }

    /// Deletes the identities that lead to a user whose account is being removed, and says how many did.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn delete_identities(&self, closing: &Closing) -> Result<usize, Failure> {
        let mut deleted = 0;
        for key in &closing.keys {
            deleted += usize::from(self.delete_identity(key, &closing.user_id).await?);
        }
        Ok(deleted)
    }

    /// The users whose removal is due for a pass, the longest due first.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn due_for_removal(&self, now: Timestamp) -> Result<Vec<UserId>, Failure> {
        let page = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("removal = :due AND removal_at <= :now")
            .expression_attribute_values(":due", row::text(DUE))
            .expression_attribute_values(":now", row::number(now.as_second()))
            .limit(MOST_DUE)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.Query", &error))?;
        let user_of = |row| {
            let key = |key: &str| UserId::parse(key.strip_prefix(ACCOUNT)?);
            Reader::new("users", row).get("openid_hash", |value| key(value.as_s().ok()?))
        };
        page.items().iter().map(user_of).collect()
    }

    /// Begins a pass, if one is due; the next is due after `quiet`.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn begin_pass(
        &self,
        user_id: &UserId,
        quiet: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Pass>, Failure> {
        let leased = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(user_id)))
            .update_expression("SET pass_at = :now, removal_at = :next")
            .condition_expression("removal = :due AND removal_at <= :now")
            .expression_attribute_values(":due", row::text(DUE))
            .expression_attribute_values(":now", row::number(now.as_second()))
            .expression_attribute_values(":next", row::number((now + quiet).as_second()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        let before = match leased {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(None),
                _ => return Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        };
        let stored = Reader::new("users", &before);
        let former = before.contains_key("pass_at").then(|| stored.number::<i64>("pass_at")).transpose()?;
        let is_late_enough = former.is_some_and(|began| began + quiet.as_secs() <= now.as_second());
        Ok(Some(Pass { closing: Closing::read(user_id, &before)?, is_late_enough }))
    }

    /// Lets the next pass begin at once: this one ran out of time.
    ///
    /// # Errors
    /// While the table fails. The next pass then waits for the lease to end.
    pub async fn cut_short(&self, pass: &Pass, now: Timestamp) -> Result<(), Failure> {
        let hurried = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(&pass.closing.user_id)))
            .update_expression("SET removal_at = :now")
            .condition_expression("removal = :due")
            .expression_attribute_values(":due", row::text(DUE))
            .expression_attribute_values(":now", row::number(now.as_second()))
            .send()
            .await;
        match hurried {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        }
    }

    /// Ends a removal: the account row goes, and with it the last that we knew of the user.
    ///
    /// # Errors
    /// While the table fails. The next pass then finds nothing either, and ends it.
    pub async fn end_removal(&self, pass: &Pass) -> Result<(), Failure> {
        let ended = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("openid_hash", row::text(account_key(&pass.closing.user_id)))
            .condition_expression("removal = :due")
            .expression_attribute_values(":due", row::text(DUE))
            .send()
            .await;
        match ended {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // It is gone, perhaps by an earlier try of this very call.
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Failure::of("DynamoDB.DeleteItem", &error)),
            },
        }
    }
}
