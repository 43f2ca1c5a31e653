//! What the tests of a program do that takes a right: calls to AWS, and signatures by which somebody else may do it.
//!
//! Where `make test` names a directory, the wire and the answers note there what they see, in one file for each package
//! whose tests run. When all tests have run, what each package did is compared with the policy of its function.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Call;

/// An action that nobody can be granted.
const UNKNOWN: &str = "what-is-not-in-the-table-of-rights";

#[expect(clippy::disallowed_methods, reason = "what `make test` tells the test programs is no configuration")]
static DIRECTORY: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("ACCESSES").map(PathBuf::from));
static NOTED: Mutex<BTreeSet<Access>> = Mutex::new(BTreeSet::new());

/// An action of IAM's, and what was acted on: `dynamodb:GetItem`, `TasksTable`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access {
    pub(crate) action: String,
    pub(crate) resource: String,
}

impl Access {
    pub(crate) fn new(action: &str, resource: &str) -> Self {
        Self::from((action, resource))
    }
}

impl From<(&str, &str)> for Access {
    fn from((action, resource): (&str, &str)) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned() }
    }
}

/// What the tests of a package did.
///
/// # Panics
/// Where they were not run, or nothing was noted: then nothing is known.
#[cfg(test)]
pub(crate) fn of(package: &str) -> BTreeSet<Access> {
    let directory = DIRECTORY.as_ref().expect("ACCESSES names no directory: this is a part of `make test`");
    let noted = std::fs::read_to_string(directory.join(package));
    let noted = noted.unwrap_or_else(|error| panic!("what the tests of {package} do was not noted: {error}"));
    noted.lines().filter_map(|line| line.split_once(' ')).map(Access::from).collect()
}

pub(crate) fn note_call(call: &Call) {
    if DIRECTORY.is_some() {
        accesses_of(call).iter().for_each(note);
    }
}

/// S3 says of a missing object that it is missing only to who may list the bucket; to others, that they may not read it.
pub(crate) fn note_answer(call: &Call, status: u16) {
    if status == 404 && call.operation.starts_with("S3.") {
        let bucket = object_of(&call.uri).split('/').next().unwrap_or_default();
        note(&Access::new("s3:ListBucket", bucket));
    }
}

/// Notes the signatures in an answer: the URL of a redirect, and those of a body with the forms in it.
pub(crate) fn note_signatures(location: &str, body: &[u8]) {
    if DIRECTORY.is_some() {
        let body = serde_json::from_slice(body).unwrap_or_default();
        signed_in(&body).iter().chain(&signed_url(location)).for_each(note);
    }
}

fn note(access: &Access) {
    if let Some(directory) = &*DIRECTORY
        && NOTED.lock().unwrap().insert(access.clone())
    {
        let file = directory.join(this_package());
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{} {}\n", access.action, access.resource).as_bytes()).unwrap();
    }
}

/// Cargo says it to every test program that it starts.
#[expect(clippy::disallowed_methods, reason = "what cargo tells the test programs is no configuration")]
fn this_package() -> String {
    std::env::var("CARGO_PKG_NAME").unwrap()
}

/// The rights that a call takes: the one table from operations to actions of IAM.
fn accesses_of(call: &Call) -> Vec<Access> {
    let (service, operation) = call.operation.split_once('.').unwrap();
    let body = || serde_json::from_str::<Value>(&call.body).unwrap();
    let object = object_of(&call.uri);
    match (service, operation) {
        ("DynamoDB", "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query") => {
            vec![Access::new(&format!("dynamodb:{operation}"), &table_or_index(&body()))]
        }
        ("DynamoDB", "BatchGetItem" | "BatchWriteItem") => {
            let tables = body()["RequestItems"].as_object().cloned().unwrap();
            tables.keys().map(|table| Access::new(&format!("dynamodb:{operation}"), table)).collect()
        }
        // There is no right to transactions, only to what they are made of.
        ("DynamoDB", "TransactWriteItems") => {
            let items = body()["TransactItems"].as_array().cloned().unwrap();
            items.iter().flat_map(|item| item.as_object().unwrap()).map(of_transaction).collect()
        }
        ("S3", "GetObject" | "HeadObject") => vec![Access::new("s3:GetObject", object)],
        ("S3", "PutObject") => vec![Access::new("s3:PutObject", object)],
        ("S3", "DeleteObject") => vec![Access::new("s3:DeleteObject", object)],
        ("S3", "DeleteObjects") => {
            let keys = call.body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
            let bucket = object.trim_end_matches('/');
            keys.map(|key| Access::new("s3:DeleteObject", &format!("{bucket}/{key}"))).collect()
        }
        ("S3", "ListObjectsV2") => {
            let prefix = query_of(&call.uri, "prefix").replace("%2F", "/");
            vec![Access::new("s3:ListBucket", &format!("{}?prefix={prefix}", object.trim_end_matches('/')))]
        }
        ("SecretsManager", "GetSecretValue") => {
            vec![Access::new("secretsmanager:GetSecretValue", &secret_of(&body()))]
        }
        ("EventBridge", "PutEvents") => {
            let buses = body()["Entries"].as_array().cloned().unwrap();
            buses.iter().map(|entry| Access::new("events:PutEvents", entry["EventBusName"].as_str().unwrap())).collect()
        }
        // WeChat's: what is signed for AWS has one of the names above.
        ("HTTP", _) => Vec::new(),
        _ => vec![Access::new(UNKNOWN, &call.operation)],
    }
}

