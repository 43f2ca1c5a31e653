//! The program itself: `make local`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use std::io::{BufRead, BufReader};

use crate::client::{get, sign_in};

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
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.env_clear().env("LOCAL_PORT", "0").env("LOCAL_JSON", "1").env("LOCAL_DATA", data);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        Self { addresses: serde_json::from_str(&line).expect("JSON"), process }
    }

    fn gateway(&self) -> &str {
        self.addresses["gateway"].as_str().expect("an address")
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
async fn ctrl_c_ends_it_cleanly() {
    let data = tempfile::tempdir().expect("a directory");
    let mut local = Local::start(data.path());
    get(local.gateway(), "/session").send().await.assert_refused(401, "session_invalid");

    let process = local.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().expect("kill").success());

    assert!(local.process.wait().expect("an end").success());
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
