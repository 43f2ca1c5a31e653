use std::time::Duration;

use http::HeaderMap;
use platform::{clock, config, telemetry};
use serde_json::json;
use testkit::{Answer, Capture, Event, Fault, Stack, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

/// The name that the stack's Secrets Manager keeps the app secret under.
const SECRET: &str = "wechat";

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("session-login", changes), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

async fn send(app: &App, event: Event) -> Answer {
    send_at(app, event, clock::now()).await
}

async fn send_at(app: &App, event: Event, now: Timestamp) -> Answer {
    Answer::of(web::answer(event.request(), now, PATIENCE.deadline, |request, now| handle(app, request, now)).await)
}

fn login(code: &str) -> Event {
    event!("session-login/good").json(&json!({ "code": code }))
}

/// Ten seconds into a minute: the limit counts by the minute.
fn ten_past() -> Timestamp {
    "2026-01-01T00:00:10Z".parse().unwrap()
}

/// Sessions that are not the seed set's, and the counters of failed logins.
fn rows_of_sessions(stack: &Stack) -> Vec<serde_json::Value> {
    let seeded = stack.seeded_user().user_id;
    stack.rows("SessionsTable").into_iter().filter(|row| row["user_id"]["S"] != seeded.as_str()).collect()
}

/// The accounts: what the other rows of the users table, the identities, lead to.
fn accounts(stack: &Stack) -> Vec<serde_json::Value> {
    let rows = stack.user_rows().into_iter();
    rows.filter(|row| row["openid_hash"]["S"].as_str().unwrap().starts_with("user#")).collect()
}

/// Marks a user's account as one that is being removed.
fn mark(stack: &Stack, user_id: &serde_json::Value) {
    let key = json!({"openid_hash": {"S": format!("user#{}", user_id.as_str().unwrap())}});
    let mut row = stack.row("UsersTable", key).unwrap();
    row["removal"] = json!({"S": "due"});
    stack.replace_row("UsersTable", row);
}

#[track_caller]
fn assert_nothing_stored(stack: &Stack) {
    assert!(stack.user_rows().is_empty() && rows_of_sessions(stack).is_empty());
}

#[tokio::test]
async fn a_code_becomes_a_session_of_a_new_user() {
    let (_stack, app) = start().await;

    let answer = send_at(&app, event!("session-login/good"), ten_past()).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"201 json {"expires_at":"[time]","is_new_user":true,"session_id":"[session]","user_id":"[user]"}"#
    );
    let mut headers = HeaderMap::new();
    for name in ["user_id", "session_id"] {
        headers.insert(name, answer.json()[name].as_str().unwrap().parse().unwrap());
    }
    let caller = app.sessions.caller(&headers, ten_past()).await.unwrap();
    assert_eq!(answer.json()["user_id"], caller.user_id.as_str());
    assert_eq!(answer.json()["expires_at"], caller.expires_at.to_string());
}

#[tokio::test]
async fn the_second_login_finds_the_user_and_begins_another_session() {
    let (_stack, app) = start().await;

    let first = send(&app, login("dev-alice-1")).await.json();
    let second = send(&app, login("dev-alice-2")).await.json();
    let other = send(&app, login("dev-bob-1")).await.json();

    assert_eq!((&first["is_new_user"], &second["is_new_user"]), (&json!(true), &json!(false)));
    assert_eq!(first["user_id"], second["user_id"]);
    assert_ne!(first["session_id"], second["session_id"]);
    assert_ne!(first["user_id"], other["user_id"]);
}

#[tokio::test]
async fn parallel_first_logins_make_one_user() {
    let (stack, app) = start().await;

    let (one, two, three) = tokio::join!(
        send(&app, login("dev-alice-1")),
        send(&app, login("dev-alice-2")),
        send(&app, login("dev-alice-3"))
    );

    let answers = [one.json(), two.json(), three.json()];
    assert!(answers.iter().all(|answer| answer["user_id"] == answers[0]["user_id"]), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["is_new_user"] == true).count(), 1, "{answers:?}");
    assert_eq!((stack.user_rows().len(), rows_of_sessions(&stack).len()), (2, 3), "identity and account");
}

