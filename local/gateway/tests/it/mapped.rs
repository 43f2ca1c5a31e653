//! Routes behind a base path of a domain and in a named stage: API Gateway leaves both in the paths of the event, while the
//! route's key and the path's variables stay what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use emulators::template::Template;
use serde_json::Value;

use crate::client::post;
use crate::events::{events, route_key};
use crate::start;
use crate::workspace::text;

#[tokio::test]
async fn every_route_works_behind_a_base_path_and_in_a_named_stage() {
    let plain = answers("", "$default").await;
    assert_eq!(routes_that_worked(&plain), routes_of_the_template());

    assert_eq!(answers("/mini", "$default").await, plain);
    assert_eq!(answers("/prod", "prod").await, plain);
    assert_eq!(answers("/shop/mini", "prod").await, plain);
}

/// What a function answers to an event file, as far as it is the same on every stack.
#[derive(Debug, PartialEq)]
struct Answered {
    route: String,
    status: Value,
    error: Value,
    shown: String,
}

/// The answers to every event of an HTTP API, with `prefix` before its paths, from stacks of their own.
async fn answers(prefix: &str, stage: &str) -> BTreeMap<String, Answered> {
    // Sessions are ended last, and whoever leaves has had none before.
    let (leaves, others): (Vec<_>, Vec<_>) =
        events().into_iter().partition(|(function, ..)| function == "account-remove");
    let (ends, mut others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(function, ..)| function == "session-revoke");
    others.extend(ends);
    let mut answers = answers_to(others, prefix, stage).await;
    answers.extend(answers_to(leaves, prefix, stage).await);
    answers
}

async fn answers_to(events: Vec<(String, String, PathBuf)>, prefix: &str, stage: &str) -> BTreeMap<String, Answered> {
    let stack = start().await;
    let mut answers = BTreeMap::new();
    for (function, case, path) in events {
        let mut event: Value = serde_json::from_str(&text(path)).expect("JSON");
        if event["requestContext"]["http"].is_null() || function == "session-authorizer" {
            continue;
        }
        let mapped = format!("{prefix}{}", event["rawPath"].as_str().expect("a path"));
        event["rawPath"] = mapped.clone().into();
        event["requestContext"]["http"]["path"] = mapped.into();
        event["requestContext"]["stage"] = stage.into();
        let target = format!("/2015-03-31/functions/{function}/invocations");
        let answer = post(&stack.addresses().lambda, &target).json(&event).send().await.expect(200);
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        let location = answer["headers"]["location"].as_str().unwrap_or_default();
        let answered = Answered {
            route: event["routeKey"].as_str().expect("a route").to_owned(),
            status: answer["statusCode"].clone(),
            error: body["error"].clone(),
            shown: location.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default().to_owned(),
        };
        answers.insert(format!("{function}/{case}"), answered);
    }
    stack.stop().await;
    answers
}

fn routes_that_worked(answers: &BTreeMap<String, Answered>) -> BTreeSet<String> {
    let worked = |answered: &&Answered| answered.error.is_null() || answered.route == "$default";
    answers.values().filter(worked).map(|answered| answered.route.clone()).collect()
}

fn routes_of_the_template() -> BTreeSet<String> {
    let template = Template::parse(&text("template.yaml")).expect("our own template");
    template.functions.iter().flat_map(|function| function.routes.iter().map(route_key)).collect()
}
