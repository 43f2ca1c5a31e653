//! What was acknowledged is there after `kill -9`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use emulators::{Data, Emulators, Options};
use serde_json::json;

use crate::clients::{BUCKET, resources, start_with};

/// The emulators in a process of their own, on the directory that it is started in.
#[test]
#[ignore = "the other process of the test below"]
fn serve_until_killed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = Options { data: Data::Directory(".".into()), ..Options::default() };
        let emulators = start_with(options).await;
        println!("\nserving {} {}", emulators.dynamodb_url(), emulators.s3_url());
        std::future::pending::<()>().await;
    });
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL on Unix: nothing is flushed, nothing is closed.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts the process and returns it with the addresses of its DynamoDB and S3.
fn spawn(directory: &std::path::Path) -> (Killed, String, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "durability::serve_until_killed"])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).find(|line| line.starts_with("serving ")).unwrap();
    let mut words = ready.split(' ').skip(1).map(str::to_owned);
    (Killed(child), words.next().unwrap(), words.next().unwrap())
}

#[tokio::test]
async fn acknowledged_rows_and_objects_outlive_a_killed_process() {
    let directory = tempfile::tempdir().unwrap();
    let (process, dynamodb, s3) = spawn(directory.path());
    let dynamodb = crate::clients::dynamodb_at(&dynamodb);
    let s3 = crate::clients::s3_at(&s3);
    for number in 0..20 {
        let id = aws_sdk_dynamodb::types::AttributeValue::S(format!("t{number:02}"));
        let row = dynamodb.put_item().table_name("TasksTable").item("task_id", id).send();
        let object = s3.put_object().bucket(BUCKET).key(format!("images/{number:02}")).content_type("image/jpeg");
        let object = object.body(vec![number; 100_000].into()).send();
        let (row, object) = tokio::join!(row, object);
        row.unwrap();
        object.unwrap();
    }

    drop(process);

    let data = Data::Directory(directory.path().to_owned());
    let emulators = Emulators::start(Options { data, ..Options::default() }).await.unwrap();
    emulators.create_resources(&resources()).await.unwrap();
    let scan = serde_json::from_value(json!({ "TableName": "TasksTable" })).unwrap();
    assert_eq!(emulators.database().scan(scan).unwrap().count, 20);
    assert_eq!(emulators.objects().len(), 20);
    assert_eq!(emulators.take_created().len(), 20, "whoever is told of new objects is told again");
    assert_eq!(emulators.changes("TasksTable", None, 100).unwrap().len(), 20);
    let last = emulators.object("images/19").unwrap();
    assert_eq!((last.bytes.to_vec(), last.content_type.as_deref()), (vec![19; 100_000], Some("image/jpeg")));
}

#[tokio::test]
async fn what_an_interrupted_write_left_is_no_object_and_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { data: Data::Directory(directory.path().to_owned()), ..Options::default() };
    drop(start_with(options.clone()).await);
    let left = directory.path().join("s3/temporary/7");
    std::fs::write(&left, b"half an obj").unwrap();

    let emulators = start_with(options).await;

    assert!(emulators.objects().is_empty());
    assert!(!left.exists());
}