#[tokio::test]
async fn one_code_makes_one_session_also_in_a_race() {
    let (stack, app) = start().await;

    let (one, other) = tokio::join!(send(&app, login("dev-alice-1")), send(&app, login("dev-alice-1")));

    let mut statuses = [one.status(), other.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
    let user_id = if one.status() == 201 { one.json() } else { other.json() }["user_id"].clone();
    assert_eq!(rows_of_sessions(&stack).iter().filter(|row| row["user_id"]["S"] == user_id).count(), 1);
}

#[tokio::test]
async fn a_used_or_unknown_code_is_refused() {
    let (stack, app) = start().await;
    for event in [event!("session-login/used-code"), event!("session-login/unknown-code")] {
        let answer = send(&app, event).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                answer.redacted(),
                @r#"401 json {"errcode":40102,"errmsg":"登录凭证无效，请重新登录","error":"code_invalid","request_id":"[request]"}"#
            );
        }
    }
    assert!(stack.user_rows().is_empty());
}

#[tokio::test]
async fn each_failure_of_wechat_has_its_answer_and_costs_one_exchange() {
    let (stack, app) = start().await;
    app.warm().await;
    for (at, (code, status, error, retry_after)) in [
        ("errcode-40029", 401, "code_invalid", ""),
        ("errcode-40163", 401, "code_invalid", ""),
        ("blocked", 403, "login_blocked", ""),
        ("limited", 503, "busy", "60"),
        ("busy", 503, "wechat_unavailable", "2"),
        ("errcode-40013", 503, "wechat_unavailable", "2"),
        ("errcode-40125", 503, "wechat_unavailable", "2"),
        ("errcode-41002", 503, "wechat_unavailable", "2"),
        ("errcode-7", 503, "wechat_unavailable", "2"),
        ("status-500", 503, "wechat_unavailable", "2"),
        ("status-404", 503, "wechat_unavailable", "2"),
        ("html", 503, "wechat_unavailable", "2"),
        ("empty", 503, "wechat_unavailable", "2"),
        ("cut", 503, "wechat_unavailable", "2"),
        ("redirect", 503, "wechat_unavailable", "2"),
        ("noopenid", 503, "wechat_unavailable", "2"),
        ("nokey", 503, "wechat_unavailable", "2"),
        ("huge", 503, "wechat_unavailable", "2"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = send(&app, login(code)).await;

        answer.assert_refused(status, error);
        assert_eq!(answer.header("retry-after"), retry_after, "{code}");
        assert_eq!(stack.emulators().wechat().calls(), at + 1, "{code}");
    }
    assert_eq!(stack.emulators().wechat().redirects_followed(), 0);
    assert!(stack.user_rows().is_empty());
}

#[tokio::test]
async fn a_silent_wechat_is_given_up_after_one_exchange() {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("session-login", &[]), Config::read).unwrap();
    let app = App::new(config, stack.http(), Patience { exchange: Duration::from_millis(50), ..PATIENCE });

    let answer = send(&app, login("silent")).await;

    answer.assert_refused(503, "wechat_unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(stack.emulators().wechat().calls(), 1);
}

#[tokio::test]
async fn after_a_rotation_of_the_secret_the_next_login_works() {
    let (stack, app) = start().await;
    send(&app, login("dev-alice-1")).await.assert_status(201);
    stack.emulators().wechat().set_secret("rotated");
    stack.emulators().secrets().put(SECRET, "rotated");

    send(&app, login("dev-alice-2")).await.assert_refused(503, "wechat_unavailable");
    send(&app, login("dev-alice-3")).await.assert_status(201);

    assert_eq!(stack.emulators().wechat().codes(), ["dev-alice-1", "dev-alice-2", "dev-alice-3"]);
}

#[tokio::test]
async fn while_the_secret_cannot_be_read_no_code_is_sent() {
    let (stack, app) = start().await;
    stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::AccessDenied);
    app.warm().await;

    send(&app, login("dev-alice-1")).await.assert_refused(503, "busy");
    stack.wire().heal();
    send(&app, login("dev-alice-1")).await.assert_status(201);

    assert_eq!(stack.emulators().wechat().calls(), 1);
}

