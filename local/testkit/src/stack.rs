use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use emulators::template::Template;
use emulators::{Emulators, Options};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Event, Fault, Wire};

pub(crate) const TEMPLATE: &str = include_str!("../../../template.yaml");
const SEED: &str = include_str!("../../../events/seed.json");
const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// The seeded user's photo stems begin so; see `events/README.md`.
const SEEDED: &str = "images/5eed";

/// Somebody with a session.
#[derive(Clone, Debug)]
pub struct User {
    /// The header `user_id`.
    pub user_id: String,
    /// The header `session_id`.
    pub session_id: String,
}

/// A test's own tables, bucket, secrets and WeChat.
pub struct Stack {
    emulators: Emulators,
    template: Template,
    wire: Wire,
    last_change: Mutex<Option<String>>,
}

impl Stack {
    /// A fresh stack with the template's resources and the seed set.
    pub async fn start() -> Self {
        let emulators = Emulators::start(Options::default()).await.unwrap();
        let template = Template::parse(TEMPLATE).unwrap();
        emulators.create_resources(&template).await.unwrap();
        let stack = Self { emulators, template, wire: Wire::default(), last_change: Mutex::default() };
        stack.seed(SEED).await;
        stack
    }

    /// The variables of a function, as its configuration looks them up: the template's, with the addresses of this stack
    /// and these changes.
    pub fn lookup(&self, function: &str, changes: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
        let declared = self.template.functions.iter().find(|declared| declared.name == function).unwrap();
        let mut variables = declared.environment.clone();
        variables.extend(self.emulators.environment());
        variables.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        move |name| variables.get(name).cloned()
    }

    /// How long the template lets one invocation of a function run.
    pub fn timeout_of(&self, function: &str) -> Duration {
        let declared = self.template.functions.iter().find(|declared| declared.name == function).unwrap();
        Duration::from_secs(declared.timeout_seconds)
    }

    /// The HTTP client that this stack's faults and counters sit in.
    pub fn http(&self) -> SharedHttpClient {
        self.wire.client()
    }

    /// Faults and counters.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The servers themselves.
    pub fn emulators(&self) -> &Emulators {
        &self.emulators
    }

    /// The user of the seed set, whose headers the event files carry.
    pub fn seeded_user(&self) -> User {
        User {
            user_id: "5e550000-0000-4000-8000-00000000a11c".to_owned(),
            session_id: "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU".to_owned(),
        }
    }

    /// A new user with a fresh session.
    pub async fn signed_in(&self) -> User {
        let user = User { user_id: Uuid::new_v4().to_string(), session_id: random_session_id() };
        let now = now_ms();
        self.put_session(&user, now, now).await;
        user
    }

    /// A new user with an account and a fresh session, whom the fake `WeChat` knows by this name.
    pub async fn registered(&self, name: &str) -> User {
        let user = self.signed_in().await;
        let app_id = self.lookup("session-login", &[])("WECHAT_APPID").unwrap();
        let openid = self.emulators.wechat().openid(name);
        let key = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{app_id}\n{openid}")));
        let seed = Sha256::digest(user.user_id.as_bytes());
        let identity = json!({
            "openid_hash": {"S": key},
            "user_id": {"S": user.user_id},
            "user_seed": {"B": STANDARD.encode(seed)},
            "created_at_ms": {"N": "$now_ms"},
            "first_login": {"S": "a test"}
        });
        self.put_row("UsersTable", identity).await;
        let account = json!({
            "openid_hash": {"S": format!("user#{}", user.user_id)},
            "user_keys": {"SS": [key]},
            "created_at_ms": {"N": "$now_ms"}
        });
        self.put_row("UsersTable", account).await;
        user
    }

    /// A user's account.
    pub fn account_of(&self, user: &User) -> Option<Value> {
        self.row("UsersTable", json!({"openid_hash": {"S": format!("user#{}", user.user_id)}}))
    }

    /// The rows of users that are not the seed set's.
    pub fn user_rows(&self) -> Vec<Value> {
        let seeded = self.seeded_user().user_id;
        let account = format!("user#{seeded}");
        let is_seeded = |row: &Value| row["user_id"]["S"] == *seeded || row["openid_hash"]["S"] == *account;
        self.rows("UsersTable").into_iter().filter(|row| !is_seeded(row)).collect()
    }

    /// Everything that is stored: all rows of all tables in DynamoDB's JSON, and all keys of the bucket.
    pub fn everything(&self) -> BTreeSet<String> {
        let tables = self.template.tables.iter().flat_map(|table| self.rows(&table.logical_id));
        tables.map(|row| row.to_string()).chain(self.emulators.objects()).collect()
    }

    /// A new user whose session was renewed two hours ago, so that the next call renews it.
    pub async fn due_for_renewal(&self) -> User {
        let user = User { user_id: Uuid::new_v4().to_string(), session_id: random_session_id() };
        let two_hours_ago = now_ms() - 2 * 3600 * 1000;
        self.put_session(&user, two_hours_ago, two_hours_ago).await;
        user
    }

