//! A session alone does not delete an account: it takes a fresh code of the same user.

use super::*;

fn with_code(user: &User, code: &str) -> Event {
    event!("account-remove/delete").from(user).json(&json!({ "code": code }))
}

#[track_caller]
fn assert_untouched(stack: &Stack, user: &User) {
    let account = stack.account_of(user).unwrap();
    assert_eq!((account.get("removal"), identities_of(stack, user), sessions_of(stack, user)), (None, 1, 1));
}

#[tokio::test]
async fn a_code_that_is_anothers_used_or_unknown_changes_nothing() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.registered("alice").await, stack.registered("bob").await);
    let everything = stack.everything();

    for event in [
        event!("account-remove/another-users-code").from(&alice),
        with_code(&alice, "used-alice-1"),
        with_code(&alice, "no-such-code"),
        // Somebody of whom we have never heard is not made a user by this.
        with_code(&alice, "dev-carol-1"),
    ] {
        send(&app, event).await.assert_refused(401, "code_invalid");
    }

    assert_untouched(&stack, &alice);
    assert_untouched(&stack, &bob);
    let counted: Vec<_> = stack.everything().into_iter().filter(|stored| !everything.contains(stored)).collect();
    assert!(matches!(&counted[..], [count] if count.contains("login-failures#")), "{counted:?}");
}

#[tokio::test]
async fn a_missing_or_malformed_code_is_refused_before_anything_is_asked() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    let mut events = vec![event!("account-remove/missing-code").from(&alice)];
    events.extend(
        ["", "{", "null", "[]", r#"{"code":1}"#, r#"{"code":""}"#, r#"{"code":"a","code":"b"}"#]
            .map(|body| event!("account-remove/delete").from(&alice).text(body)),
    );
    for event in events {
        send(&app, event).await.assert_refused(400, "bad_request");
    }
    assert_eq!(stack.emulators().wechat().calls(), 0);
    assert_untouched(&stack, &alice);
}

#[tokio::test]
async fn wrong_codes_count_as_failed_logins() {
    let (stack, app) = start_with(&[("LOGIN_RATE_PER_MINUTE", "2")]).await;
    let alice = stack.registered("alice").await;
    let at = |code: &str| {
        let request = with_code(&alice, code).request();
        let now = "2100-01-01T00:00:10Z".parse().unwrap();
        (request, now)
    };
    // Far ahead, so that both fall into one minute; the session must live until then.
    let far: Timestamp = "2100-01-01T00:00:10Z".parse().unwrap();
    stack.remove_session(&alice);
    stack.put_session(&alice, far.as_millisecond(), far.as_millisecond()).await;

    for (code, status, error) in [
        ("dev-bob-1", 401, "code_invalid"),
        ("no-such-code", 401, "code_invalid"),
        ("dev-alice-1", 429, "too_many_requests"),
    ] {
        let (request, now) = at(code);
        let answer =
            Answer::of(web::answer(request, now, PATIENCE.deadline, |request, now| handle(&app, request, now)).await);
        answer.assert_refused(status, error);
    }
    assert_eq!(stack.emulators().wechat().calls(), 2);
    assert_untouched(&stack, &alice);
}

#[tokio::test]
async fn each_failure_of_wechat_has_its_answer_and_removes_nothing() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    for (code, status, error) in [
        ("blocked", 403, "login_blocked"),
        ("limited", 503, "busy"),
        ("errcode-40125", 503, "wechat_unavailable"),
        ("html", 503, "wechat_unavailable"),
        ("cut", 503, "wechat_unavailable"),
    ] {
        send(&app, with_code(&alice, code)).await.assert_refused(status, error);
    }
    assert_untouched(&stack, &alice);
}

#[tokio::test]
async fn where_no_code_is_needed_none_is_asked_for() {
    let (stack, app) = start_with(&[("REMOVAL_NEEDS_CODE", "off")]).await;
    let alice = stack.registered("alice").await;

    send(&app, event!("account-remove/delete").from(&alice).text("")).await.assert_status(202);

    assert_eq!(stack.emulators().wechat().calls(), 0);
    assert_closed(&stack, &alice);
}
