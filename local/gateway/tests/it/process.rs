//! The program itself: `make local`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::client::{delete, get, post, sign_in};

/// A started program, killed when the test ends.
struct Local {
    process: Child,
    addresses: Value,
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Local {
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.env_clear().env("LOCAL_PORT", "0").env("LOCAL_JSON", "1").env("LOCAL_DATA", data);
        command.env("LOCAL_PATIENCE", testkit::PATIENCE.to_string());
        command.envs(variables.iter().copied());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        Self { addresses: serde_json::from_str(&line).expect("JSON"), process }
    }

    fn gateway(&self) -> &str {
        self.address("gateway")
    }

    fn address(&self, service: &str) -> &str {
        self.addresses[service].as_str().expect("an address")
    }
}

#[tokio::test]
async fn one_line_tells_a_program_where_everything_is() {
    let data = tempfile::tempdir().expect("a directory");
    let local = Local::start(data.path());

    for service in ["gateway", "dynamodb", "s3", "secretsmanager", "wechat", "lambda"] {
        let address = local.addresses[service].as_str().expect(service);
        assert!(address.starts_with("http://127.0.0.1:"), "{service} {address}");
        let server = address.trim_start_matches("http://");
        assert!(tokio::net::TcpStream::connect(server).await.is_ok(), "{service} does not answer");
    }
    assert_eq!(local.addresses["data"], data.path().to_str().expect("a plain path"));
    assert!(local.addresses["env"]["SESSIONS_TABLE"].is_string());
}

#[tokio::test]
async fn a_killed_stack_has_lost_nothing_that_it_acknowledged() {
    let data = tempfile::tempdir().expect("a directory");
    let local = Local::start(data.path());
    let alice = sign_in(local.gateway(), "dev-alice-1").await;
    drop(local);

    let local = Local::start(data.path());

    assert_eq!(get(local.gateway(), "/session").from(&alice).send().await.status, 200);
}

#[tokio::test]
async fn what_a_killed_stack_had_not_delivered_is_delivered_by_the_next_one() {
    let data = tempfile::tempdir().expect("a directory");
    // A plain URL, which the next stack opens as well, on another port.
    let local = Local::start_with(data.path(), &[("IMAGE_DELIVERY", "public"), ("LOCAL_DELIVERIES", "0")]);
    let (base, s3) = (local.gateway(), local.address("s3"));
    let alice = sign_in(base, "dev-alice-1").await;
    let task = post(base, "/tasks").from(&alice).json(&json!({})).send().await.expect(201);
    let images = format!("/tasks/{}/images", task["task_id"].as_str().expect("a task id"));
    let photo = include_bytes!("../../../../events/photos/coffee.jpg");
    let image = post(base, &images).from(&alice).form(&[], photo).send().await.expect(201);
    let url = image["url"].as_str().expect("a URL").trim_start_matches(s3).to_owned();
    let removal = format!("{images}/{}", image["name"].as_str().expect("a name"));
    assert_eq!(delete(base, &removal).from(&alice).send().await.status, 204);
    assert_eq!(get(s3, &url).send().await.status, 200, "nobody was told yet");
    drop(local);

    let local = Local::start_with(data.path(), &[("IMAGE_DELIVERY", "public")]);

    // A stranger is not told that there is nothing.
    let is_gone = async || (get(local.address("s3"), &url).send().await.status == 403).then_some(());
    testkit::eventually("the object is gone", is_gone).await;
}

#[tokio::test]
async fn a_removal_that_was_killed_is_finished_after_the_next_start() {
    let data = tempfile::tempdir().expect("a directory");
    let local = Local::start_with(data.path(), &[("LOCAL_SCHEDULE_SECONDS", "86400")]);
    let base = local.gateway();
    let alice = sign_in(base, "dev-alice-1").await;
    let task = post(base, "/tasks").from(&alice).json(&json!({})).send().await.expect(201);
    let images = format!("/tasks/{}/images", task["task_id"].as_str().expect("a task id"));
    let photo = include_bytes!("../../../../events/photos/coffee.jpg");
    post(base, &images).from(&alice).form(&[], photo).send().await.expect(201);
    delete(base, "/me").from(&alice).json(&json!({"code": "dev-alice-2"})).send().await.expect(202);
    assert!(is_stored(&local, &alice.user_id).await, "nobody has swept yet");
    drop(local);

    let seconds = [("LOCAL_SCHEDULE_SECONDS", "1"), ("ACCOUNT_QUIET_SECONDS", "1")];
    let local = Local::start_with(data.path(), &seconds);

    testkit::eventually("nothing is left", async || (!is_stored(&local, &alice.user_id).await).then_some(())).await;
}

/// Whether a row of any table names a user.
async fn is_stored(local: &Local, user_id: &str) -> bool {
    for table in ["UsersTable", "SessionsTable", "TasksTable", "ImagesTable"] {
        let scan = post(local.address("dynamodb"), "/").header("x-amz-target", "DynamoDB_20120810.Scan");
        // The signature is never verified.
        let signed =
            "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x";
        let scan = scan.header("authorization", signed).header("x-amz-date", "20260101T000000Z");
        let rows = scan.body("application/x-amz-json-1.0", json!({ "TableName": table }).to_string()).send().await;
        assert_eq!(rows.status, 200, "{}", rows.text());
        if rows.text().contains(user_id) {
            return true;
        }
    }
    false
}

#[test]
fn ctrl_c_ends_it_cleanly_as_soon_as_it_has_said_where_it_is() {
    let data = tempfile::tempdir().expect("a directory");
    let mut local = Local::start(data.path());

    let process = local.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().expect("kill").success());

    assert!(local.process.wait().expect("an end").success());
}

#[test]
fn a_taken_port_is_answered_with_the_variable_that_chooses_others() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    // The gateway's own, and that of an emulator after it.
    for gateway in [port, port - 1] {
        let output = program().env("LOCAL_PORT", gateway.to_string()).output().expect("the program");

        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && complaint.contains("LOCAL_PORT=9000"), "{complaint}");
    }
}

#[test]
fn a_mistyped_variable_is_worth_a_word_and_the_invoke_line_names_the_port() {
    let mut command = program();
    command.env("LOCAL_PORT", "0").env("LOCAL_PROT", "9000").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the program");
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let lambda = lines.find_map(|line| Some(line.trim().strip_prefix("Lambda Invoke")?.trim().to_owned()));
    let invoke = lines.find(|line| line.contains("make invoke"));
    process.kill().expect("a running program");
    let output = process.wait_with_output().expect("its output");

    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("LOCAL_PROT is no variable"), "{complaint}");
    let (lambda, invoke) = (lambda.expect("an address"), invoke.expect("a line"));
    assert!(invoke.contains(&format!("INVOKE_URL={lambda} ")), "{invoke} does not lead to {lambda}");
}

#[test]
fn a_stack_that_cannot_start_says_why_and_fails() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let output =
        command.env_clear().env("LOCAL_HOST", "my-laptop").env("LOCAL_PORT", "-1").output().expect("the program");

    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(complaint.contains("LOCAL_HOST") && complaint.contains("LOCAL_PORT"), "{complaint}");
}

/// The program, without anything of this process's environment, and with nothing kept.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.env_clear().env("LOCAL_DATA", ":memory:");
    command
}
