use std::path::Path;

use emulators::{Emulators, Options, SeedError};
use serde_json::{Value, json};

use crate::clients::{resources, start};

const NOW_MS: i64 = 1_800_000_000_123;

fn seed() -> Value {
    json!({
        "rows": {
            "SessionsTable": [{
                "user_id": { "S": "alice" },
                "session_hash": { "S": "h" },
                "used_at": { "N": "$now_ms" },
                "expires_at": { "N": "$in_15_days" },
            }],
            "TasksTable": [{ "task_id": { "S": "t" }, "created_at": { "N": "$now" }, "title": { "S": "$now" } }],
        },
        "objects": [{ "key": "defaults/missing", "file": "missing.bin", "content_type": "image/png" }],
    })
}

fn files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("missing.bin"), b"picture").unwrap();
    directory
}

fn row(emulators: &Emulators, table: &str, key: Value) -> Value {
    let request = json!({ "TableName": table, "Key": key });
    let found = emulators.database().get_item(serde_json::from_value(request).unwrap()).unwrap();
    serde_json::to_value(found.item).unwrap()
}

fn task(emulators: &Emulators) -> Value {
    row(emulators, "TasksTable", json!({ "task_id": { "S": "t" } }))
}

fn session(emulators: &Emulators) -> Value {
    row(emulators, "SessionsTable", json!({ "user_id": { "S": "alice" }, "session_hash": { "S": "h" } }))
}

#[tokio::test]
async fn a_seed_set_becomes_rows_with_times_and_objects_from_files() {
    let emulators = start().await;
    let files = files();

    emulators.seed(&seed().to_string(), files.path(), NOW_MS).await.unwrap();

    assert_eq!(session(&emulators)["used_at"]["N"], "1800000000123");
    assert_eq!(session(&emulators)["expires_at"]["N"], "1801296000");
    assert_eq!(task(&emulators)["created_at"]["N"], "1800000000");
    assert_eq!(task(&emulators)["title"]["S"], "$now", "only numbers are filled in");
    let object = emulators.object("defaults/missing").unwrap();
    assert_eq!((&*object.bytes, object.content_type.as_deref()), (&b"picture"[..], Some("image/png")));
}

#[tokio::test]
async fn seeding_again_freshens_sessions_and_leaves_other_rows_alone() {
    let emulators = start().await;
    let files = files();
    emulators.seed(&seed().to_string(), files.path(), NOW_MS).await.unwrap();

    emulators.seed(&seed().to_string(), files.path(), NOW_MS + 5000).await.unwrap();

    assert_eq!(session(&emulators)["used_at"]["N"], "1800000005123");
    assert_eq!(task(&emulators)["created_at"]["N"], "1800000000");
}

#[tokio::test]
async fn a_changed_file_replaces_its_object() {
    let emulators = start().await;
    let files = files();
    emulators.seed(&seed().to_string(), files.path(), NOW_MS).await.unwrap();
    std::fs::write(files.path().join("missing.bin"), b"another").unwrap();

    emulators.seed(&seed().to_string(), files.path(), NOW_MS).await.unwrap();

    assert_eq!(&*emulators.object("defaults/missing").unwrap().bytes, b"another");
}

#[tokio::test]
async fn a_seed_set_with_a_fault_says_which() {
    let emulators = start().await;
    let seed = async |seed: Value| emulators.seed(&seed.to_string(), Path::new("."), NOW_MS).await.unwrap_err();

    let unknown_field = seed(json!({ "row": {} })).await;
    let unknown_table = seed(json!({ "rows": { "NowhereTable": [{ "id": { "S": "x" } }] } })).await;
    let no_file = seed(json!({ "objects": [{ "key": "k", "file": "nowhere.jpg", "content_type": "t" }] })).await;

    assert!(matches!(unknown_field, SeedError::Malformed(_)), "{unknown_field:?}");
    assert!(matches!(&unknown_table, SeedError::Row { table, .. } if table == "NowhereTable"), "{unknown_table:?}");
    assert!(matches!(&no_file, SeedError::File { path, .. } if path.ends_with("nowhere.jpg")), "{no_file:?}");
}

#[tokio::test]
async fn objects_need_the_bucket_first() {
    let emulators = Emulators::start(Options::default()).await.unwrap();

    let error = emulators.seed(r#"{"objects":[]}"#, Path::new("."), NOW_MS).await.unwrap_err();

    assert!(matches!(error, SeedError::NoBucket), "{error:?}");
    emulators.create_resources(&resources()).await.unwrap();
    emulators.seed(r#"{"objects":[]}"#, Path::new("."), NOW_MS).await.unwrap();
}