#[tokio::test]
async fn a_good_login_is_one_read_one_exchange_and_three_writes() {
    let (stack, app) = start().await;
    app.warm().await;
    stack.wire().forget();

    send(&app, event!("session-login/good")).await.assert_status(201);

    let operations =
        ["GetItem", "UpdateItem", "PutItem", "UpdateItem"].map(|operation| format!("DynamoDB.{operation}"));
    let [read, identity, session, account] = operations;
    assert_eq!(stack.wire().operations(), [read, "HTTP.GET".to_owned(), identity, session, account]);
    for update in [2, 4] {
        let body = &stack.wire().calls()[update].body;
        assert!(body.contains("UsersTable"), "no update is the limit's: {body}");
    }
}

#[tokio::test]
async fn an_address_that_has_used_up_its_failures_must_wait_for_the_next_minute() {
    let (stack, app) = start_with(&[("LOGIN_RATE_PER_MINUTE", "2")]).await;
    let now = ten_past();
    for _ in 0..2 {
        send_at(&app, login("no-such-code"), now).await.assert_refused(401, "code_invalid");
    }
    let calls = stack.emulators().wechat().calls();

    let limited = send_at(&app, login("dev-alice-1"), now).await;
    let forged = send_at(&app, login("dev-alice-1").header("x-forwarded-for", "198.51.100.7"), now).await;

    insta::assert_snapshot!(
        limited.redacted(),
        @r#"429 json retry-after=50 {"errcode":42901,"errmsg":"请求过于频繁","error":"too_many_requests","request_id":"[request]","retry_after":50}"#
    );
    forged.assert_refused(429, "too_many_requests");
    assert_eq!(stack.emulators().wechat().calls(), calls, "a limited address reaches no WeChat");
    send_at(&app, login("dev-alice-1").source_ip("198.51.100.7"), now).await.assert_status(201);
    let next_minute = now + jiff::SignedDuration::from_secs(50);
    send_at(&app, login("dev-alice-2"), next_minute).await.assert_status(201);
}

#[tokio::test]
async fn an_ipv6_subscriber_has_one_count_for_all_addresses() {
    let (_stack, app) = start_with(&[("LOGIN_RATE_PER_MINUTE", "1")]).await;
    let from = |code: &str, address: &str| send_at(&app, login(code).source_ip(address), ten_past());
    from("no-such-code", "2001:db8:1:2::1").await.assert_refused(401, "code_invalid");

    from("dev-alice-1", "2001:db8:1:2:ffff::9").await.assert_refused(429, "too_many_requests");
    from("dev-alice-1", "2001:db8:1:3::1").await.assert_status(201);
}

#[tokio::test]
async fn a_limit_of_zero_is_none_and_costs_no_read() {
    let (stack, app) = start_with(&[("LOGIN_RATE_PER_MINUTE", "0")]).await;
    for _ in 0..40 {
        send_at(&app, login("no-such-code"), ten_past()).await.assert_refused(401, "code_invalid");
    }
    assert!(!stack.wire().operations().iter().any(|operation| operation.starts_with("DynamoDB.")));
}

#[tokio::test]
async fn only_refused_codes_count_as_failures() {
    let (_stack, app) = start_with(&[("LOGIN_RATE_PER_MINUTE", "1")]).await;
    let now = ten_past();
    for code in ["busy", "blocked", "limited", "html", "cut"] {
        assert_ne!(send_at(&app, login(code), now).await.status(), 401, "{code}");
    }
    send_at(&app, event!("session-login/malformed-json"), now).await.assert_refused(400, "bad_request");
    send_at(&app, login("dev-alice-1"), now).await.assert_status(201);

    send_at(&app, login("dev-alice-1"), now).await.assert_refused(401, "code_invalid");
    send_at(&app, login("dev-alice-2"), now).await.assert_refused(429, "too_many_requests");
}

#[tokio::test]
async fn a_failure_that_cannot_be_counted_is_not_answered_as_one() {
    let (stack, app) = start().await;
    stack.wire().fail_every("DynamoDB.UpdateItem", Fault::Throttled);

    send(&app, login("no-such-code")).await.assert_refused(503, "busy");
}

