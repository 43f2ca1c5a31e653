use emulators::{Behaviour, Emulators, WECHAT_APPID};
use serde_json::{Value, json};
use std::pin::pin;
use std::time::Duration;

use crate::clients::{Answer, get, send, start};

async fn exchange(emulators: &Emulators, code: &str) -> Answer {
    let query = format!("appid={WECHAT_APPID}&secret=dev-wechat-secret&js_code={code}&grant_type=authorization_code");
    exchange_with(emulators, &query).await
}

async fn exchange_with(emulators: &Emulators, query: &str) -> Answer {
    get(&format!("{}/sns/jscode2session?{query}", emulators.wechat_url())).await
}

async fn control(emulators: &Emulators, command: Value) -> Answer {
    let url = format!("{}/_control", emulators.wechat_url());
    send("POST", &url, &[("Content-Type", "application/json")], command.to_string().as_bytes()).await
}

/// WeChat answers refusals with 200 and labels them `text/plain`.
#[track_caller]
fn assert_errcode(answer: &Answer, errcode: i64) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.json()["errcode"], errcode, "{answer:?}");
    assert_eq!(answer.json()["openid"], Value::Null);
    let errmsg = answer.json()["errmsg"].as_str().unwrap().to_owned();
    let (_, rid) = errmsg.rsplit_once("rid: ").expect("an error has a rid");
    let parts: Vec<&str> = rid.split('-').collect();
    assert!(parts.len() == 3 && parts.iter().all(|part| part.len() == 8 && u32::from_str_radix(part, 16).is_ok()));
}

#[track_caller]
fn assert_session(answer: &Answer, openid: &str) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let body = answer.json();
    assert_eq!(body["openid"], openid);
    assert_eq!(body["session_key"].as_str().unwrap().len(), 24, "16 bytes in base64");
    assert!(body.get("errcode").is_none() && body.get("unionid").is_none());
}

#[tokio::test]
async fn a_dev_code_gives_a_session_of_its_user_once() {
    let emulators = start().await;
    let alice = emulators.wechat().openid("alice");

    assert_session(&exchange(&emulators, "dev-alice-1").await, &alice);
    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 40163);
    assert_session(&exchange(&emulators, "dev-alice-2").await, &alice);
    assert_eq!(emulators.wechat().codes(), ["dev-alice-1", "dev-alice-1", "dev-alice-2"]);
}

#[tokio::test]
async fn of_racing_exchanges_of_one_code_one_wins() {
    let emulators = start().await;

    let answers = futures_util::future::join_all((0..20).map(|_| exchange(&emulators, "dev-alice-1"))).await;

    let sessions = answers.iter().filter(|answer| answer.json().get("openid").is_some()).count();
    assert_eq!(sessions, 1);
}

#[tokio::test]
async fn users_have_openids_of_their_own_that_outlive_a_restart() {
    let (first, second) = (start().await, start().await);

    assert_eq!(first.wechat().openid("alice"), second.wechat().openid("alice"));
    assert_ne!(first.wechat().openid("alice"), first.wechat().openid("bob"));
    assert_eq!(first.wechat().openid("alice").len(), 28);
}

#[tokio::test]
async fn an_unknown_code_is_refused() {
    let emulators = start().await;

    for code in ["sesame", "dev-alice", "dev--1"] {
        assert_errcode(&exchange(&emulators, code).await, 40029);
    }
}

#[tokio::test]
async fn a_call_with_a_missing_or_wrong_parameter_is_refused_and_uses_no_code() {
    let emulators = start().await;
    let cases = [
        ("secret=dev-wechat-secret&js_code=dev-a-1&grant_type=authorization_code", 41002),
        ("appid=wxdev0000000000001&js_code=dev-a-1&grant_type=authorization_code", 41004),
        ("appid=wxdev0000000000001&secret=dev-wechat-secret&grant_type=authorization_code", 41008),
        ("appid=wxdev0000000000001&secret=dev-wechat-secret&js_code=dev-a-1", 40002),
        ("appid=wx0000000000000000&secret=dev-wechat-secret&js_code=dev-a-1&grant_type=authorization_code", 40013),
        ("appid=wxdev0000000000001&secret=wrong&js_code=dev-a-1&grant_type=authorization_code", 40125),
    ];

    for (query, errcode) in cases {
        assert_errcode(&exchange_with(&emulators, query).await, errcode);
    }

    assert!(exchange(&emulators, "dev-a-1").await.json().get("openid").is_some());
}

#[tokio::test]
async fn only_get_is_answered() {
    let emulators = start().await;
    let url = format!("{}/sns/jscode2session", emulators.wechat_url());

    assert_eq!(send("POST", &url, &[], b"").await.status, 405);
}

#[tokio::test]
async fn special_codes_are_answered_with_their_errcode_every_time() {
    let emulators = start().await;
    let cases = [("errcode-45011", 45011), ("errcode--1", -1), ("busy", -1), ("expired", 40029), ("used-x", 40163)];

    for (code, errcode) in cases.into_iter().chain([("blocked", 40226), ("limited", 45011)]) {
        assert_errcode(&exchange(&emulators, code).await, errcode);
        assert_errcode(&exchange(&emulators, code).await, errcode);
    }
}

#[tokio::test]
async fn a_cut_answer_has_used_its_code_up() {
    let emulators = start().await;

    let cut = exchange(&emulators, "cut-alice-1").await;

    assert_eq!(cut.status, 200);
    assert!(cut.is_cut() && !cut.body.is_empty(), "{cut:?}");
    assert_errcode(&exchange(&emulators, "cut-alice-1").await, 40163);
}

