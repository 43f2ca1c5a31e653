use super::*;

fn resolve(body: &Value) -> Event {
    event!("image-redirect/resolve").json(body)
}

fn resolve_names<T: AsRef<str>>(names: &[T]) -> Event {
    resolve(&json!({ "names": names.iter().map(AsRef::as_ref).collect::<Vec<_>>() }))
}

/// Names and states of an answer, in order.
#[track_caller]
fn resolved(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let answer = answer.assert_status(200).json();
    answer["images"].as_array().unwrap().iter().map(|image| (text(&image["name"]), text(&image["state"]))).collect()
}

#[tokio::test]
async fn every_name_is_answered_in_its_place() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("image-redirect/resolve")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"200 json {"images":[{"expires_at":"[time]","name":"[image].jpg","state":"ready","url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed"},{"expires_at":"[time]","name":"[image].jpg","state":"missing","url":"[bucket]/defaults/missing?signed"},{"expires_at":"[time]","name":"no image name","state":"missing","url":"[bucket]/defaults/missing?signed"},{"expires_at":"[time]","name":"[image].jpg","state":"ready","url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed"}]}"#
    );
    let names = [IMAGE, "5eed00000000400080000000000000ff.jpg", "no image name", IMAGE].map(str::to_owned);
    assert_eq!(resolved(&answer).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn names_renew_the_session_that_asks_for_them() {
    let (stack, app) = start().await;
    let alice = stack.due_for_renewal().await;
    send(&app, resolve_names(&[IMAGE]).from(&alice)).await.assert_status(200);
    assert!(stack.is_renewed(&alice));
}

#[tokio::test]
async fn every_url_opens() {
    let (_stack, app) = start().await;
    let images = send(&app, event!("image-redirect/resolve")).await.json()["images"].clone();

    for (at, content_type) in [(0, "image/jpeg"), (1, "image/png"), (2, "image/png"), (3, "image/jpeg")] {
        let photo = fetch("GET", images[at]["url"].as_str().unwrap()).await;
        assert_eq!((photo.status, photo.content_type.as_str()), (200, content_type));
        let end: Timestamp = images[at]["expires_at"].as_str().unwrap().parse().unwrap();
        assert!(end > clock::now());
    }
    assert_eq!(images[0], images[3]);
}

#[tokio::test]
async fn a_resolved_url_is_the_one_of_the_redirect() {
    let (stack, app) = start().await;
    let now = clock::now();
    let resolved = send_at(&app, resolve_names(&[IMAGE]), now).await.json();
    let redirect = send_at(&app, event!("image-redirect/image"), now).await;
    assert_eq!(resolved["images"][0]["url"], redirect.header("location"));

    let public = [("IMAGE_DELIVERY", "public"), ("IMAGE_BASE_URL", "https://photos.example")];
    let app = app_of(&stack, &public).await;
    let image = send(&app, resolve_names(&[IMAGE])).await.json()["images"][0].clone();
    assert!(image["url"].as_str().unwrap().starts_with("https://photos.example/images/"));
    assert_eq!(image["expires_at"], Value::Null);
}

#[tokio::test]
async fn what_is_not_ready_and_somebody_elses_is_missing() {
    let (stack, app) = start().await;
    let mut names = vec![put_image(&stack, 1, "ready").await];
    for (n, state) in [(2, "pending"), (3, "removed"), (4, "rejected")] {
        names.push(put_image(&stack, n, state).await);
    }
    names.push(names[0].replace("jpg", "png"));

    let answer = send(&app, resolve_names(&names)).await;

    let states: Vec<_> = resolved(&answer).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["ready", "missing", "missing", "missing", "missing"]);
    let images = answer.json()["images"].clone();
    for at in 1..5 {
        assert!(images[at]["url"].as_str().unwrap().starts_with(&in_bucket(&stack, "defaults/missing")));
    }
}

#[tokio::test]
async fn hostile_names_are_missing_and_come_back_as_asked() {
    let (stack, app) = start().await;
    let names: Vec<_> = names::hostile().into_iter().take(50).collect();

    let answer = send(&app, resolve_names(&names)).await;

    assert_eq!(resolved(&answer), names.into_iter().map(|name| (name, "missing".to_owned())).collect::<Vec<_>>());
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"], "the session's read alone");
}