    /// Another session of a user.
    pub async fn another_session_of(&self, user: &User) -> User {
        let other = User { session_id: random_session_id(), ..user.clone() };
        let now = now_ms();
        self.put_session(&other, now, now).await;
        other
    }

    /// Puts a session's row with these times (milliseconds).
    pub async fn put_session(&self, user: &User, created_at_ms: i64, renewed_at_ms: i64) {
        let seed = Sha256::digest(user.user_id.as_bytes());
        self.put_row(
            "SessionsTable",
            json!({
                "user_id": {"S": user.user_id},
                "session_hash": {"S": session_hash(&user.session_id)},
                "user_seed": {"B": STANDARD.encode(seed)},
                "created_at_ms": {"N": created_at_ms.to_string()},
                "renewed_at_ms": {"N": renewed_at_ms.to_string()},
                "expires_at": {"N": "$in_15_days"}
            }),
        )
        .await;
    }

    /// Whether a session was renewed within the last hour.
    pub fn is_renewed(&self, user: &User) -> bool {
        let row = self.row("SessionsTable", session_key(user)).unwrap();
        let renewed_at: i64 = row["renewed_at_ms"]["N"].as_str().unwrap().parse().unwrap();
        now_ms() - renewed_at < 3600 * 1000
    }

    /// Removes a session's row, as a revocation does.
    pub fn remove_session(&self, user: &User) {
        self.remove_row("SessionsTable", session_key(user));
    }

    /// A new, empty task of a user.
    pub async fn task_of(&self, user: &User) -> String {
        self.task_as(user, &Uuid::new_v4().simple().to_string()).await
    }

    /// A new, empty task of a user, with this id.
    pub async fn task_as(&self, user: &User, task_id: &str) -> String {
        self.put_row(
            "TasksTable",
            json!({
                "task_id": {"S": task_id},
                "owner_id": {"S": user.user_id},
                "title": {"S": "a task"},
                "created_at_ms": {"N": "$now_ms"},
                "images": {"L": []},
                "version": {"N": "1"}
            }),
        )
        .await;
        task_id.to_owned()
    }

    /// Puts a row, in DynamoDB's JSON, where there is none with its key.
    pub async fn put_row(&self, table: &str, row: Value) {
        self.seed(&json!({"rows": {table: [row]}, "objects": []}).to_string()).await;
    }

    /// Puts a file of `events/` into the bucket, where there is no such object.
    pub async fn put_object(&self, key: &str, file: &str) {
        let object = json!({"key": key, "file": file, "content_type": "image/jpeg"});
        self.seed(&json!({"rows": {}, "objects": [object]}).to_string()).await;
    }

    /// Puts these bytes into the bucket, in the place of what is there, and gives their `ETag`.
    pub async fn put_bytes(&self, key: &str, bytes: &[u8]) -> String {
        let file = std::env::temp_dir().join(Uuid::new_v4().simple().to_string());
        std::fs::write(&file, bytes).unwrap();
        self.put_object(key, file.to_str().unwrap()).await;
        std::fs::remove_file(file).unwrap();
        self.emulators.object(key).unwrap().etag
    }

    /// A row, in DynamoDB's JSON.
    pub fn row(&self, table: &str, key: Value) -> Option<Value> {
        let request = json!({"TableName": table, "Key": key, "ConsistentRead": true});
        let found = self.emulators.database().get_item(serde_json::from_value(request).unwrap()).unwrap();
        found.item.map(|item| serde_json::to_value(item).unwrap())
    }

    /// All rows of a table, in DynamoDB's JSON.
    pub fn rows(&self, table: &str) -> Vec<Value> {
        let request = json!({"TableName": table});
        let found = self.emulators.database().scan(serde_json::from_value(request).unwrap()).unwrap();
        let rows = serde_json::to_value(found.items).unwrap();
        rows.as_array().cloned().unwrap_or_default()
    }

    /// Puts a row, in DynamoDB's JSON, whatever is there with its key.
    pub fn replace_row(&self, table: &str, row: Value) {
        let request = json!({"TableName": table, "Item": row});
        self.emulators.database().put_item(serde_json::from_value(request).unwrap()).unwrap();
    }

    /// Removes a row.
    pub fn remove_row(&self, table: &str, key: Value) {
        let request = json!({"TableName": table, "Key": key});
        self.emulators.database().delete_item(serde_json::from_value(request).unwrap()).unwrap();
    }

    /// The names in a task's list, in order.
    pub fn listed(&self, task_id: &str) -> Vec<String> {
        let row = self.row("TasksTable", json!({"task_id": {"S": task_id}})).unwrap();
        row["images"]["L"].as_array().unwrap().iter().map(|name| name["S"].as_str().unwrap().to_owned()).collect()
    }

