use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use futures_util::{TryStreamExt, stream};
use http::HeaderMap;
use jiff::Timestamp;
use platform::retry::Attempts;
use platform::row::{self, Reader, Row};
use platform::{Failure, invocation};

use crate::config::Config;
use crate::error::SessionError;
use crate::headers::Presented;
use crate::ids::{SessionHash, SessionId, UserId, UserSeed};
use crate::rules::{Life, Times};

/// Rows of one `BatchWriteItem`.
const BATCH: usize = 25;
/// So that somebody who signed in a thousand times is signed out within one request.
const BATCHES_AT_ONCE: usize = 8;
/// DynamoDB may leave a part of a batch for another call.
const BATCH_TRIES: u32 = 4;
/// A renewal is a favour: it gets this part of an operation's time, and must not use up that of the call it rides on.
const RENEWAL_PART: u32 = 5;

/// Somebody whose session was found and is alive.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// The user's seed, under which names are derived.
    pub user_seed: UserSeed,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it ends unless it is used again.
    pub expires_at: Timestamp,
    session: SessionHash,
}

/// A session that was just made.
#[derive(Debug)]
pub struct Issued {
    /// The secret, for the answer and nothing else.
    pub session_id: SessionId,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

/// The sessions table.
#[derive(Clone, Debug)]
pub struct Sessions {
    dynamodb: Client,
    table: String,
    times: Times,
    hurried: TimeoutConfig,
}

impl Sessions {
    /// Sessions in the configured table.
    pub fn new(config: &Config, dynamodb: Client) -> Self {
        let operation_time = dynamodb.config().timeout_config().and_then(TimeoutConfig::operation_timeout);
        let mut hurried = TimeoutConfig::builder();
        hurried.set_operation_timeout(operation_time.map(|time| time / RENEWAL_PART));
        Self { dynamodb, table: config.table.clone(), times: config.times, hurried: hurried.build() }
    }

    /// Opens a connection to the table before the first event: a read of a key that cannot exist.
    pub async fn warm(&self) {
        let _ = self.get("warm", "warm").await;
    }

    /// Who sends these headers. One read, none where they are malformed; at most once in a while one write besides, which
    /// moves the idle end and whose failure is ignored.
    ///
    /// # Errors
    /// For everything that is no living session of that user, and while the table fails.
    pub async fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Caller, SessionError> {
        let presented = Presented::of(headers)?;
        let session = presented.session_id.hash();
        let row = self.get(presented.user_id.as_str(), session.as_str()).await?.ok_or(SessionError::Unknown)?;

        let stored = Reader::new("sessions", &row);
        let mut life = Life { created_at: stored.time("created_at_ms")?, renewed_at: stored.time("renewed_at_ms")? };
        let user_seed = stored.get("user_seed", |value| UserSeed::from_slice(value.as_b().ok()?.as_ref()))?;
        if self.times.is_over(life, now) {
            return Err(SessionError::Expired);
        }
        if self.times.is_renewal_due(life, now) {
            life = self.renew(&presented.user_id, &session, life, now).await.unwrap_or(life);
        }
        invocation::note_user(presented.user_id.as_str());
        Ok(Caller {
            user_id: presented.user_id,
            user_seed,
            created_at: life.created_at,
            expires_at: self.times.end_of(life),
            session,
        })
    }

    /// Begins a session of a user.
    ///
    /// # Errors
    /// Without random bytes, and where it could not be confirmed that the row was written: no session is handed out that may
    /// not exist.
    pub async fn issue(&self, user_id: &UserId, user_seed: &UserSeed, now: Timestamp) -> Result<Issued, SessionError> {
        let session_id = SessionId::random()?;
        let life = Life { created_at: now, renewed_at: now };
        let expires_at = self.times.end_of(life);
        let written = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("user_id", row::text(user_id.as_str()))
            .item("session_hash", row::text(session_id.hash().as_str()))
            .item("user_seed", row::bytes(user_seed.as_bytes()))
            .item("created_at_ms", row::milliseconds(now))
            .item("renewed_at_ms", row::milliseconds(now))
            .item("expires_at", row::ttl(expires_at))
            .condition_expression("attribute_not_exists(session_hash)")
            .send()
            .await;
        match written {
            Ok(_) => {}
            // A row under a hash of 32 fresh random bytes can only be this call's own, written by a try whose answer was lost.
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) => {}
            Err(error) => return Err(Failure::of("DynamoDB.PutItem", &error).into()),
        }
        Ok(Issued { session_id, expires_at })
    }

    /// Ends a session that was begun and is not handed out.
    ///
    /// # Errors
    /// When the row was not certainly deleted.
    pub async fn cancel(&self, user_id: &UserId, issued: &Issued) -> Result<(), Failure> {
        self.end(user_id, &issued.session_id.hash()).await
    }