#[tokio::test]
async fn a_slow_answer_comes_after_its_code_was_used_up() {
    let emulators = start().await;
    let slow = exchange(&emulators, "slow-20-alice-1");
    let overtaking = async {
        while emulators.wechat().calls() == 0 {
            tokio::task::yield_now().await;
        }
        exchange(&emulators, "slow-0-alice-1").await
    };

    let (slow, overtaking) = tokio::join!(slow, overtaking);

    assert_session(&slow, &emulators.wechat().openid("alice"));
    assert_session(&overtaking, &emulators.wechat().openid("alice"));
    assert_errcode(&exchange(&emulators, "slow-20-alice-1").await, 40163);
}

#[tokio::test]
async fn a_silent_answer_never_comes() {
    let emulators = start().await;

    let mut answer = pin!(exchange(&emulators, "silent"));
    let taken = async {
        while emulators.wechat().calls() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        answer = &mut answer => panic!("{answer:?}"),
        () = taken => {}
    }

    assert_eq!(emulators.wechat().codes(), ["silent"]);
}

#[tokio::test]
async fn odd_answers_are_as_odd_as_asked_for() {
    let emulators = start().await;

    let empty = exchange(&emulators, "empty").await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let html = exchange(&emulators, "html").await;
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html")));
    let failed = exchange(&emulators, "status-502").await;
    assert_eq!(failed.status, 502);
    let nobody = exchange(&emulators, "noopenid-alice-1").await.json();
    assert!(nobody.get("openid").is_none() && nobody.get("session_key").is_some());
    let no_key = exchange(&emulators, "nokey-alice-1").await.json();
    assert!(no_key.get("openid").is_some() && no_key.get("session_key").is_none());
    let huge = exchange(&emulators, "huge-alice-1").await;
    assert!(huge.body.len() > 8_000_000);
    assert_eq!(huge.json()["openid"], emulators.wechat().openid("alice"), "only its size is wrong");
}

#[tokio::test]
async fn a_followed_redirect_is_seen() {
    let emulators = start().await;

    let redirect = exchange(&emulators, "redirect").await;

    assert_eq!((redirect.status, redirect.header("location")), (302, Some("/_redirected")));
    assert_eq!(emulators.wechat().redirects_followed(), 0);
    get(&format!("{}/_redirected", emulators.wechat_url())).await;
    assert_eq!(emulators.wechat().redirects_followed(), 1);
}

#[tokio::test]
async fn queued_behaviours_are_taken_one_by_one() {
    let emulators = start().await;
    emulators.wechat().next(Behaviour::Errcode(-1));
    emulators.wechat().next(Behaviour::Status(500));

    assert_errcode(&exchange(&emulators, "dev-alice-1").await, -1);
    assert_eq!(exchange(&emulators, "dev-alice-1").await.status, 500);
    assert_session(&exchange(&emulators, "dev-alice-1").await, &emulators.wechat().openid("alice"));
}

#[tokio::test]
async fn a_lasting_behaviour_lasts_until_it_is_taken_back() {
    let emulators = start().await;
    emulators.wechat().always(Some(Behaviour::Errcode(45011)));
    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 45011);
    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 45011);

    emulators.wechat().always(None);

    assert_session(&exchange(&emulators, "dev-alice-1").await, &emulators.wechat().openid("alice"));
}

#[tokio::test]
async fn an_issued_code_is_good_once_and_for_its_time() {
    let emulators = start().await;
    let wechat = emulators.wechat();
    let (code, expired) = (wechat.issue_code("alice"), wechat.issue_code_for("alice", Duration::ZERO));

    assert_session(&exchange(&emulators, &code).await, &wechat.openid("alice"));
    assert_errcode(&exchange(&emulators, &code).await, 40163);
    assert_errcode(&exchange(&emulators, &expired).await, 40029);
}

#[tokio::test]
async fn a_changed_secret_refuses_the_old_one() {
    let emulators = start().await;
    emulators.wechat().set_secret("rotated");

    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 40125);
}

#[tokio::test]
async fn the_control_route_does_what_the_handle_does() {
    let emulators = start().await;

    let issued = control(&emulators, json!({ "issue": { "user": "alice" } })).await.json();
    assert_session(&exchange(&emulators, issued["code"].as_str().unwrap()).await, &emulators.wechat().openid("alice"));
    let expired = control(&emulators, json!({ "issue": { "user": "alice", "lifetime_seconds": 0 } })).await.json();
    assert_errcode(&exchange(&emulators, expired["code"].as_str().unwrap()).await, 40029);

    control(&emulators, json!({ "next": ["empty", { "errcode": 40226 }], "always": { "status": 503 } })).await;
    assert!(exchange(&emulators, "dev-alice-1").await.body.is_empty());
    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 40226);
    assert_eq!(exchange(&emulators, "dev-alice-1").await.status, 503);

    control(&emulators, json!({ "always": null, "secret": "rotated" })).await;
    assert_errcode(&exchange(&emulators, "dev-alice-1").await, 40125);
    assert_eq!(control(&emulators, json!({})).await.json()["calls"], 6);
    assert_eq!(control(&emulators, json!({ "reset": true })).await.json()["calls"], 0);
}

#[tokio::test]
async fn a_control_call_that_is_not_understood_is_refused_and_changes_nothing() {
    let emulators = start().await;

    for command in [json!({ "nxet": [] }), json!({ "next": ["explode"] }), json!({ "reset": true, "always": "x" })] {
        assert_eq!(control(&emulators, command).await.status, 400);
    }

    assert_session(&exchange(&emulators, "dev-alice-1").await, &emulators.wechat().openid("alice"));
}
