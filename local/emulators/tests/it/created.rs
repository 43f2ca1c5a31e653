//! What S3 tells of: objects that requests have created.

use aws_sdk_s3::Client;
use serde_json::{Value, json};

use crate::clients::{BUCKET, s3, start};

async fn put(client: &Client, key: &str) {
    client.put_object().bucket(BUCKET).key(key).body(b"photo".to_vec().into()).send().await.unwrap();
}

#[tokio::test]
async fn an_object_that_was_put_is_told_in_the_form_of_s3_once() {
    let emulators = start().await;
    put(&s3(&emulators), "incoming/a b+\u{e4}").await;

    let created = emulators.take_created();

    let [created] = created.as_slice() else { panic!("{created:?}") };
    assert_eq!((created.bucket.as_str(), created.key.as_str()), (BUCKET, "incoming/a b+\u{e4}"));
    let event = created.event();
    let [record] = event["Records"].as_array().unwrap().as_slice() else { panic!("{event}") };
    let names = ["eventSource", "eventName", "awsRegion"].map(|name| record[name].as_str().unwrap());
    assert_eq!(names, ["aws:s3", "ObjectCreated:Put", "us-east-1"]);
    assert!(record["eventTime"].as_str().unwrap().ends_with('Z'));
    assert_eq!(record["s3"]["bucket"]["name"], BUCKET);
    let object = json!({ "key": "incoming/a+b%2B%C3%A4", "size": 5, "eTag": "5ae0c1c8a5260bc7b6648f6fbd115c35" });
    assert_eq!(record["s3"]["object"], object);
    assert_eq!(emulators.take_created(), []);
}

#[tokio::test]
async fn copies_are_told_and_what_creates_nothing_is_not() {
    let emulators = start().await;
    let client = s3(&emulators);
    put(&client, "a").await;
    client.copy_object().bucket(BUCKET).key("b").copy_source(format!("{BUCKET}/a")).send().await.unwrap();
    client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    let refused = client.put_object().bucket(BUCKET).key("a").if_none_match("*").body(b"other".to_vec().into());
    refused.send().await.unwrap_err();
    client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();

    let told = |created: &emulators::Created| {
        let name: Value = created.event()["Records"][0]["eventName"].clone();
        (created.key.clone(), name.as_str().unwrap().to_owned())
    };
    let expected = [("a", "ObjectCreated:Put"), ("b", "ObjectCreated:Copy")];
    assert_eq!(
        emulators.take_created().iter().map(told).collect::<Vec<_>>(),
        expected.map(|(key, name)| (key.to_owned(), name.to_owned()))
    );
}

#[tokio::test]
async fn whoever_waits_for_the_next_one_gets_the_oldest_first() {
    let emulators = start().await;
    let client = s3(&emulators);
    let next = async { [emulators.next_created().await.key, emulators.next_created().await.key] };
    let put = async {
        put(&client, "a").await;
        put(&client, "b").await;
    };

    let (keys, ()) = tokio::join!(next, put);

    assert_eq!(keys, ["a", "b"]);
}
