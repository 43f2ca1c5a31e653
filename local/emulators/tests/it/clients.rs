//! Clients as the product has them, and one that sends exactly what it is told.

use std::net::SocketAddr;

use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use emulators::template::{Bucket, Table, Template};
use emulators::{ACCESS_KEY_ID, Emulators, Options, REGION, SECRET_ACCESS_KEY};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const BUCKET: &str = "images-bucket";

pub(crate) async fn start() -> Emulators {
    start_with(Options::default()).await
}

pub(crate) async fn start_with(options: Options) -> Emulators {
    let emulators = Emulators::start(options).await.unwrap();
    emulators.create_resources(&resources()).await.unwrap();
    emulators
}

/// A bucket, and tables of the shapes that the product has: by one key and by two, with a TTL, an index and a stream.
pub(crate) fn resources() -> Template {
    let bucket = Bucket { logical_id: "ImagesBucket".to_owned(), name: BUCKET.to_owned() };
    Template { tables: vec![sessions_table(), tasks_table()], bucket, functions: Vec::new() }
}

fn sessions_table() -> Table {
    let create = json!({
        "TableName": "SessionsTable",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "user_id", "AttributeType": "S" },
            { "AttributeName": "session_hash", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "user_id", "KeyType": "HASH" },
            { "AttributeName": "session_hash", "KeyType": "RANGE" },
        ],
    });
    Table { logical_id: "SessionsTable".to_owned(), create, ttl_attribute: Some("expires_at".to_owned()) }
}

fn tasks_table() -> Table {
    let create = json!({
        "TableName": "TasksTable",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "task_id", "AttributeType": "S" },
            { "AttributeName": "owner_id", "AttributeType": "S" },
            { "AttributeName": "created_at", "AttributeType": "N" },
        ],
        "KeySchema": [{ "AttributeName": "task_id", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-owner",
            "KeySchema": [
                { "AttributeName": "owner_id", "KeyType": "HASH" },
                { "AttributeName": "created_at", "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "ALL" },
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    Table { logical_id: "TasksTable".to_owned(), create, ttl_attribute: None }
}

pub(crate) fn s3(emulators: &Emulators) -> aws_sdk_s3::Client {
    s3_at(emulators.s3_url())
}

pub(crate) fn s3_at(url: &str) -> aws_sdk_s3::Client {
    s3_as(url, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
}

pub(crate) fn s3_as(url: &str, key: &str, secret: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .http_client(Builder::new().build_http());
    aws_sdk_s3::Client::from_conf(config.build())
}

pub(crate) fn dynamodb(emulators: &Emulators) -> aws_sdk_dynamodb::Client {
    dynamodb_at(emulators.dynamodb_url())
}

pub(crate) fn dynamodb_at(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test"))
        .http_client(Builder::new().build_http());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub(crate) fn secretsmanager(emulators: &Emulators) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
        .region(aws_sdk_secretsmanager::config::Region::new(REGION))
        .endpoint_url(emulators.secretsmanager_url())
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test"))
        .http_client(Builder::new().build_http());
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// An answer, as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Whether fewer bytes came than were announced.
    pub(crate) fn is_cut(&self) -> bool {
        self.header("content-length").is_some_and(|length| length.parse() != Ok(self.body.len()))
    }
}

/// `GET` of an absolute URL, with no header but `Host`.
pub(crate) async fn get(url: &str) -> Answer {
    send("GET", url, &[], b"").await
}

/// Sends one request and reads until the server closes.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    send_to(host.parse().unwrap(), method, host, &format!("/{path}"), headers, body).await
}

/// The same, with the `Host` and the server told apart.
pub(crate) async fn send_to(
    server: SocketAddr,
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    exchange(server, &[head.as_bytes(), body].concat()).await
}

/// Sends exactly these bytes and reads until the server closes.
pub(crate) async fn exchange(server: SocketAddr, request: &[u8]) -> Answer {
    let mut connection = TcpStream::connect(server).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A cut answer may end in a reset: what came before it counts.
    let _ = connection.read_to_end(&mut answer).await;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("the answer has a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: answer[end + 4..].to_vec() }
}
