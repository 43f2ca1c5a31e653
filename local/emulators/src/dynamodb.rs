//! DynamoDB: `dynoxide`, in this process.

use std::collections::BTreeMap;

use dynoxide::streams::shard_id;
use dynoxide::{Database, DynoxideError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::ResourceError;
use crate::template::Table;

/// Makes a table as the template describes it, or finds one that was made so.
pub(crate) fn create_table(database: &Database, table: &Table) -> Result<(), ResourceError> {
    let failure = |cause| ResourceError::Table { table: table.logical_id.clone(), cause };
    match database.create_table(request(table.create.clone()).map_err(failure)?) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => {
            if shape(&described(database, &table.logical_id).map_err(failure)?) != shape(&table.create) {
                return Err(ResourceError::TableDiffers { table: table.logical_id.clone() });
            }
        }
        Err(cause) => return Err(failure(cause)),
    }
    match &table.ttl_attribute {
        Some(attribute) => enable_ttl(database, &table.logical_id, attribute).map_err(failure),
        None => Ok(()),
    }
}

fn described(database: &Database, table: &str) -> dynoxide::Result<Value> {
    let answer = database.describe_table(request(json!({ "TableName": table }))?)?;
    serde_json::to_value(answer.table).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// What code relies on in a table: its key, and the indexes with theirs.
fn shape(definition: &Value) -> (&Value, BTreeMap<&str, &Value>) {
    let indexes = definition["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
    let indexes = indexes.filter_map(|index| Some((index["IndexName"].as_str()?, &index["KeySchema"])));
    (&definition["KeySchema"], indexes.collect())
}

/// DynamoDB refuses to enable what is enabled.
fn enable_ttl(database: &Database, table: &str, attribute: &str) -> dynoxide::Result<()> {
    let described = database.describe_time_to_live(request(json!({ "TableName": table }))?)?;
    if described.time_to_live_description.time_to_live_status == "ENABLED" {
        return Ok(());
    }
    let specification = json!({ "AttributeName": attribute, "Enabled": true });
    database
        .update_time_to_live(request(json!({ "TableName": table, "TimeToLiveSpecification": specification }))?)
        .map(drop)
}

/// What a table's stream tells after this sequence number, oldest first: records as Lambda hands them on.
pub(crate) fn changes(
    database: &Database,
    table: &str,
    after: Option<&str>,
    limit: usize,
) -> dynoxide::Result<Vec<Value>> {
    let arn = described(database, table)?["LatestStreamArn"].clone();
    let place = match after {
        Some(number) => json!({ "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number }),
        None => json!({ "ShardIteratorType": "TRIM_HORIZON" }),
    };
    let mut asked = json!({ "StreamArn": arn, "ShardId": shard_id(table) });
    asked.as_object_mut().into_iter().for_each(|asked| asked.extend(place.as_object().cloned().unwrap_or_default()));
    let iterator = database.get_shard_iterator(request(asked)?)?.shard_iterator;
    let records = database.get_records(request(json!({ "ShardIterator": iterator, "Limit": limit }))?)?.records;
    records
        .iter()
        .map(|record| {
            let mut record =
                serde_json::to_value(record).map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
            record["eventSourceARN"] = arn.clone();
            Ok(record)
        })
        .collect()
}

/// Puts a row in DynamoDB's JSON, replacing the one with its key.
pub(crate) fn put(database: &Database, table: &str, item: &Value) -> dynoxide::Result<()> {
    database.put_item(request(json!({ "TableName": table, "Item": item }))?).map(drop)
}

/// Puts a row unless there is one with its key.
pub(crate) fn put_if_absent(database: &Database, table: &str, item: &Value) -> dynoxide::Result<()> {
    let described = described(database, table)?;
    let partition_key = &described["KeySchema"][0]["AttributeName"];
    let put = request(json!({
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": { "#key": partition_key },
    }))?;
    match database.put_item(put) {
        Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(()),
        result => result.map(drop),
    }
}

/// A request to the database from what a client would send as its body.
fn request<T: DeserializeOwned>(body: Value) -> dynoxide::Result<T> {
    serde_json::from_value(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}
