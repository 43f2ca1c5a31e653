//! What the gateway does before and around the functions.

use std::collections::BTreeSet;

use emulators::template::Template;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Request, get, post};
use crate::start;
use crate::workspace::text;

#[tokio::test]
async fn too_large_a_body_is_the_gateways_own_413() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let over_ten_mb = post(base, "/session").body("application/json", vec![b' '; 10 * 1024 * 1024 + 1]);
    let over_lambdas_six =
        post(base, "/task/postImage").body("multipart/form-data; boundary=x", vec![b' '; 5 * 1024 * 1024]);

    over_ten_mb.send().await.assert_gateways_own(413, "Request Entity Too Large");
    over_lambdas_six.send().await.assert_gateways_own(413, "Request Entity Too Large");
}

/// API Gateway sends preflights to `ANY` routes by several reports, so every path of the template has to answer them.
#[tokio::test]
async fn every_path_answers_a_preflight() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    let template = Template::parse(&text("template.yaml")).expect("our own template");
    let routes = template.functions.into_iter().flat_map(|function| function.routes);
    let paths: BTreeSet<_> = routes.filter(|route| route.path != "$default").map(|route| route.path).collect();
    assert!(paths.contains("/session"), "{paths:?}");

    for path in paths {
        let path = path.replace(['{', '}'], "");
        let answer = Request::new("OPTIONS", base, &path).header("origin", "https://app.example.com").send().await;
        assert_eq!((answer.status, answer.body.is_empty()), (204, true), "{path}");
        assert!(!answer.header("allow").is_empty(), "{path}");
    }
    assert_eq!(Request::new("OPTIONS", base, "/no-such-route").send().await.status, 204);
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let answer = get(base, "/session").header("x-long", &"x".repeat(10_240)).send().await;

    answer.assert_gateways_own(431, "Request Header Fields Too Large");
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_comes() {
    let stack = start().await;
    let server = stack.addresses().gateway.strip_prefix("http://").expect("an http address").to_owned();
    let mut client = TcpStream::connect(server).await.expect("a connection");
    let head = b"POST /task/postImage HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n";
    client.write_all(head).await.expect("a head");

    let mut status = [0; 12];
    let read = tokio::time::timeout(testkit::LONG, client.read_exact(&mut status)).await;

    read.expect("an answer without the body").expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_client_that_stalls_holds_up_nobody() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    let server = base.strip_prefix("http://").expect("an http address");
    let mut half_a_head = TcpStream::connect(server).await.expect("a connection");
    half_a_head.write_all(b"POST /session HTT").await.expect("half a head");
    let mut half_a_body = TcpStream::connect(server).await.expect("a connection");
    half_a_body
        .write_all(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        .await
        .expect("half a body");

    let login = post(base, "/session").json(&json!({ "code": "dev-alice-1" })).send();
    let answer = tokio::time::timeout(testkit::LONG, login).await.expect("an answer in time");

    assert_eq!(answer.status, 201);
}
