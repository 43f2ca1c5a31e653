//! A page of another port: what its browser is told.

use crate::clients::{BUCKET, get, send, start};

const PAGE: (&str, &str) = ("Origin", "http://localhost:5173");

#[tokio::test]
async fn a_preflight_from_any_page_is_granted_for_reading_and_for_forms() {
    let emulators = start().await;
    let url = format!("{}/{BUCKET}", emulators.s3_url());
    for method in ["GET", "HEAD", "POST"] {
        let asked = [
            PAGE,
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "content-type,x-other"),
        ];

        let answer = send("OPTIONS", &url, &asked, b"").await;

        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, POST"));
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,x-other"));
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
    }
}

#[tokio::test]
async fn a_preflight_for_anything_else_is_refused() {
    let emulators = start().await;
    let url = format!("{}/{BUCKET}/k", emulators.s3_url());
    let put = ("Access-Control-Request-Method", "PUT");
    for asked in [vec![PAGE, put], vec![PAGE], vec![("Access-Control-Request-Method", "GET")]] {
        let answer = send("OPTIONS", &url, &asked, b"").await;

        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None), "{asked:?}");
    }
}

#[tokio::test]
async fn answers_to_a_page_say_so_refusals_too_and_others_do_not() {
    let emulators = start().await;
    let url = format!("{}/{BUCKET}/k", emulators.s3_url());

    let refused = send("GET", &url, &[PAGE], b"").await;
    let form = send("POST", &format!("{}/{BUCKET}", emulators.s3_url()), &[PAGE], b"").await;
    let put = send("PUT", &url, &[PAGE], b"").await;

    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, Some("*")));
    assert!(refused.header("vary").is_some_and(|vary| vary.contains("Origin")), "{refused:?}");
    assert_eq!((form.status, form.header("access-control-allow-origin")), (412, Some("*")));
    assert_eq!((put.status, put.header("access-control-allow-origin")), (403, None));
    assert_eq!(get(&url).await.header("access-control-allow-origin"), None, "no page, no header");
}

#[test]
fn methods_headers_and_age_are_those_of_the_template() {
    let template = include_str!("../../../../template.yaml");
    let bucket = template.split("ImagesBucket:").nth(1).unwrap();
    let rule = bucket.split("CorsRules:").nth(1).unwrap().split("NoValue").next().unwrap();

    for line in ["AllowedMethods: [GET, HEAD, POST]", "AllowedHeaders: [\"*\"]", "MaxAge: 600"] {
        assert!(rule.contains(line), "{line} is not in {rule}");
    }
}
