//! What the caller of the stack may change.

use std::net::TcpListener;

use gateway::settings::Settings;
use gateway::stack::{Stack, StartError};

use crate::client::{fetch, get, post};
use crate::{settings, start, start_with};

#[tokio::test]
async fn another_servers_address_wins_over_the_stacks_own() {
    let stack = start_with(&[("WECHAT_API_BASE", "http://127.0.0.1:9")]).await.expect("a stack");
    let addresses = stack.addresses();

    let login = post(&addresses.gateway, "/session").json(&serde_json::json!({ "code": "dev-alice-1" })).send().await;

    login.assert_refused(503, "wechat_unavailable");
    assert_eq!(addresses.env["WECHAT_API_BASE"], "http://127.0.0.1:9");
    assert_ne!(addresses.wechat, "http://127.0.0.1:9", "its own is still there, to be put behind a proxy");
}

#[tokio::test]
async fn a_rule_that_the_caller_gives_wins_over_the_template() {
    let stack = start_with(&[("MAX_IMAGE_BYTES", "1000")]).await.expect("a stack");
    let base = stack.addresses().gateway.as_str();
    let alice = crate::client::sign_in(base, "dev-alice-1").await;

    let upload = post(base, "/me/avatar").from(&alice).form(&[], &[0xff; 1001]);

    upload.send().await.assert_refused(413, "image_too_large");
}

#[tokio::test]
async fn keys_and_app_id_of_the_caller_are_those_of_the_whole_stack() {
    let stack = start_with(&[
        ("AWS_ACCESS_KEY_ID", "AKIDOFMYLAPTOP"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
        ("WECHAT_APPID", "wxmine"),
    ])
    .await
    .expect("a stack");
    let base = stack.addresses().gateway.as_str();
    let alice = crate::client::sign_in(base, "dev-alice-1").await;

    let avatar = include_bytes!("../../../../events/photos/avatar.png");
    let image = post(base, "/me/avatar").from(&alice).form(&[], avatar).send().await.expect(201);

    let url = image["url"].as_str().expect("a URL");
    assert!(url.contains("AKIDOFMYLAPTOP"), "{url}");
    assert_eq!(fetch(url).await.status, 200);
}

#[tokio::test]
async fn plain_urls_are_readable_where_they_are_asked_for() {
    let stack = start_with(&[("IMAGE_DELIVERY", "public")]).await.expect("a stack");

    let redirect = get(&stack.addresses().gateway, "/images/5eed0000000040008000000000000001.jpg").send().await;

    assert!(!redirect.location().contains('?'), "{redirect:?}");
    assert_eq!(fetch(redirect.location()).await.status, 200);
}

#[tokio::test]
async fn every_fault_of_the_callers_variables_is_told_at_once() {
    let refused = start_with(&[("SESSION_IDLE_SECONDS", "soon"), ("IMAGE_DELIVERY", "pigeon")]).await;

    let Err(StartError::Configuration(problems)) = refused else { panic!("must be refused") };
    let faults = problems.0.join("\n");
    assert_eq!(problems.0.len(), 2, "{faults}");
    assert!(faults.contains("SESSION_IDLE_SECONDS") && faults.contains("IMAGE_DELIVERY"), "{faults}");
}

#[tokio::test]
async fn the_variables_that_are_printed_are_all_that_a_function_needs() {
    let stack = start().await;
    let env = &stack.addresses().env;
    let lookup = |name: &str| env.get(name).cloned();

    assert!(platform::config::from_lookup(&lookup, session_login::Config::read).is_ok());
    assert!(platform::config::from_lookup(&lookup, task_image_upload::Config::read).is_ok());
    assert_eq!(env["AWS_ENDPOINT_URL_S3"], stack.addresses().s3);
    assert_eq!(env["IMAGES_BUCKET"], "images-bucket");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let settings = Settings { port, ..settings() };

    let refused = Stack::start(&settings, &|_| None).await.err().expect("must be refused").to_string();

    assert!(refused.contains(&port.to_string()), "{refused}");
}