fn table_or_index(body: &Value) -> String {
    let table = body["TableName"].as_str().unwrap();
    match body["IndexName"].as_str() {
        Some(index) => format!("{table}/index/{index}"),
        None => table.to_owned(),
    }
}

fn of_transaction((kind, item): (&String, &Value)) -> Access {
    Access::new(&format!("dynamodb:{kind}Item"), item["TableName"].as_str().unwrap())
}

/// `…:secret:wechat-AbCdEf` → `secret/wechat`
fn secret_of(body: &Value) -> String {
    let arn = body["SecretId"].as_str().unwrap();
    let name = arn.rsplit(':').next().and_then(|name| name.rsplit_once('-')).map_or(arn, |(name, _)| name);
    format!("secret/{name}")
}

/// `http://host/bucket/key?query` → `bucket/key`: the emulators' buckets are part of the path.
fn object_of(uri: &str) -> &str {
    let path = uri.split('?').next().unwrap_or_default();
    path.splitn(4, '/').nth(3).unwrap_or_default()
}

fn query_of<'a>(uri: &'a str, name: &str) -> &'a str {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

/// A signature gives away a right of its signer's, and is good for nothing where the signer has none.
fn signed_in(value: &Value) -> Vec<Access> {
    match value {
        Value::String(url) => signed_url(url).into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(signed_in).collect(),
        Value::Object(fields) if fields.contains_key("policy") => vec![signed_form(value)],
        Value::Object(fields) => fields.values().flat_map(signed_in).collect(),
        _ => Vec::new(),
    }
}

/// The SDK writes into a URL which operation it signed, but for `HeadObject`, which takes the same right as `GetObject`.
fn signed_url(url: &str) -> Option<Access> {
    let operation = Some(query_of(url, "x-id")).filter(|operation| !operation.is_empty());
    let action = format!("s3:{}", operation.unwrap_or("GetObject"));
    url.contains("X-Amz-Signature=").then(|| Access::new(&action, object_of(url)))
}

