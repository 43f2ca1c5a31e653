use super::*;

#[tokio::test]
async fn an_image_is_a_redirect_to_its_url() {
    let (_stack, app) = start().await;
    for event in [
        event!("image-redirect/image"),
        event!("image-redirect/seed-route"),
        event!("image-redirect/thumb"),
        event!("image-redirect/head"),
        event!("image-redirect/unknown-variant"),
    ] {
        let answer = send(&app, event).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                answer.redacted(),
                @"302 location=[bucket]/images/[stem]/[attempt]/original.jpg?signed max-age=[n]"
            );
        }
    }
}

#[tokio::test]
async fn the_url_opens_and_gives_the_bytes_with_their_type() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("image-redirect/image")).await;
    let photo = fetch("GET", answer.header("location")).await;

    assert_eq!((photo.status, photo.content_type.as_str()), (200, "image/jpeg"));
    assert!(photo.bytes == include_bytes!("../../../../events/photos/seed-task.jpg"));
}

#[tokio::test]
async fn the_signature_opens_one_object_for_reading_and_for_its_time_only() {
    let (stack, app) = start().await;
    let url = send(&app, event!("image-redirect/image")).await.header("location").to_owned();
    let old = into_window(0) - SignedDuration::from_hours(24);
    let expired = send_at(&app, event!("image-redirect/image"), old).await.header("location").to_owned();

    for method in ["PUT", "DELETE", "POST"] {
        assert!(fetch(method, &url).await.status >= 400, "{method}");
    }
    let (unsigned, signature) = url.split_once("X-Amz-Signature=").unwrap();
    let (unsigned, last) = (unsigned.trim_end_matches('&'), signature.as_bytes()[0]);
    let tampered = format!("{unsigned}&X-Amz-Signature={}{}", if last == b'0' { '1' } else { '0' }, &signature[1..]);
    for url in [
        url.replace("0001/5eed", "0002/5eed").replace("0a01/original", "0a02/original"),
        url.replace("original.jpg", "other.jpg"),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=604800"),
        url.split('?').next().unwrap().to_owned(),
        unsigned.to_owned(),
        tampered,
        expired,
    ] {
        let refused = fetch("GET", &url).await;
        assert_eq!(refused.status, 403, "{url}");
        assert!(!refused.content_type.starts_with("image/"));
    }
    assert_eq!(fetch("GET", &url).await.status, 200);
    assert_eq!(stack.emulators().objects().len(), 6);
}

#[tokio::test]
async fn the_default_image_opens_too() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("image-redirect/missing")).await;

    insta::assert_snapshot!(answer.redacted(), @"302 location=[bucket]/defaults/missing?signed max-age=[n]");
    assert_default(&stack, &answer, "missing");
    let image = fetch("GET", answer.header("location")).await;
    assert_eq!((image.status, image.content_type.as_str()), (200, "image/png"));
    assert!(image.bytes == include_bytes!("../../../../shared/images/defaults/missing.png"));
}

#[tokio::test]
async fn a_url_stays_the_same_within_its_window_whoever_signs_it() {
    let (stack, app) = start().await;
    let other = app_of(&stack, &[]).await;

    let first = assert_same_url_within_a_window(&app, &other).await;

    assert!(first.contains("X-Amz-Date=20260101T000000Z") && first.contains("X-Amz-Expires=3600"), "{first}");
}

#[tokio::test]
async fn a_redirect_is_kept_for_what_is_left_of_its_url_less_a_minute() {
    let stack = Stack::start().await;
    let kept = async |life: &str, event: Event, seconds| {
        let app = app_of(&stack, &[("IMAGE_URL_SECONDS", life)]).await;
        let answer = send_at(&app, event, into_window(seconds)).await;
        assert!(answer.header("location").contains(&format!("X-Amz-Expires={life}&")), "{answer:?}");
        answer.header("cache-control").to_owned()
    };
    for (life, seconds, image, default) in [
        ("3600", 0, "max-age=3540", "max-age=60"),
        ("3600", 600, "max-age=2940", "max-age=60"),
        ("3600", 1799, "max-age=1741", "max-age=60"),
        ("3600", 1800, "max-age=3540", "max-age=60"),
        ("120", 0, "max-age=60", "max-age=60"),
        ("120", 59, "max-age=1", "max-age=1"),
        ("60", 29, "max-age=0", "max-age=0"),
        ("1", 0, "max-age=0", "max-age=0"),
        ("1", 7, "max-age=0", "max-age=0"),
    ] {
        assert_eq!(kept(life, event!("image-redirect/image"), seconds).await, image, "{life} {seconds}");
        assert_eq!(kept(life, event!("image-redirect/missing"), seconds).await, default, "{life} {seconds}");
        assert_eq!(kept(life, event!("image-redirect/avatar"), seconds).await, default, "{life} {seconds}");
        assert_eq!(kept(life, event!("image-redirect/avatar-unknown"), seconds).await, default, "{life} {seconds}");
    }
}

