//! What the product relies on in DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use serde_json::{Value, json};

use crate::clients::{dynamodb, start};

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

async fn put_task(client: &Client, id: &str) {
    let put = client.put_item().table_name("TasksTable").item("task_id", s(id)).item("owner_id", s("alice"));
    put.item("created_at", n(1)).item("images", AttributeValue::L(Vec::new())).send().await.unwrap();
}

/// Appends a name as the product does: once, if there is room, for the owner.
async fn append(client: &Client, id: &str, name: &str, room: i64) -> Result<(), UpdateItemError> {
    let update = client
        .update_item()
        .table_name("TasksTable")
        .key("task_id", s(id))
        .update_expression("SET images = list_append(images, :one) ADD version :step")
        .condition_expression("owner_id = :owner AND NOT contains(images, :name) AND size(images) < :room")
        .expression_attribute_values(":one", AttributeValue::L(vec![s(name)]))
        .expression_attribute_values(":name", s(name))
        .expression_attribute_values(":owner", s("alice"))
        .expression_attribute_values(":room", n(room))
        .expression_attribute_values(":step", n(1))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    update.send().await.map(drop).map_err(|error| error.into_service_error())
}

async fn task(client: &Client, id: &str) -> HashMap<String, AttributeValue> {
    let get = client.get_item().table_name("TasksTable").key("task_id", s(id)).consistent_read(true);
    get.send().await.unwrap().item.unwrap()
}

#[tokio::test]
async fn a_conditional_put_makes_one_row_and_a_refused_one_brings_it_back() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let claim = |attempt: &str| {
        let put = client.put_item().table_name("TasksTable").item("task_id", s("t")).item("attempt", s(attempt));
        put.condition_expression("attribute_not_exists(task_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    claim("first").send().await.unwrap();

    let error = claim("second").send().await.unwrap_err().into_service_error();

    let refused = match error {
        aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(refused) => refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.item.unwrap()["attempt"], s("first"));
    assert_eq!(task(&client, "t").await["attempt"], s("first"));
}

#[tokio::test]
async fn a_guarded_append_adds_a_name_once_and_tells_what_stood_in_the_way() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    put_task(&client, "t").await;
    append(&client, "t", "a.jpg", 1).await.unwrap();

    for (name, room) in [("a.jpg", 50), ("b.jpg", 1)] {
        let UpdateItemError::ConditionalCheckFailedException(refused) =
            append(&client, "t", name, room).await.unwrap_err()
        else {
            panic!("another error")
        };
        assert_eq!(refused.item.unwrap()["images"], AttributeValue::L(vec![s("a.jpg")]));
    }
    assert_eq!(task(&client, "t").await["version"], n(1));
}

#[tokio::test]
async fn the_size_of_a_missing_attribute_is_smaller_than_nothing() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let put = client.put_item().table_name("TasksTable").item("task_id", s("t")).item("owner_id", s("alice"));
    put.send().await.unwrap();

    let error = append(&client, "t", "a.jpg", 50).await.unwrap_err();

    assert!(matches!(error, UpdateItemError::ConditionalCheckFailedException(_)), "{error:?}");
}

#[tokio::test]
async fn an_update_on_condition_of_existence_does_not_make_a_row() {
    let emulators = start().await;
    let client = dynamodb(&emulators);

    let error = append(&client, "nowhere", "a.jpg", 50).await.unwrap_err();

    let UpdateItemError::ConditionalCheckFailedException(refused) = error else { panic!("{error:?}") };
    assert_eq!(refused.item, None);
    let read = client.get_item().table_name("TasksTable").key("task_id", s("nowhere")).send().await.unwrap();
    assert_eq!(read.item, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_parallel_appends_are_fifty_names() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    put_task(&client, "t").await;
    let names: Vec<String> = (0..50).map(|number| format!("{number:02}.jpg")).collect();

    let appends = names.iter().map(|name| append(&client, "t", name, 50));
    for result in futures_util::future::join_all(appends).await {
        result.unwrap();
    }

    let task = task(&client, "t").await;
    let mut listed: Vec<_> = task["images"].as_l().unwrap().iter().map(|name| name.as_s().unwrap().clone()).collect();
    listed.sort();
    assert_eq!(listed, names);
    assert_eq!(task["version"], n(50));
    assert!(append(&client, "t", "one-too-many.jpg", 50).await.is_err());
}

#[tokio::test]
async fn one_update_makes_or_finds_a_user_and_returns_it() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let sign_in = |seed: &str| {
        let update = client.update_item().table_name("TasksTable").key("task_id", s("openid-hash"));
        update
            .update_expression("SET user_seed = if_not_exists(user_seed, :seed)")
            .expression_attribute_values(":seed", s(seed))
            .return_values(ReturnValue::AllNew)
            .send()
    };

    let first = sign_in("one").await.unwrap().attributes.unwrap();
    let second = sign_in("two").await.unwrap().attributes.unwrap();

    assert_eq!((&first["user_seed"], &second["user_seed"]), (&s("one"), &s("one")));
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_condition_failed_and_changes_nothing() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    put_task(&client, "taken").await;
    let update = Update::builder()
        .table_name("TasksTable")
        .key("task_id", s("pointer"))
        .update_expression("SET picture = :name")
        .expression_attribute_values(":name", s("a.jpg"));
    let put = Put::builder()
        .table_name("TasksTable")
        .item("task_id", s("taken"))
        .condition_expression("attribute_not_exists(task_id)");
    let transaction = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().update(update.build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().put(put.build().unwrap()).build());

    let error = transaction.send().await.unwrap_err().into_service_error();

    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = error
    else {
        panic!("{error:?}")
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    let read = client.get_item().table_name("TasksTable").key("task_id", s("pointer")).send().await.unwrap();
    assert_eq!(read.item, None);
}

#[tokio::test]
async fn an_index_is_read_newest_first_page_by_page() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    for number in 0..5 {
        let put = client.put_item().table_name("TasksTable").item("task_id", s(&format!("t{number}")));
        put.item("owner_id", s("alice")).item("created_at", n(number)).send().await.unwrap();
    }
    let query = client
        .query()
        .table_name("TasksTable")
        .index_name("by-owner")
        .key_condition_expression("owner_id = :owner")
        .expression_attribute_values(":owner", s("alice"))
        .scan_index_forward(false)
        .limit(2);

    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = query.clone().set_exclusive_start_key(cursor).send().await.unwrap();
        pages.push(page.items().iter().map(|item| item["task_id"].as_s().unwrap().clone()).collect::<Vec<_>>());
        cursor = page.last_evaluated_key;
        if cursor.is_none() {
            break;
        }
    }

    assert_eq!(pages.concat(), ["t4", "t3", "t2", "t1", "t0"]);
    assert_eq!(pages[0].len(), 2);
}