    /// Ends the caller's session. Once this returns, the session is gone.
    ///
    /// # Errors
    /// When the row was not certainly deleted.
    pub async fn revoke(&self, caller: &Caller) -> Result<(), Failure> {
        self.end(&caller.user_id, &caller.session).await
    }

    async fn end(&self, user_id: &UserId, session: &SessionHash) -> Result<(), Failure> {
        self.dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("user_id", row::text(user_id.as_str()))
            .key("session_hash", row::text(session.as_str()))
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.DeleteItem", &error))?;
        Ok(())
    }

    /// Ends every session that the caller's user had when the call began.
    ///
    /// The caller's own goes last: whatever fails before leaves a session with which the call can be repeated.
    ///
    /// # Errors
    /// When not all of them are certainly gone.
    pub async fn revoke_all(&self, caller: &Caller) -> Result<(), Failure> {
        let mut others = self.hashes_of(&caller.user_id).await?;
        others.retain(|hash| hash != caller.session.as_str());
        self.delete_all(&caller.user_id, &others).await?;
        self.revoke(caller).await
    }

    /// Ends every session of a user, whoever asks for it, and says how many there were.
    ///
    /// # Errors
    /// When not all of them are certainly gone.
    pub async fn revoke_all_of(&self, user_id: &UserId) -> Result<usize, Failure> {
        let hashes = self.hashes_of(user_id).await?;
        self.delete_all(user_id, &hashes).await?;
        Ok(hashes.len())
    }

    async fn hashes_of(&self, user_id: &UserId) -> Result<Vec<String>, Failure> {
        let mut hashes = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("user_id = :user")
                .projection_expression("session_hash")
                .expression_attribute_values(":user", row::text(user_id.as_str()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| Failure::of("DynamoDB.Query", &error))?;
            for row in page.items() {
                hashes.push(Reader::new("sessions", row).text("session_hash")?.to_owned());
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(hashes);
            }
        }
    }

    async fn delete_all(&self, user_id: &UserId, hashes: &[String]) -> Result<(), Failure> {
        let batches: Vec<_> = hashes.chunks(BATCH).map(<[String]>::to_vec).collect();
        let deletions = batches.into_iter().map(|batch| Ok(self.delete(user_id, batch)));
        stream::iter(deletions).try_buffer_unordered(BATCHES_AT_ONCE).try_collect().await
    }

    async fn delete(&self, user_id: &UserId, hashes: Vec<String>) -> Result<(), Failure> {
        const OPERATION: &str = "DynamoDB.BatchWriteItem";
        let mut left: Vec<_> = hashes.iter().map(|hash| deletion(user_id, hash)).collect::<Result<_, _>>()?;
        let mut attempts = Attempts::at_most(BATCH_TRIES);
        while attempts.next().await {
            let answer = self
                .dynamodb
                .batch_write_item()
                .request_items(&self.table, left)
                .send()
                .await
                .map_err(|error| Failure::of(OPERATION, &error))?;
            left = answer.unprocessed_items.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(Failure::unavailable(OPERATION, "unprocessed items"))
    }

    async fn get(&self, user_id: &str, session_hash: &str) -> Result<Option<Row>, Failure> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key("user_id", row::text(user_id))
            .key("session_hash", row::text(session_hash))
            // A revoked session must be refused at once, on every machine.
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.GetItem", &error))?;
        Ok(answer.item)
    }

    async fn renew(
        &self,
        user_id: &UserId,
        session: &SessionHash,
        life: Life,
        now: Timestamp,
    ) -> Result<Life, Failure> {
        let renewed = Life { renewed_at: now, ..life };
        let hurried = aws_sdk_dynamodb::Config::builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(self.hurried.clone());
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .key("user_id", row::text(user_id.as_str()))
            .key("session_hash", row::text(session.as_str()))
            .update_expression("SET renewed_at_ms = :now, expires_at = :ttl")
            // An update of a missing row would make one: a session revoked in between must stay revoked.
            .condition_expression("attribute_exists(session_hash)")
            .expression_attribute_values(":now", row::milliseconds(now))
            .expression_attribute_values(":ttl", row::ttl(self.times.end_of(renewed)))
            .customize()
            .config_override(hurried)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.UpdateItem", &error))?;
        Ok(renewed)
    }
}

fn deletion(user_id: &UserId, hash: &str) -> Result<WriteRequest, Failure> {
    let key: [(&str, AttributeValue); 2] =
        [("user_id", row::text(user_id.as_str())), ("session_hash", row::text(hash))];
    let request = key
        .into_iter()
        .fold(DeleteRequest::builder(), |request, (name, value)| request.key(name, value))
        .build()
        .map_err(|_| Failure::broken_row("sessions", "session_hash"))?;
    Ok(WriteRequest::builder().delete_request(request).build())
}
