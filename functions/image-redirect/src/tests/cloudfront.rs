//! Delivery `cloudfront`. The local S3 verifies these URLs as CloudFront does.

use testkit::{CLOUDFRONT_KEY, CLOUDFRONT_SECRET_NAME};

use super::*;

const BASE: &str = "https://img.example.com";

fn cloudfront(base: &str) -> [(&str, &str); 2] {
    [("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", base)]
}

/// URLs below the local S3, which opens them.
async fn start_open() -> (Stack, App) {
    let stack = Stack::start().await;
    let base = format!("{}/{}", stack.emulators().s3_url(), stack.emulators().bucket().unwrap());
    let app = app_of(&stack, &cloudfront(&base)).await;
    (stack, app)
}

fn secret_reads(stack: &Stack) -> usize {
    stack.wire().operations().iter().filter(|operation| *operation == "SecretsManager.GetSecretValue").count()
}

#[tokio::test]
async fn every_picture_is_a_signed_url_of_the_distribution() {
    let (_stack, app) = start_with(&cloudfront(BASE)).await;
    let key = "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a01/original.jpg";

    let image = send_at(&app, event!("image-redirect/image"), into_window(600)).await;

    let signed = image.header("location").strip_prefix(&format!("{BASE}/{key}?Expires=1767229200&Signature=")).unwrap();
    assert!(signed.ends_with("&Key-Pair-Id=KLOCALSTACK&Hash-Algorithm=SHA256"), "{signed}");
    assert_eq!(image.header("cache-control"), "max-age=2940");
    for (event, key) in [
        (event!("image-redirect/missing"), "defaults/missing"),
        (event!("image-redirect/avatar"), "images/"),
        (event!("image-redirect/avatar-unknown"), "defaults/avatar"),
    ] {
        let location = send(&app, event).await.header("location").to_owned();
        assert!(location.starts_with(&format!("{BASE}/{key}")) && location.contains("&Signature="), "{location}");
    }
}

#[tokio::test]
async fn the_url_opens_one_object_for_reading_and_for_its_time_only() {
    let (_stack, app) = start_open().await;
    let url = send(&app, event!("image-redirect/image")).await.header("location").to_owned();
    let old = clock::now() - SignedDuration::from_hours(2);
    let expired = send_at(&app, event!("image-redirect/image"), old).await.header("location").to_owned();

    let photo = fetch("GET", &url).await;

    assert_eq!((photo.status, photo.content_type.as_str()), (200, "image/jpeg"));
    assert!(photo.bytes == include_bytes!("../../../../events/photos/seed-task.jpg"));
    for method in ["PUT", "DELETE", "POST"] {
        assert!(fetch(method, &url).await.status >= 400, "{method}");
    }
    let (plain, query) = url.split_once('?').unwrap();
    for url in [
        plain.to_owned(),
        url.replace("original.jpg", "other.jpg"),
        url.replace("/images/", "/incoming/"),
        url.replace("Expires=1", "Expires=2"),
        url.replace("Signature=", "Signature=A"),
        url.replace("KLOCALSTACK", "KOTHER"),
        url.replace("SHA256", "SHA1"),
        url.replace("&Hash-Algorithm=SHA256", ""),
        format!("{}?{query}", plain.replace("original.jpg", "../original.jpg")),
        expired,
    ] {
        let refused = fetch("GET", &url).await;
        assert_eq!(refused.status, 403, "{url}");
        assert!(!refused.content_type.starts_with("image/"));
    }
}

#[tokio::test]
async fn a_resolved_url_is_the_one_of_the_redirect_and_ends_with_it() {
    let (_stack, app) = start_with(&cloudfront(BASE)).await;
    let now = clock::now();

    let resolved = send_at(&app, event!("image-redirect/resolve"), now).await.json()["images"][0].clone();
    let redirect = send_at(&app, event!("image-redirect/image"), now).await;

    assert_eq!(resolved["url"], redirect.header("location"));
    let end: Timestamp = resolved["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(redirect.header("location").contains(&format!("?Expires={}&", end.as_second())));
}

#[tokio::test]
async fn a_url_stays_the_same_within_its_window_whoever_signs_it() {
    let (stack, app) = start_with(&cloudfront(BASE)).await;
    let others_key = ("AWS_ACCESS_KEY_ID", "AKIDOFANOTHERENVIRONMENT");
    let other = app_of(&stack, &[cloudfront(BASE).as_slice(), &[others_key]].concat()).await;

    assert_same_url_within_a_window(&app, &other).await;
}

#[tokio::test]
async fn the_key_is_read_once_and_before_the_first_event() {
    let (stack, app) = start_with(&cloudfront(BASE)).await;
    app.warm().await;
    assert_eq!(secret_reads(&stack), 1);
    for _ in 0..3 {
        assert_eq!(send(&app, event!("image-redirect/image")).await.status(), 302);
    }
    assert_eq!(secret_reads(&stack), 1);
}

#[tokio::test]
async fn without_its_key_it_is_busy_and_asks_again_at_the_next_call() {
    let (stack, app) = start_with(&cloudfront(BASE)).await;
    let refused = async || {
        for event in
            [event!("image-redirect/image"), event!("image-redirect/missing"), event!("image-redirect/resolve")]
        {
            let answer = send(&app, event).await;
            assert_eq!((answer.status(), answer.header("location")), (503, ""));
        }
    };

    stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::ServerError);
    app.warm().await;
    refused().await;
    stack.wire().heal();
    for useless in ["", "no key"] {
        stack.emulators().secrets().put(CLOUDFRONT_SECRET_NAME, useless);
        refused().await;
    }
    stack.emulators().secrets().put(CLOUDFRONT_SECRET_NAME, CLOUDFRONT_KEY);
    assert_eq!(send(&app, event!("image-redirect/image")).await.status(), 302);
}

#[tokio::test]
async fn everything_that_this_delivery_lacks_is_named_at_once() {
    let stack = Stack::start().await;
    let without = [("CLOUDFRONT_KEY_PAIR_ID", ""), ("CLOUDFRONT_KEY_SECRET", ""), ("IMAGE_DELIVERY", "cloudfront")];
    let Err(problems) = config::from_lookup(&stack.lookup("image-redirect", &without), Config::read) else {
        panic!("signing without a key was accepted")
    };
    let named: Vec<_> = problems.0.iter().filter_map(|problem| problem.split(' ').next()).collect();
    assert_eq!(named, ["IMAGE_BASE_URL", "CLOUDFRONT_KEY_PAIR_ID", "CLOUDFRONT_KEY_SECRET"]);
}

#[tokio::test]
async fn no_other_delivery_reads_the_key() {
    let (stack, app) = start().await;
    app.warm().await;
    send(&app, event!("image-redirect/image")).await;
    assert_eq!(secret_reads(&stack), 0);
}

#[tokio::test]
async fn logs_hold_neither_signature_nor_key() {
    let (stack, app) = start_with(&cloudfront(BASE)).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    stack.emulators().secrets().put(CLOUDFRONT_SECRET_NAME, "s3cret, but no key");
    send(&app, event!("image-redirect/image")).await;
    stack.emulators().secrets().put(CLOUDFRONT_SECRET_NAME, CLOUDFRONT_KEY);
    send(&app, event!("image-redirect/image")).await;

    let log = log.text();
    assert_eq!(log.lines().filter(|line| line.contains(r#""http.status""#)).count(), 2, "{log}");
    for secret in ["s3cret", "Signature", "PRIVATE", "5eed0000000040008000000000000001"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