    /// Writes a task's list behind the product's back.
    pub fn set_list(&self, task_id: &str, names: &[String]) {
        let mut row = self.row("TasksTable", json!({"task_id": {"S": task_id}})).unwrap();
        row["images"]["L"] = names.iter().map(|name| json!({"S": name})).collect();
        self.replace_row("TasksTable", row);
    }

    /// The row of an image, by its name.
    pub fn image_row(&self, name: &str) -> Option<Value> {
        let stem = name.split('.').next().unwrap();
        self.row("ImagesTable", json!({"stem": {"S": stem}}))
    }

    /// The keys below `images/` that are not the seed set's.
    pub fn stored(&self) -> Vec<String> {
        let keys = self.emulators.objects();
        keys.into_iter().filter(|key| key.starts_with("images/") && !key.starts_with(SEEDED)).collect()
    }

    /// The rows of images that are not the seed set's.
    pub fn image_rows(&self) -> Vec<Value> {
        let is_seeded = |row: &Value| {
            let stem = row["stem"]["S"].as_str().unwrap();
            stem.starts_with("5eed") || stem == format!("avatar#{}", self.seeded_user().user_id)
        };
        self.rows("ImagesTable").into_iter().filter(|row| !is_seeded(row)).collect()
    }

    /// Changes the row of an image behind the product's back; takes a name or a stem.
    pub fn change_image_row(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut row = self.image_row(name).unwrap();
        change(&mut row);
        self.replace_row("ImagesTable", row);
    }

    /// Makes the row of an image that of a ticket: its picture comes straight to the bucket.
    pub fn make_ticket(&self, name: &str) {
        self.change_image_row(name, |row| {
            let key =
                format!("incoming/{}/{}", row["stem"]["S"].as_str().unwrap(), row["attempt"]["S"].as_str().unwrap());
            row["object_key"] = json!({"S": key});
        });
    }

    /// Gives the row of an image a placeholder and variants of these sizes, 32 × 24 pixels each. Puts no objects.
    pub fn put_variants(&self, name: &str, sizes: &[&str]) {
        self.change_image_row(name, |row| {
            let original = row["object_key"]["S"].as_str().unwrap();
            let (folder, _) = original.rsplit_once('/').unwrap();
            let mut variants = json!({"placeholder": {"B": "AQI="}});
            for size in sizes {
                let key = format!("{folder}/{size}.jpg");
                variants[size] = json!({"M": {"object_key": {"S": key}, "width": {"N": "32"}, "height": {"N": "24"}}});
            }
            row["variants"] = json!({"M": variants});
        });
    }

    /// Removes the row of an image, as its TTL does.
    pub fn remove_image_row(&self, stem: &str) {
        self.remove_row("ImagesTable", json!({"stem": {"S": stem}}));
    }

    /// Removes the rows whose TTL has passed at this time (seconds since 1970), and says how many there were.
    pub fn sweep_ttl(&self, now: i64) -> usize {
        self.emulators.sweep_ttl_at(now.try_into().unwrap()).unwrap()
    }

    /// What the stream of the images table has told since this was asked last, each record as an event of its own: to be
    /// handed to a function by the test, in whatever order and as often as it likes.
    pub fn take_changes(&self) -> Vec<Event> {
        let mut last = self.last_change.lock().unwrap();
        let mut events = Vec::new();
        loop {
            let records = self.emulators.changes("ImagesTable", last.as_deref(), 1000).unwrap();
            let Some(newest) = records.last() else { return events };
            *last = newest["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned);
            events.extend(records.into_iter().map(|record| Event::of_value(json!({ "Records": [record] }))));
        }
    }

    /// What S3 has told since this was asked last: the objects that were put, posted or copied, as events.
    pub fn take_created(&self) -> Vec<Event> {
        self.emulators.take_created().iter().map(|created| Event::of_value(created.event())).collect()
    }

    /// Runs a function until it is killed at the call that the wire was told; panics if it ends before.
    pub async fn killed<T: std::fmt::Debug>(&self, function: impl Future<Output = T>) {
        tokio::select! {
            answer = function => panic!("the function was to be killed, but answered {answer:?}"),
            () = self.wire.killed() => self.wire.heal(),
        }
    }

    /// Makes every call to DynamoDB fail.
    pub fn fail_dynamodb(&self, fault: Fault) {
        let operations = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"];
        let batches = ["BatchGetItem", "BatchWriteItem", "TransactWriteItems"];
        for operation in operations.iter().chain(&batches) {
            self.wire.fail_every(&format!("DynamoDB.{operation}"), fault);
        }
    }

    async fn seed(&self, seed: &str) {
        self.emulators.seed(seed, Path::new(EVENTS), now_ms()).await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests put rows around the present")]
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn random_session_id() -> String {
    URL_SAFE_NO_PAD.encode([Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat())
}

fn session_key(user: &User) -> Value {
    json!({"user_id": {"S": user.user_id}, "session_hash": {"S": session_hash(&user.session_id)}})
}

fn session_hash(session_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(session_id.as_bytes()))
}
