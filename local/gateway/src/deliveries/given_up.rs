//! Dead letters of a stream, in [the form in which Lambda keeps them][form] for `make redrive`: `given_up.json` is AWS's example.
//!
//! [form]: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html

use emulators::{REGION, shard_id};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// A stream and the function that reads it: Lambda's event source mapping.
pub(super) struct Source {
    id: Uuid,
    pub(super) function: String,
    table: String,
}

impl Source {
    pub(super) fn new(function: &str, table: &str) -> Self {
        Self { id: Uuid::new_v4(), function: function.to_owned(), table: table.to_owned() }
    }

    /// The key and the content of the dead letter of a batch.
    pub(super) fn dead_letter(
        &self,
        batch: &[Value],
        tries: usize,
        has_failed: bool,
        now: Timestamp,
    ) -> (String, Value) {
        let shard = shard_id(&self.table);
        let key =
            format!("aws/lambda/{}/{shard}/{}-{}", self.id, now.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"), Uuid::new_v4());
        let (first, last) = (batch.first().unwrap_or(&Value::Null), batch.last().unwrap_or(&Value::Null));
        let kept = json!({
            "requestContext": {
                "requestId": Uuid::new_v4().to_string(),
                "functionArn": format!("arn:aws:lambda:{REGION}:000000000000:function:{}", self.function),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": tries,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": has_failed.then_some("Unhandled"),
            },
            "version": "1.0",
            "timestamp": format!("{now:.3}"),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": last["dynamodb"]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": batch.len(),
                "streamArn": first["eventSourceARN"],
            },
            "payload": json!({ "Records": batch }).to_string(),
        });
        (key, kept)
    }
}

fn arrival(record: &Value) -> Option<String> {
    let seconds = record["dynamodb"]["ApproximateCreationDateTime"].as_f64()?;
    let arrival = Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
    Some(format!("{arrival:.0}"))
}