#[tokio::test]
async fn while_the_tables_fail_no_code_is_sent() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied] {
        stack.fail_dynamodb(fault);
        send(&app, login("dev-alice-1")).await.assert_refused(503, "busy");
        stack.wire().heal();
    }
    assert_eq!(stack.emulators().wechat().calls(), 0);
    send(&app, login("dev-alice-1")).await.assert_status(201);
}

#[tokio::test]
async fn a_code_that_was_used_up_before_a_table_failed_is_not_sent_again() {
    let (stack, app) = start().await;
    for (at, operation) in ["DynamoDB.UpdateItem", "DynamoDB.PutItem"].into_iter().enumerate() {
        let code = format!("dev-alice-{at}");
        stack.wire().fail_every(operation, Fault::ServerError);
        send(&app, login(&code)).await.assert_refused(503, "busy");
        stack.wire().heal();

        assert_eq!(stack.emulators().wechat().codes().iter().filter(|sent| **sent == code).count(), 1);
        assert!(rows_of_sessions(&stack).is_empty());
    }
    send(&app, login("dev-alice-0")).await.assert_refused(401, "code_invalid");
}

#[tokio::test]
async fn a_lost_answer_makes_neither_a_second_user_nor_a_second_session() {
    for operation in ["DynamoDB.UpdateItem", "DynamoDB.PutItem"] {
        for fault in [Fault::AppliedThenServerError, Fault::AppliedThenReset] {
            let (stack, app) = start().await;
            stack.wire().fail_nth(operation, 1, fault);

            let answer = send(&app, login("dev-alice-1")).await;

            assert_eq!(answer.assert_status(201).json()["is_new_user"], true, "{operation} {fault:?}");
            assert_eq!((stack.user_rows().len(), rows_of_sessions(&stack).len()), (2, 1));
        }
    }
}

#[tokio::test]
async fn a_login_enters_its_identity_into_the_account() {
    let (stack, app) = start().await;

    let first = send_at(&app, login("dev-alice-1"), ten_past()).await.json();
    send(&app, login("dev-alice-2")).await.assert_status(201);

    let identities = stack.user_rows().into_iter().filter(|row| row["user_id"]["S"] == first["user_id"]);
    let keys: Vec<_> = identities.map(|row| row["openid_hash"]["S"].clone()).collect();
    let [account] = &accounts(&stack)[..] else { panic!("not one account") };
    assert_eq!(account["openid_hash"]["S"], format!("user#{}", first["user_id"].as_str().unwrap()));
    assert_eq!((&account["user_keys"], keys.len()), (&json!({ "SS": keys }), 1));
    assert_eq!(account["created_at_ms"]["N"], ten_past().as_millisecond().to_string());
}

#[tokio::test]
async fn a_user_from_before_there_were_accounts_gets_one() {
    let (stack, app) = start().await;
    let first = send_at(&app, login("dev-alice-1"), ten_past()).await.json();
    stack.remove_row("UsersTable", json!({"openid_hash": accounts(&stack)[0]["openid_hash"]}));

    let second = send(&app, login("dev-alice-2")).await.json();

    assert_eq!(first["user_id"], second["user_id"]);
    assert_eq!(accounts(&stack)[0]["created_at_ms"]["N"], ten_past().as_millisecond().to_string());
}

#[tokio::test]
async fn whoever_signs_in_while_their_account_is_removed_is_a_new_user() {
    let (stack, app) = start().await;
    let old = send(&app, login("dev-alice-1")).await.json();
    let bob = send(&app, login("dev-bob-1")).await.json();
    mark(&stack, &old["user_id"]);

    let new = send(&app, login("dev-alice-2")).await.assert_status(201).json();

    assert_ne!(new["user_id"], old["user_id"]);
    assert_eq!(new["is_new_user"], true);
    let sessions_of = |user: &serde_json::Value| {
        rows_of_sessions(&stack).iter().filter(|row| row["user_id"]["S"] == user["user_id"]).count()
    };
    assert_eq!((sessions_of(&old), sessions_of(&new)), (1, 1), "the one from before is the removal's");
    assert_eq!(send(&app, login("dev-alice-3")).await.json()["user_id"], new["user_id"]);
    assert_eq!(send(&app, login("dev-bob-2")).await.json()["user_id"], bob["user_id"]);
}

