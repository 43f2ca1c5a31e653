//! The story of the README, typed in word for word.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use crate::start;
use crate::workspace::{root, text};

/// Whoever reads the README has one of these.
const SHELLS: [&str; 3] = ["sh", "bash", "zsh"];

#[test]
fn both_readmes_have_the_same_commands() {
    assert_eq!(story("README.md"), story("README.zh-CN.md"));
}

/// zsh takes a `#` behind a command that is typed for an argument.
#[test]
fn no_command_of_the_story_has_a_comment_behind_it() {
    for page in ["README.md", "README.zh-CN.md"] {
        assert!(story(page).lines().all(|line| !line.contains('#')), "{page}");
    }
}

#[tokio::test]
async fn the_story_can_be_followed_twice_in_every_shell() {
    let stack = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    for shell in SHELLS {
        for _ in 0..2 {
            // The story's code has the time in it, in seconds, and is good once.
            tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            let Some(output) = told(shell, &stack.addresses().gateway, folder.path()).await else { continue };

            let said = String::from_utf8_lossy(&output.stdout);
            for expected in [
                r#""user_id":""#,
                r#""state":"ready","content_type":"image/jpeg","bytes":15024,"width":240,"height":320"#,
                "events/photos/coffee.jpg:1\n",
                "shown.jpg:0\n",
                r#""error":"session_invalid""#,
            ] {
                let complaints = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains(expected), "{shell}: no {expected} in {said}\n{complaints}");
            }
        }
    }
}

#[tokio::test]
async fn the_story_stops_with_the_reason() {
    let stack = start().await;
    let wrong = format!("{}/no-such-path", stack.addresses().gateway);
    let folder = tempfile::tempdir().expect("a folder");
    for shell in SHELLS {
        for (api, reason) in [("http://127.0.0.1:1", "127.0.0.1"), (&wrong, r#"no session_id in: {"errcode":404"#)] {
            let Some(output) = told(shell, api, folder.path()).await else { continue };

            let complaints = String::from_utf8_lossy(&output.stderr);
            assert!(complaints.contains(reason), "{shell}: {complaints}");
            assert!(!output.status.success(), "{shell} went on: {}", String::from_utf8_lossy(&output.stdout));
            assert!(!folder.path().join("shown.jpg").exists(), "{shell} went on: {complaints}");
        }
    }
}

/// What a shell says to the story; nothing where this machine lacks it, or curl.
async fn told(shell: &'static str, api: &str, folder: &Path) -> Option<Output> {
    for program in [shell, "curl"] {
        if Command::new(program).args(["-c", ":"]).output().is_err() {
            let _ = writeln!(std::io::stderr(), "left out: there is no {program} to follow the README in {shell} with");
            return None;
        }
    }
    let story =
        story("README.md").replace("http://127.0.0.1:8787", api).replace("target/", &format!("{}/", folder.display()));
    let follow = move || Command::new(shell).args(["-c", &story]).current_dir(root()).output().expect("a shell");
    Some(tokio::task::spawn_blocking(follow).await.expect("an end"))
}

/// What the section after the first heading tells to type.
fn story(readme: &str) -> String {
    let text = text(readme);
    let section = text.split("\n## ").nth(1).expect("a section");
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect()
}