#[tokio::test]
async fn a_batch_reads_a_hundred_rows_and_no_more() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    put_task(&client, "t7").await;
    let read = async |count: usize| {
        let keys = (0..count).map(|number| HashMap::from([("task_id".to_owned(), s(&format!("t{number}")))]));
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build().unwrap();
        client.batch_get_item().request_items("TasksTable", keys).send().await
    };

    let batch = read(100).await.unwrap();

    assert_eq!(batch.responses.unwrap()["TasksTable"].len(), 1);
    assert!(batch.unprocessed_keys.unwrap_or_default().is_empty());
    assert!(read(101).await.is_err());
}

#[tokio::test]
async fn an_expired_row_stays_readable_until_a_sweep_is_asked_for() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let put = client.put_item().table_name("SessionsTable").item("user_id", s("alice")).item("session_hash", s("h"));
    put.item("expires_at", n(1_795_000_000 - 86_400 * 365)).send().await.unwrap();
    let read = async || {
        let get = client.get_item().table_name("SessionsTable").key("user_id", s("alice")).key("session_hash", s("h"));
        get.send().await.unwrap().item
    };

    assert!(read().await.is_some());
    assert_eq!(emulators.sweep_ttl().unwrap(), 1);
    assert_eq!(read().await, None);
}

#[tokio::test]
async fn a_sweep_can_be_asked_for_as_of_a_later_time() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let put = client.put_item().table_name("SessionsTable").item("user_id", s("alice")).item("session_hash", s("h"));
    put.item("expires_at", n(4_102_444_800)).send().await.unwrap();

    assert_eq!(emulators.sweep_ttl_at(4_102_444_799).unwrap(), 0);
    assert_eq!(emulators.sweep_ttl().unwrap(), 0, "by the real time again");
    assert_eq!(emulators.sweep_ttl_at(4_102_444_801).unwrap(), 1);
}

#[tokio::test]
async fn the_stream_of_a_table_shows_old_and_new_rows() {
    let emulators = start().await;
    let client = dynamodb(&emulators);

    let table = client.describe_table().table_name("TasksTable").send().await.unwrap().table.unwrap();

    assert_eq!(table.stream_specification.unwrap().stream_view_type.unwrap().as_str(), "NEW_AND_OLD_IMAGES");
}

#[tokio::test]
async fn changes_of_rows_are_told_in_order_with_the_rows_before_and_after() {
    let emulators = start().await;
    let client = dynamodb(&emulators);
    let put = async |title: &str| {
        let put = client.put_item().table_name("TasksTable").item("task_id", s("t")).item("title", s(title));
        put.send().await.unwrap();
    };
    put("old").await;
    put("new").await;
    client.delete_item().table_name("TasksTable").key("task_id", s("t")).send().await.unwrap();

    let changes = emulators.changes("TasksTable", None, 100).unwrap();

    let told = |record: &Value| {
        let titles = ["OldImage", "NewImage"].map(|image| record["dynamodb"][image]["title"]["S"].clone());
        (record["eventName"].clone(), titles)
    };
    let (old, new) = (json!("old"), json!("new"));
    assert_eq!(
        changes.iter().map(told).collect::<Vec<_>>(),
        [
            (json!("INSERT"), [Value::Null, old.clone()]),
            (json!("MODIFY"), [old, new.clone()]),
            (json!("REMOVE"), [new, Value::Null])
        ]
    );
    assert_eq!(changes[2]["userIdentity"], Value::Null, "somebody removed it, and no TTL");
    let after = changes[0]["dynamodb"]["SequenceNumber"].as_str();
    assert_eq!(emulators.changes("TasksTable", after, 100).unwrap(), changes[1..]);
    assert_eq!(emulators.changes("TasksTable", None, 1).unwrap(), changes[..1]);
}
