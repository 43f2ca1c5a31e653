//! The story of the README, typed in word for word.

use std::io::Write;
use std::process::Command;

use crate::start;
use crate::workspace::{root, text};

#[test]
fn both_readmes_have_the_same_commands() {
    let without_comments = |commands: String| {
        commands.lines().map(|line| line.split("  #").next().map(str::trim_end).map(str::to_owned)).collect::<Vec<_>>()
    };

    assert_eq!(without_comments(commands("README.md")), without_comments(commands("README.zh-CN.md")));
}

#[tokio::test]
async fn the_story_can_be_followed() {
    if !knows_json("curl") {
        let _ = writeln!(std::io::stderr(), "left out: there is no curl that knows --json to follow the README with");
        return;
    }
    let stack = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let story = commands("README.md")
        .replace("http://127.0.0.1:8787", &stack.addresses().gateway)
        .replace("target/", &format!("{}/", folder.path().display()));

    let shell = move || Command::new("sh").arg("-c").arg(story).current_dir(root()).output().expect("a shell");
    let output = tokio::task::spawn_blocking(shell).await.expect("an end");

    let told = String::from_utf8_lossy(&output.stdout);
    for expected in [
        r#""is_new_user":true"#,
        r#""state":"ready","content_type":"image/jpeg","bytes":15024,"width":240,"height":320"#,
        "events/photos/coffee.jpg:1\n",
        "shown.jpg:0\n",
        r#""error":"session_invalid""#,
    ] {
        assert!(told.contains(expected), "no {expected} in {told}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What the section after the first heading tells to type.
fn commands(readme: &str) -> String {
    let text = text(readme);
    let section = text.split("\n## ").nth(1).expect("a section");
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect()
}

fn knows_json(curl: &str) -> bool {
    let help = Command::new(curl).args(["--help", "http"]).output();
    help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--json"))
}
