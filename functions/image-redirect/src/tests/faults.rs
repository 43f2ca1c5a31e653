use std::time::Duration;

use super::*;

fn every_read_route() -> [Event; 7] {
    [
        event!("image-redirect/image"),
        event!("image-redirect/seed-route"),
        event!("image-redirect/missing"),
        event!("image-redirect/head"),
        event!("image-redirect/avatar"),
        event!("image-redirect/avatar-unknown"),
        event!("image-redirect/resolve"),
    ]
}

#[tokio::test]
async fn while_dynamodb_fails_every_route_is_busy_and_never_a_default_image() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied] {
        stack.fail_dynamodb(fault);
        for route in every_read_route() {
            let answer = send(&app, route.clone()).await;
            assert_eq!((answer.status(), answer.header("location")), (503, ""), "{route:?}");
            assert_eq!((answer.header("retry-after"), answer.header("cache-control")), ("2", "no-store"));
        }
        stack.wire().heal();
    }
    for route in every_read_route() {
        assert!(send(&app, route).await.status() < 400);
    }
}

#[tokio::test]
async fn a_malformed_name_needs_no_table() {
    let (stack, app) = start().await;
    stack.fail_dynamodb(Fault::Refused);
    assert_default(&stack, &send(&app, event!("image-redirect/malformed-name")).await, "missing");
}

#[tokio::test]
async fn a_silent_table_is_answered_as_busy() {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("image-redirect", &[]), Config::read).unwrap();
    let app = App::new(config, stack.http(), Patience { operation: Duration::from_millis(50), ..PATIENCE });
    stack.fail_dynamodb(Fault::Silent);
    let (image, resolved) =
        tokio::join!(send(&app, event!("image-redirect/image")), send(&app, event!("image-redirect/resolve")));
    image.assert_refused(503, "busy");
    resolved.assert_refused(503, "busy");
}

#[tokio::test]
async fn one_failed_call_is_absorbed() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError] {
        for route in every_read_route() {
            for nth in 1..=2 {
                stack.wire().fail_call(nth, fault);
                assert!(send(&app, route.clone()).await.status() < 400, "{fault:?} {nth} {route:?}");
                stack.wire().heal();
            }
        }
    }
}

#[tokio::test]
async fn keys_that_dynamodb_left_are_asked_for_again_and_half_of_an_answer_is_none() {
    let (stack, app) = start().await;
    let expected = send(&app, event!("image-redirect/resolve")).await.redacted();
    for nth in 1..=3 {
        stack.wire().fail_nth("DynamoDB.BatchGetItem", nth, Fault::Unprocessed);
    }
    assert_eq!(send(&app, event!("image-redirect/resolve")).await.redacted(), expected);

    stack.wire().heal();
    stack.wire().fail_every("DynamoDB.BatchGetItem", Fault::Unprocessed);
    send(&app, event!("image-redirect/resolve")).await.assert_refused(503, "busy");
}

#[tokio::test]
async fn while_only_the_batch_fails_redirects_work() {
    let (stack, app) = start().await;
    for fault in [Fault::Throttled, Fault::AccessDenied] {
        stack.wire().fail_every("DynamoDB.BatchGetItem", fault);
        send(&app, event!("image-redirect/resolve")).await.assert_refused(503, "busy");
        assert_eq!(send(&app, event!("image-redirect/image")).await.status(), 302);
        stack.wire().heal();
    }
}

#[tokio::test]
async fn while_s3_fails_redirects_work() {
    let (stack, app) = start().await;
    for operation in ["S3.GetObject", "S3.HeadObject", "HTTP.GET"] {
        stack.wire().fail_every(operation, Fault::ServerError);
    }
    for route in every_read_route() {
        assert!(send(&app, route).await.status() < 400);
    }
}

#[tokio::test]
async fn logs_hold_no_session_no_name_and_no_signature() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    for route in every_read_route() {
        send(&app, route).await;
    }
    send(&app, event!("image-redirect/malformed-name")).await;
    stack.fail_dynamodb(Fault::ServerError);
    for route in every_read_route() {
        send(&app, route).await;
    }

    let log = log.text();
    assert_eq!(log.lines().filter(|line| line.contains(r#""http.status""#)).count(), 15, "{log}");
    let session_id = stack.seeded_user().session_id;
    for secret in [&session_id, "5eed0000000040008000000000000001", "X-Amz-", "..%2f", "no image name"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