#[tokio::test]
async fn an_url_life_beyond_an_hour_or_none_is_refused_at_start() {
    let stack = Stack::start().await;
    for life in ["0", "3601", "-1", "1h"] {
        let lookup = stack.lookup("image-redirect", &[("IMAGE_URL_SECONDS", life)]);
        assert!(config::from_lookup(&lookup, Config::read).is_err(), "{life}");
    }
    let lookup = stack.lookup("image-redirect", &[("IMAGE_DELIVERY", "public")]);
    assert!(config::from_lookup(&lookup, Config::read).is_err(), "public without a base");
}

#[tokio::test]
async fn public_delivery_is_the_key_below_the_base_and_no_signature() {
    let public = [("IMAGE_DELIVERY", "public"), ("IMAGE_BASE_URL", "https://photos.example/base/")];
    let (_stack, app) = start_with(&public).await;

    let image = send(&app, event!("image-redirect/image")).await;
    let key = "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a01/original.jpg";
    assert_eq!(image.header("location"), format!("https://photos.example/base/{key}"));
    assert_eq!(image.header("cache-control"), "max-age=3600");

    let missing = send(&app, event!("image-redirect/missing")).await;
    assert_eq!(missing.header("location"), "https://photos.example/base/defaults/missing");
    assert_eq!(missing.header("cache-control"), "max-age=60");
    let avatar = send(&app, event!("image-redirect/avatar")).await;
    assert_eq!(avatar.header("cache-control"), "max-age=60");
}

#[tokio::test]
async fn a_url_and_its_redirect_end_with_the_credentials_that_signed_it() {
    let end = clock::now() + jiff::SignedDuration::from_secs(100);
    let (_stack, app) = start_with(&[("AWS_CREDENTIAL_EXPIRATION", &end.to_string())]).await;

    let redirect = send(&app, event!("image-redirect/image")).await;
    let resolved = send(&app, event!("image-redirect/resolve")).await;

    let kept: i64 = redirect.header("cache-control").strip_prefix("max-age=").unwrap().parse().unwrap();
    assert!((30..=40).contains(&kept), "{kept}");
    let told: Timestamp = resolved.json()["images"][0]["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(told, end);
}

#[tokio::test]
async fn the_public_endpoint_of_s3_is_the_one_in_the_urls() {
    let (stack, app) = start_with(&[("S3_PUBLIC_ENDPOINT", "http://photos.lan:9000")]).await;
    let bucket = stack.emulators().bucket().unwrap();

    for (event, key) in [(event!("image-redirect/image"), "images/"), (event!("image-redirect/missing"), "defaults/")] {
        let answer = send(&app, event).await;
        let location = answer.header("location");
        assert!(location.starts_with(&format!("http://photos.lan:9000/{bucket}/{key}")), "{location}");
        assert!(location.contains("X-Amz-Signature="));
    }
}

#[tokio::test]
async fn what_is_not_ready_is_the_fitting_default_image() {
    let (stack, app) = start().await;
    for (n, state, is_of_ticket, kind, kept) in [
        (1, "pending", false, "missing", "max-age=60"),
        (2, "removed", false, "missing", "max-age=60"),
        (3, "pending", true, "in-preparation", "max-age=10"),
        (4, "rejected", true, "not-available", "max-age=60"),
        (5, "removed", true, "missing", "max-age=60"),
    ] {
        let name = put_image(&stack, n, state).await;
        if is_of_ticket {
            stack.make_ticket(&name);
        }
        let seed_route = event!("image-redirect/seed-route").parameter("imagename", &name);
        for event in [image_called(&name), image_called(&name).query("variant=thumb"), seed_route] {
            let answer = send_at(&app, event, into_window(0)).await;
            assert_default(&stack, &answer, kind);
            assert_eq!(answer.header("cache-control"), kept, "{state}");
        }
        let of_another_extension = image_called(&name.replace("jpg", "png"));
        assert_default(&stack, &send(&app, of_another_extension).await, "missing");
    }
    let ready = put_image(&stack, 6, "ready").await;
    assert!(send(&app, image_called(&ready)).await.location_path().contains("/images/"));
    assert_default(&stack, &send(&app, image_called(&ready.replace("jpg", "png"))).await, "missing");
}

#[tokio::test]
async fn no_header_and_no_query_steers_the_redirect() {
    let (_stack, app) = start().await;
    let now = into_window(600);
    for (event, kept) in [
        (event!("image-redirect/image"), "max-age=2940"),
        (event!("image-redirect/missing"), "max-age=60"),
        (event!("image-redirect/avatar"), "max-age=60"),
    ] {
        let plain = send_at(&app, event.clone(), now).await;
        for steered in [
            event.clone().header("host", "evil.example"),
            event.clone().header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example"),
            event.clone().header("x-forwarded-proto", "http").header("x-forwarded-port", "81"),
            event.clone().header("x-forwarded-for", "evil.example").header("x-original-url", "//evil.example"),
            event.clone().header("referer", "https://evil.example/").header("origin", "https://evil.example"),
            event.clone().header("accept", "image/avif,image/webp").header("accept-encoding", "br"),
            event.clone().header("cache-control", "max-age=9").header("range", "bytes=0-9"),
            event.clone().query("url=//evil.example&location=//evil.example&name=x&bucket=evil"),
            event.clone().query("X-Amz-Expires=604800&X-Amz-Signature=x&max-age=604800&expires=9999999999"),
            event.clone().query("variant=..%2F..%2Fevil&variant=%0d%0alocation:%20//evil.example"),
        ] {
            let answer = send_at(&app, steered, now).await;
            assert_eq!(answer.redacted(), plain.redacted());
            assert_eq!(answer.header("location"), plain.header("location"));
            assert_eq!(answer.header("cache-control"), kept);
        }
    }
}

#[tokio::test]
async fn a_redirect_needs_no_session_and_never_shows_one() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;

    let answer = send(&app, event!("image-redirect/image").from(&alice)).await;
    assert_eq!(answer.status(), 302);
    for secret in [&alice.session_id, &alice.user_id] {
        assert!(!answer.header("location").contains(secret));
    }
    assert_eq!(send(&app, event!("image-redirect/image").header("session_id", "bad")).await.status(), 302);
    assert!(stack.wire().calls().iter().all(|call| !call.body.contains("SessionsTable")));
}