fn signed_form(fields: &Value) -> Access {
    let policy = STANDARD.decode(fields["policy"].as_str().unwrap()).unwrap();
    let policy: Value = serde_json::from_slice(&policy).unwrap();
    let conditions = policy["conditions"].as_array().unwrap();
    let bucket = conditions.iter().find_map(|condition| condition["bucket"].as_str()).unwrap();
    Access::new("s3:PutObject", &format!("{bucket}/{}", fields["key"].as_str().unwrap()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn assert_call(operation: &str, uri: &str, body: &str, expected: &[&str]) {
        let call = Call { operation: operation.to_owned(), uri: uri.to_owned(), body: body.to_owned() };
        assert_eq!(lines(&accesses_of(&call)), expected);
    }

    fn lines(accesses: &[Access]) -> Vec<String> {
        accesses.iter().map(|access| format!("{} {}", access.action, access.resource)).collect()
    }

    #[test]
    fn a_call_to_a_table_takes_the_right_of_its_name_on_the_table_or_index() {
        let host = "http://host/";
        assert_call("DynamoDB.GetItem", host, r#"{"TableName":"Tasks"}"#, &["dynamodb:GetItem Tasks"]);
        let query = r#"{"TableName":"Tasks","IndexName":"by_owner"}"#;
        assert_call("DynamoDB.Query", host, query, &["dynamodb:Query Tasks/index/by_owner"]);
        let batch = r#"{"RequestItems":{"Images":{},"Tasks":{}}}"#;
        let both = ["dynamodb:BatchGetItem Images", "dynamodb:BatchGetItem Tasks"];
        assert_call("DynamoDB.BatchGetItem", host, batch, &both);
    }

    #[test]
    fn a_transaction_takes_the_rights_of_what_it_is_made_of() {
        let transaction = json!({"TransactItems": [
            {"Update": {"TableName": "Images"}}, {"Put": {"TableName": "Pointers"}},
            {"Delete": {"TableName": "Images"}}, {"ConditionCheck": {"TableName": "Tasks"}}
        ]});
        let rights = [
            "dynamodb:UpdateItem Images",
            "dynamodb:PutItem Pointers",
            "dynamodb:DeleteItem Images",
            "dynamodb:ConditionCheckItem Tasks",
        ];
        assert_call("DynamoDB.TransactWriteItems", "http://host/", &transaction.to_string(), &rights);
    }

    #[test]
    fn a_call_to_s3_takes_a_right_on_the_object_or_on_a_prefix_of_the_bucket() {
        let object = "http://host/bucket/images/a/b.jpg?x-id=GetObject";
        assert_call("S3.HeadObject", object, "", &["s3:GetObject bucket/images/a/b.jpg"]);
        assert_call("S3.PutObject", object, "", &["s3:PutObject bucket/images/a/b.jpg"]);
        let list = "http://host/bucket/?list-type=2&prefix=images%2Fa%2F";
        assert_call("S3.ListObjectsV2", list, "", &["s3:ListBucket bucket?prefix=images/a/"]);
        let many = "<Delete><Object><Key>images/a</Key></Object><Object><Key>images/b</Key></Object></Delete>";
        let both = ["s3:DeleteObject bucket/images/a", "s3:DeleteObject bucket/images/b"];
        assert_call("S3.DeleteObjects", "http://host/bucket/?delete", many, &both);
    }

    #[test]
    fn a_secret_is_known_by_its_name() {
        let body = r#"{"SecretId":"arn:aws:secretsmanager:us-east-1:000000000000:secret:wechat-AbCdEf"}"#;
        let right = ["secretsmanager:GetSecretValue secret/wechat"];
        assert_call("SecretsManager.GetSecretValue", "http://host/", body, &right);
    }

    #[test]
    fn an_event_takes_the_right_on_its_bus() {
        let body = r#"{"Entries":[{"EventBusName":"EventBus","Detail":"{}"}]}"#;
        assert_call("EventBridge.PutEvents", "http://host/", body, &["events:PutEvents EventBus"]);
    }

    #[test]
    fn calls_to_others_than_aws_take_no_right() {
        assert_call("HTTP.GET", "http://wechat/sns/jscode2session", "", &[]);
    }

    #[test]
    fn an_operation_that_is_not_in_the_table_is_never_guessed() {
        let unknown = ["what-is-not-in-the-table-of-rights S3.CopyObject"];
        assert_call("S3.CopyObject", "http://host/bucket/key", "", &unknown);
    }

    #[test]
    fn a_signed_url_anywhere_in_an_answer_is_a_right_given_away() {
        let url = "http://host/bucket/images/a.jpg?x-id=GetObject&X-Amz-Signature=0a";
        let for_head = signed_url("http://host/bucket/images/h.jpg?X-Amz-Signature=0a").unwrap();
        assert_eq!(for_head, Access::new("s3:GetObject", "bucket/images/h.jpg"));
        let answer = json!({"images": [{"url": url}, {"url": "https://img.example.com/images/b.jpg?Key-Pair-Id=K"}]});
        assert_eq!(lines(&signed_in(&answer)), ["s3:GetObject bucket/images/a.jpg"]);
    }

    #[test]
    fn a_signed_form_is_a_right_to_put_its_key() {
        let policy = STANDARD.encode(r#"{"conditions":[["eq","$key","incoming/a"],{"bucket":"bucket"}]}"#);
        let answer = json!({"fields": {"key": "incoming/a", "policy": policy}});
        assert_eq!(lines(&signed_in(&answer)), ["s3:PutObject bucket/incoming/a"]);
    }
}
