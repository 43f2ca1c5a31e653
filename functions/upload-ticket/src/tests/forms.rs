//! The forms themselves: judged by the local S3 as AWS judges them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[tokio::test]
async fn a_form_takes_its_photo_into_quarantine_and_nowhere_else() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo())).await;

    let posted = post(&answer, PHOTO).await;

    assert_eq!(posted.status, 201, "{}", String::from_utf8_lossy(&posted.bytes));
    let key = answer.json()["fields"]["key"].as_str().unwrap().to_owned();
    assert_eq!(house.incoming(), std::slice::from_ref(&key));
    let object = house.stack.emulators().object(&key).unwrap();
    assert_eq!((object.bytes.as_ref(), object.content_type.as_deref()), (PHOTO, Some("image/jpeg")));
    assert!(house.stack.stored().is_empty());
    // S3's 201 is no acknowledgement: the row is pending until the photo was looked at.
    house.assert_ticket(&task, &answer);
}

#[tokio::test]
async fn a_smaller_photo_fits_and_a_second_one_replaces_the_first() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo())).await;

    assert_eq!(post(&answer, PHOTO).await.status, 201);
    assert_eq!(post(&answer, b"x").await.status, 201);

    let [key] = &house.incoming()[..] else { panic!("one object") };
    assert_eq!(house.stack.emulators().object(key).unwrap().bytes.as_ref(), b"x");
}

#[tokio::test]
async fn a_form_that_was_changed_in_anything_is_refused() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo())).await;
    let other = house.send(ask(&alice, &task, &photo())).await.json();
    let key = answer.json()["fields"]["key"].as_str().unwrap().to_owned();
    let of_images = key.replace("incoming/", "images/");
    let wider = STANDARD.decode(answer.json()["fields"]["policy"].as_str().unwrap()).unwrap();
    let wider = STANDARD.encode(String::from_utf8(wider).unwrap().replace(&PHOTO.len().to_string(), "99999"));
    let another_time = answer.json()["fields"]["x-amz-date"].as_str().unwrap().replace('Z', "0Z");
    for (field, value) in [
        ("key", of_images.as_str()),
        ("key", &format!("{key}0")),
        ("key", "incoming/${filename}"),
        ("key", other["fields"]["key"].as_str().unwrap()),
        ("Content-Type", "text/html"),
        ("Content-Type", "image/jpeg, text/html"),
        ("success_action_status", "200"),
        ("success_action_redirect", "https://evil.example"),
        ("acl", "public-read"),
        ("x-amz-meta-owner", "someone"),
        ("x-amz-date", &another_time),
        ("policy", &wider),
        ("x-amz-signature", &"0".repeat(64)),
        ("x-amz-security-token", "of nobody"),
    ] {
        let mut fields = answer.json()["fields"].clone();
        fields[field] = value.into();
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        let posted = post_form(&url, form_of(&fields).file(PHOTO)).await;
        assert_eq!(posted.status, 403, "{field}={value}: {}", String::from_utf8_lossy(&posted.bytes));
    }
    for field in ["policy", "x-amz-signature", "x-amz-date", "Content-Type", "success_action_status"] {
        let mut fields = answer.json()["fields"].clone();
        fields.as_object_mut().unwrap().remove(field);
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        let posted = post_form(&url, form_of(&fields).file(PHOTO)).await;
        assert!(matches!(posted.status, 400 | 403), "without {field}: {}", posted.status);
    }
    assert!(house.incoming().is_empty() && house.stack.stored().is_empty());
}

#[tokio::test]
async fn a_photo_of_more_bytes_than_announced_or_of_none_is_refused() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo())).await;

    for photo in [[PHOTO, b"x"].concat(), Vec::new()] {
        let posted = post(&answer, &photo).await;
        assert_eq!(posted.status, 400, "{}", String::from_utf8_lossy(&posted.bytes));
    }
    assert!(house.incoming().is_empty());
}

#[tokio::test]
async fn a_form_is_good_for_ten_minutes() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let old = house.send_at(ask(&alice, &task, &photo()), in_minutes(-11)).await;
    assert_eq!(post(&old, PHOTO).await.status, 403);
    assert!(house.incoming().is_empty());

    let older = house.send_at(ask(&alice, &task, &photo()), in_minutes(-9)).await;
    assert_eq!(post(&older, PHOTO).await.status, 201);
}

#[tokio::test]
async fn a_form_opens_no_other_bucket() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo())).await;
    let url = answer.json()["url"].as_str().unwrap().replace("images-bucket", "another-bucket");
    assert!(url.ends_with("/another-bucket"), "{url}");
    let posted = post_form(&url, form_of(&answer.json()["fields"]).file(PHOTO)).await;
    assert!(matches!(posted.status, 403 | 404), "{}", posted.status);
}

#[tokio::test]
async fn a_roles_token_is_in_the_form_and_in_what_is_signed() {
    let end = in_minutes(4);
    let changes = [("AWS_SESSION_TOKEN", "token-of-a-role"), ("AWS_CREDENTIAL_EXPIRATION", &end.to_string())];
    let house = House::with(&changes).await;
    let (alice, task) = house.somebody().await;

    let answer = house.send(ask(&alice, &task, &photo())).await;

    let fields = &answer.json()["fields"];
    assert_eq!(fields["x-amz-security-token"], "token-of-a-role");
    let policy = STANDARD.decode(fields["policy"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(policy).unwrap().contains(r#"{"x-amz-security-token":"token-of-a-role"}"#));
    assert_eq!(post(&answer, PHOTO).await.status, 201);
    let ends: Timestamp = answer.json()["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends.as_second(), end.as_second(), "it ends with the role's keys");
}

#[tokio::test]
async fn forms_go_to_where_the_bucket_is() {
    let stack = Stack::start().await;
    let alice = stack.signed_in().await;
    let task = stack.task_of(&alice).await;
    let own = [("AWS_ENDPOINT_URL_S3", "http://10.0.0.2:9000"), ("S3_PUBLIC_ENDPOINT", "")];
    let of_the_lan =
        [("AWS_ENDPOINT_URL_S3", "http://10.0.0.2:9000"), ("S3_PUBLIC_ENDPOINT", "http://192.168.1.5:9000/")];
    let on_aws = [("AWS_ENDPOINT_URL_S3", ""), ("S3_PUBLIC_ENDPOINT", "")];
    let in_china = [("AWS_ENDPOINT_URL_S3", ""), ("S3_PUBLIC_ENDPOINT", ""), ("AWS_REGION", "cn-north-1")];
    let through_cloudfront = [("AWS_ENDPOINT_URL_S3", ""), ("S3_PUBLIC_ENDPOINT", "https://img.example.com")];
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&own, "http://10.0.0.2:9000/images-bucket"),
        (&of_the_lan, "http://192.168.1.5:9000/images-bucket"),
        (&on_aws, "https://images-bucket.s3.us-east-1.amazonaws.com/"),
        (&in_china, "https://images-bucket.s3.cn-north-1.amazonaws.com.cn/"),
        (&through_cloudfront, "https://img.example.com/"),
    ];
    let mut urls = BTreeMap::new();
    for (changes, expected) in cases {
        let app = app_of(&stack, changes);
        let event = ask(&alice, &task, &photo());
        let answer = Answer::of(
            web::answer(event.request(), clock::now(), PATIENCE.deadline, |request, now| handle(&app, request, now))
                .await,
        );
        urls.insert(expected, answer.assert_status(201).json()["url"].clone());
    }
    for (expected, url) in urls {
        assert_eq!(url, expected);
    }
}