#[tokio::test]
async fn a_redirect_is_one_strongly_consistent_read_and_no_call_to_s3() {
    let (stack, app) = start().await;
    for event in [
        event!("image-redirect/image"),
        event!("image-redirect/seed-route"),
        event!("image-redirect/thumb"),
        event!("image-redirect/missing"),
        event!("image-redirect/avatar"),
        event!("image-redirect/avatar-unknown"),
    ] {
        stack.wire().forget();
        assert_eq!(send(&app, event).await.status(), 302);
        assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
        assert!(stack.wire().calls()[0].body.contains(r#""ConsistentRead":true"#));
    }
}

#[tokio::test]
async fn head_leads_to_a_url_that_answers_head() {
    let (_stack, app) = start().await;
    let now = clock::now();
    for event in [
        event!("image-redirect/image"),
        event!("image-redirect/seed-route"),
        event!("image-redirect/thumb"),
        event!("image-redirect/missing"),
        event!("image-redirect/avatar"),
        event!("image-redirect/avatar-unknown"),
    ] {
        let get = send_at(&app, event.clone(), now).await;
        let head = send_at(&app, event.method("HEAD"), now).await;

        assert_eq!((head.status(), head.text(), head.location_path()), (302, "", get.location_path()));
        assert_eq!(head.header("cache-control"), get.header("cache-control"));
        let answered = fetch("HEAD", head.header("location")).await;
        assert_eq!((answered.status, answered.bytes.len()), (200, 0));
        assert_eq!(fetch("HEAD", get.header("location")).await.status, 403, "S3 signs the method, too");
    }
    assert_eq!(send_at(&app, event!("image-redirect/head"), now).await.status(), 302);
}

#[tokio::test]
async fn another_method_or_path_is_refused_without_a_read() {
    let (stack, app) = start().await;
    for event in [event!("image-redirect/image"), event!("image-redirect/seed-route"), event!("image-redirect/avatar")]
    {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
            let answer = send(&app, event.clone().method(method)).await;
            answer.assert_refused(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "GET, HEAD");
        }
        let preflight = send(&app, event.method("OPTIONS")).await;
        assert_eq!((preflight.status(), preflight.header("allow")), (204, "GET, HEAD"));
    }
    for path in ["", "/", "/images", "/image/x", "/users", "/users/avatar", "/users/x", "/users/x/avatar/", "/IMAGES/x"]
    {
        send(&app, Event::of("GET", path)).await.assert_refused(404, "not_found");
    }
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn redirects_and_those_to_a_default_image_are_counted() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    for redirected in [
        event!("image-redirect/image"),
        event!("image-redirect/missing"),
        event!("image-redirect/malformed-name"),
        event!("image-redirect/avatar"),
        event!("image-redirect/avatar-unknown"),
    ] {
        send(&app, redirected).await.assert_status(302);
    }
    send(&app, event!("image-redirect/resolve")).await.assert_status(200);
    stack.fail_dynamodb(Fault::ServerError);
    send(&app, event!("image-redirect/image")).await.assert_refused(503, "busy");

    insta::assert_snapshot!(log.metrics(), @r"
    RequestDuration=[ms] Redirects=1
    RequestDuration=[ms] Redirects=1 DefaultImages=1
    RequestDuration=[ms] Redirects=1 DefaultImages=1
    RequestDuration=[ms] Redirects=1
    RequestDuration=[ms] Redirects=1 DefaultImages=1
    RequestDuration=[ms]
    RequestDuration=[ms] AwsFailures=1 Refusals{busy}=1
    ");
}