#[tokio::test]
async fn a_login_killed_at_any_write_is_made_good_by_the_next() {
    for is_marked in [false, true] {
        for fault in [Fault::KilledBefore, Fault::KilledAfter] {
            // Identity, session, account; and where that is marked: the session's end, the identity's, and all three again.
            for write in 1..=if is_marked { 8 } else { 3 } {
                let (stack, app) = start().await;
                let old = send(&app, login("dev-alice-1")).await.json();
                if is_marked {
                    mark(&stack, &old["user_id"]);
                }
                app.warm().await;
                stack.wire().forget();
                // Before the writes there are the read of the limit and the exchange.
                stack.wire().fail_call(2 + write, fault);
                stack.killed(send(&app, login("dev-alice-2"))).await;

                let next = send(&app, login("dev-alice-3")).await.assert_status(201).json();

                assert_eq!(next["user_id"] == old["user_id"], !is_marked, "{fault:?} at write {write}");
                let leads_to = |row: &serde_json::Value| row["user_id"]["S"] == next["user_id"];
                assert_eq!(stack.user_rows().iter().filter(|row| leads_to(row)).count(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_body_is_refused_before_anything_is_asked_or_stored() {
    let (stack, app) = start().await;
    let too_long = json!({ "code": "c".repeat(513) }).to_string();
    let too_large = json!({ "code": "dev-alice-1", "padding": "x".repeat(16 * 1024) }).to_string();
    let too_deep = format!(r#"{{"code":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let mut events = vec![event!("session-login/malformed-json"), event!("session-login/missing-code")];
    events.extend(
        [
            "",
            " ",
            "null",
            "1",
            "[]",
            "\"dev-alice-1\"",
            r#"{"code":null}"#,
            r#"{"code":1}"#,
            r#"{"code":["dev-alice-1"]}"#,
            r#"{"code":{"code":"dev-alice-1"}}"#,
            r#"{"Code":"dev-alice-1"}"#,
            r#"{"code":"dev-alice-1","code":"dev-bob-1"}"#,
            r#"{"code":""}"#,
            r#"{"code":" dev-alice-1"}"#,
            r#"{"code":"dev-alice-1\u0000"}"#,
            r#"{"code":"dev-alice-1\r\nHost: evil"}"#,
            r#"{"code":"\ud800"}"#,
            r#"{"code":"登录"}"#,
            "code=dev-alice-1",
            &too_long,
            &too_large,
            &too_deep,
        ]
        .map(|body| event!("session-login/good").text(body)),
    );
    for event in events {
        send(&app, event).await.assert_refused(400, "bad_request");
    }
    assert!(stack.wire().operations().is_empty());
    assert_nothing_stored(&stack);
}

#[tokio::test]
async fn more_than_a_code_changes_nothing() {
    let (_stack, app) = start().await;
    let body = json!({ "code": "dev-alice-1", "user_id": "mine", "openid": "mine", "session_id": "mine" });

    let answer = send(&app, event!("session-login/good").json(&body)).await;

    answer.assert_status(201);
    assert!(!answer.text().contains("mine"), "{}", answer.text());
}

#[tokio::test]
async fn another_method_is_told_what_the_path_takes() {
    let (stack, app) = start().await;
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let answer = send(&app, event!("session-login/good").method(method)).await;
        answer.assert_refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, POST");
    }
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn neither_answers_nor_rows_nor_logs_hold_what_is_secret() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    let answer = send(&app, login("dev-alice-1")).await;
    for code in ["dev-alice-1", "errcode-40125-alice-1", "cut-alice-1", "status-500-alice-1", "html-alice-1"] {
        send(&app, login(code)).await;
    }
    let (log, rows) = (log.text(), format!("{:?}", [stack.user_rows(), stack.rows("SessionsTable")]));
    assert_eq!(log.lines().filter(|line| line.contains(r#""http.status""#)).count(), 6, "{log}");
    let openid = stack.emulators().wechat().openid("alice");
    let answer = answer.json();
    for secret in ["alice", &openid, "dev-wechat-secret", "session_key", answer["session_id"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!rows.contains(secret), "{secret} in {rows}");
    }
    let names: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["expires_at", "is_new_user", "session_id", "user_id"]);
    assert!(!answer.to_string().contains(&openid));
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let Err(problems) = config::from_lookup(&|_| None, Config::read) else {
        panic!("an empty environment was accepted")
    };
    let names: Vec<_> = problems.0.iter().filter_map(|problem| problem.split(' ').next()).collect();
    assert_eq!(
        names,
        [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "SESSIONS_TABLE",
            "USERS_TABLE",
            "WECHAT_APPID",
            "WECHAT_SECRET"
        ]
    );
}

#[tokio::test]
async fn what_becomes_of_a_login_is_counted() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    send(&app, login("dev-alice-1")).await.assert_status(201);
    send(&app, login("dev-alice-2")).await.assert_status(201);
    send(&app, login("dev-alice-2")).await.assert_refused(401, "code_invalid");
    send(&app, login("blocked-alice-1")).await.assert_refused(403, "login_blocked");
    send(&app, login("status-500-alice-1")).await.assert_refused(503, "wechat_unavailable");
    send(&app, login("errcode-45011-alice-1")).await.assert_refused(503, "busy");
    send(&app, login("errcode-40125-alice-1")).await.assert_refused(503, "wechat_unavailable");
    send(&app, event!("session-login/missing-code")).await.assert_refused(400, "bad_request");
    stack.fail_dynamodb(Fault::ServerError);
    send(&app, login("dev-bob-1")).await.assert_refused(503, "busy");

    insta::assert_snapshot!(log.metrics(), @r"
    RequestDuration=[ms] Logins=1 NewUsers=1 WeChatDuration=[ms]
    RequestDuration=[ms] Logins=1 WeChatDuration=[ms]
    RequestDuration=[ms] WeChatDuration=[ms] Refusals{code_invalid}=1
    RequestDuration=[ms] WeChatDuration=[ms] Refusals{login_blocked}=1
    RequestDuration=[ms] WeChatDuration=[ms] WeChatFailures=1 Refusals{wechat_unavailable}=1
    RequestDuration=[ms] WeChatDuration=[ms] WeChatFailures=1 Refusals{busy}=1
    RequestDuration=[ms] WeChatDuration=[ms] WeChatSecretRefused=1 Refusals{wechat_unavailable}=1
    RequestDuration=[ms] Refusals{bad_request}=1
    RequestDuration=[ms] AwsFailures=1 Refusals{busy}=1
    ");
    let rings: Vec<_> = log.lines().iter().filter_map(|line| line["attention"].as_str().map(str::to_owned)).collect();
    assert_eq!(rings, ["wechat_secret"], "the rest mends itself");
}

#[tokio::test]
async fn a_user_whose_session_could_not_be_made_is_counted_as_a_user_and_not_as_a_login() {
    let (stack, app) = start().await;
    stack.wire().fail_every("DynamoDB.PutItem", Fault::ServerError);
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    send(&app, login("dev-alice-1")).await.assert_refused(503, "busy");

    assert_eq!(log.metrics(), "RequestDuration=[ms] AwsFailures=1 NewUsers=1 WeChatDuration=[ms] Refusals{busy}=1");
    assert!(log.requests()[0].get("user_id").is_none());
}

#[tokio::test]
async fn a_login_is_logged_with_its_user_and_its_calls_to_aws_alone() {
    let (stack, app) = start().await;
    app.warm().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    stack.wire().forget();

    let answer = send(&app, login("dev-alice-1")).await;

    let operations = stack.wire().operations();
    assert_eq!(operations.iter().filter(|operation| *operation == "HTTP.GET").count(), 1, "{operations:?}");
    let line = &log.requests()[0];
    assert_eq!((&line["aws.calls"], &line["user_id"]), (&(operations.len() - 1).into(), &answer.json()["user_id"]));
}