#[tokio::test]
async fn one_to_fifty_names_are_one_batch_without_doubled_keys() {
    let (stack, app) = start().await;
    let mut names = Vec::new();
    for n in 0..25 {
        names.push(put_image(&stack, n, "ready").await);
    }
    let doubled: Vec<_> = names.iter().rev().chain(&names).collect();

    for names in [vec![&names[0]], doubled] {
        stack.wire().forget();
        let answer = send(&app, resolve_names(&names)).await;
        let expected: Vec<_> = names.iter().map(|name| ((*name).clone(), "ready".to_owned())).collect();
        assert_eq!(resolved(&answer), expected);
        assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.BatchGetItem"]);
        assert!(stack.wire().calls().iter().all(|call| call.body.contains(r#""ConsistentRead":true"#)));
    }
}

#[tokio::test]
async fn the_variants_are_known_by_name() {
    let (_stack, app) = start().await;
    let mut events = vec![event!("image-redirect/resolve-thumb")];
    events.extend(
        [json!("thumb"), json!("medium"), json!("original"), json!(null)]
            .map(|variant| resolve(&json!({ "names": [IMAGE], "variant": variant }))),
    );
    for event in events {
        assert_eq!(resolved(&send(&app, event).await), [(IMAGE.to_owned(), "ready".to_owned())]);
    }
}

#[tokio::test]
async fn any_other_body_is_refused() {
    let (stack, app) = start().await;
    let too_deep = format!(r#"{{"names":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let too_large = json!({ "names": ["x".repeat(16 * 1024)] }).to_string();
    let one_name_in_an_array = json!([[IMAGE]]).to_string();
    let bodies = ["", "null", "[]", "{", "{}", r#"{"names":["a"],"names":["b"]}"#, &too_deep, &too_large];

    let mut events = vec![event!("image-redirect/resolve-too-many"), event!("image-redirect/resolve-bad-variant")];
    events.extend(bodies.map(|body| event!("image-redirect/resolve").text(body)));
    events.push(event!("image-redirect/resolve").text(&one_name_in_an_array));
    events.extend(
        [json!([]), json!(null), json!(IMAGE), json!([1]), json!([null]), json!([[IMAGE]]), json!({"0": IMAGE})]
            .map(|names| resolve(&json!({ "names": names }))),
    );
    events.extend(
        [json!("huge"), json!(""), json!("Thumb"), json!("thumb "), json!(1), json!(["thumb"]), json!({"thumb": null})]
            .map(|variant| resolve(&json!({ "names": [IMAGE], "variant": variant }))),
    );
    for event in events {
        let answer = send(&app, event.clone()).await;
        assert_eq!(answer.status(), 400, "{event:?}");
        answer.assert_refused(400, "bad_request");
    }
    assert!(!stack.wire().operations().contains(&"DynamoDB.BatchGetItem".to_owned()));
}

#[tokio::test]
async fn resolving_needs_a_session_before_anything_else() {
    let (stack, app) = start().await;
    let (alice, bob, revoked) = (stack.signed_in().await, stack.signed_in().await, stack.signed_in().await);
    stack.remove_session(&revoked);
    for route in [
        event!("image-redirect/resolve"),
        event!("image-redirect/resolve-too-many"),
        event!("image-redirect/resolve-bad-variant"),
    ] {
        for event in [
            route.clone().from(&revoked),
            route.clone().from(&alice).header("user_id", &bob.user_id),
            route.clone().without_header("session_id"),
            route.clone().without_header("user_id"),
        ] {
            send(&app, event).await.assert_refused(401, "session_invalid");
        }
    }
    assert!(!stack.wire().operations().contains(&"DynamoDB.BatchGetItem".to_owned()));
}

#[tokio::test]
async fn only_post_resolves() {
    let (stack, app) = start().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = send(&app, event!("image-redirect/resolve").method(method)).await;
        answer.assert_refused(405, "method_not_allowed");
        assert_eq!((answer.header("allow"), &answer.json()["errmsg"]), ("POST", &json!("没有使用POST请求")));
    }
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn callers_are_told_the_state_of_their_own_images_and_shown_only_ready_ones() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    let mut names = Vec::new();
    for (n, state) in [(1, "pending"), (2, "rejected"), (3, "removed"), (4, "ready"), (5, "pending")] {
        names.push(put_image_of(&alice, &stack, n, state).await);
    }
    stack.make_ticket(&names[1]);
    stack.make_ticket(&names[4]);
    names.push(names[0].replace(".jpg", ".png"));
    let states_and_keys = async |caller: &User| {
        let images = send(&app, resolve_names(&names).from(caller)).await.assert_status(200).json()["images"].clone();
        let told = |image: &Value| {
            let path = image["url"].as_str().unwrap().split('?').next().unwrap();
            (image["state"].as_str().unwrap().to_owned(), path.splitn(5, '/').last().unwrap().to_owned())
        };
        images.as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let pair = |(state, key): (&str, &str)| (state.to_owned(), key.to_owned());
    let ready = format!("images/{}/attempt/original.jpg", names[3].split('.').next().unwrap());

    let owner = [
        ("pending", "defaults/missing"),
        ("rejected", "defaults/not-available"),
        ("missing", "defaults/missing"),
        ("ready", &ready),
        ("pending", "defaults/in-preparation"),
        ("missing", "defaults/missing"),
    ];
    assert_eq!(states_and_keys(&alice).await, owner.map(pair));
    let missing = ("missing", "defaults/missing");
    assert_eq!(states_and_keys(&bob).await, [missing, missing, missing, ("ready", &ready), missing, missing].map(pair));
}
