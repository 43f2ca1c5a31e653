use jiff::SignedDuration;
use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Answer, Capture, Event, Fault, Stack, User, event, fetch};

use super::*;

mod avatar;
mod cloudfront;
mod faults;
mod names;
mod newer;
mod redirect;
mod resolve;
mod variants;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

const IMAGE: &str = "5eed0000000040008000000000000001.jpg";
const USER: &str = "5e550000-0000-4000-8000-00000000a11c";

async fn app_of(stack: &Stack, changes: &[(&str, &str)]) -> App {
    let config = config::from_lookup(&stack.lookup("image-redirect", changes), Config::read).unwrap();
    App::new(config, stack.http(), PATIENCE)
}

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let app = app_of(&stack, changes).await;
    (stack, app)
}

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

async fn send(app: &App, event: Event) -> Answer {
    send_at(app, event, clock::now()).await
}

async fn send_at(app: &App, event: Event, now: Timestamp) -> Answer {
    let response = web::answer(event.request(), now, PATIENCE.deadline, |request, now| handle(app, request, now)).await;
    if let Ok(response) = &response {
        let is_redirect = response.status() == 302;
        assert_eq!(response.headers().get_all("location").iter().count(), usize::from(is_redirect));
        assert!(!is_redirect || response.body().is_empty(), "a redirect carries no bytes");
    }
    Answer::of(response)
}

/// So many seconds into a window of URLs that live for an hour.
fn into_window(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// Two processes give the seeded image the same URL within a window and another one before and after it. Gives that URL.
async fn assert_same_url_within_a_window(app: &App, other: &App) -> String {
    let url = async |app: &App, seconds| {
        send_at(app, event!("image-redirect/image"), into_window(seconds)).await.header("location").to_owned()
    };
    let first = url(app, 0).await;
    assert_eq!(url(app, 1799).await, first);
    assert_eq!(url(other, 900).await, first);
    assert_ne!(url(app, 1800).await, first);
    assert_ne!(url(app, -1).await, first);
    first
}

fn image_called(name: &str) -> Event {
    event!("image-redirect/image").parameter("name", name)
}

/// Puts an image's row in this state, with the name of the n-th image of a test.
async fn put_image(stack: &Stack, n: usize, state: &str) -> String {
    put_image_of(&stack.signed_in().await, stack, n, state).await
}

async fn put_image_of(owner: &User, stack: &Stack, n: usize, state: &str) -> String {
    let stem = format!("{n:032x}");
    let row = json!({
        "stem": {"S": stem},
        "extension": {"S": "jpg"},
        "state": {"S": state},
        "owner_id": {"S": owner.user_id},
        "target": {"S": "task#a-task"},
        "content_hash": {"S": "hash"},
        "attempt": {"S": "attempt"},
        "object_key": {"S": format!("images/{stem}/attempt/original.jpg")},
        "touched_at": {"N": "$now"},
    });
    stack.put_row("ImagesTable", row).await;
    format!("{stem}.jpg")
}

/// Where the bucket's objects lie under `kind`, with the slash behind the bucket.
fn in_bucket(stack: &Stack, key: &str) -> String {
    format!("{}/{}/{key}?", stack.emulators().s3_url(), stack.emulators().bucket().unwrap())
}

/// A redirect to this default image, kept for a minute at most.
#[track_caller]
fn assert_default(stack: &Stack, answer: &Answer, kind: &str) {
    assert_eq!(answer.status(), 302, "{}", answer.text());
    let location = answer.header("location");
    assert!(location.starts_with(&in_bucket(stack, &format!("defaults/{kind}"))), "{location}");
    let kept: u32 = answer.header("cache-control").strip_prefix("max-age=").unwrap().parse().unwrap();
    assert!(kept <= 60, "{kept}");
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let Err(problems) = config::from_lookup(&|_| None, Config::read) else {
        panic!("an empty environment was accepted")
    };
    let names: Vec<_> = problems.0.iter().filter_map(|problem| problem.split(' ').next()).collect();
    assert_eq!(
        names,
        ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SESSIONS_TABLE", "IMAGES_TABLE", "IMAGES_BUCKET"]
    );
}
