//! Refusals: the right status, in the one shape that mini-programs understand.

use serde_json::Value;
use uuid::Uuid;

use crate::address::Address;
use crate::client::{Answer, Client, Request};
use crate::finding::{Checked, Trouble};

pub(crate) async fn a_bad_code_is_refused(client: &Client, front: &Address) -> Checked {
    // Letters and digits, as WeChat's own, so that it is WeChat who refuses it.
    let body = format!(r#"{{"code":"doctor{}"}}"#, Uuid::new_v4().simple());
    let answer = client.send(Request::post(front.below("/session")?, "application/json", body)).await?;
    match (answer.status, answer.text_field("error").as_deref()) {
        (503, Some("wechat_unavailable")) => Err(Trouble::fail(
            "503 wechat_unavailable: WeChat was not reached, or refused our app id or secret",
            "put the app secret again (make deploy SECRET=ask), compare the app id, then look for \"wechat refuses\" in the \
             log of session-login",
        )),
        (429, _) => Err(Trouble::not_checked("429, too many failed logins from here", "try again in a minute")),
        _ => refused(&answer, 401, "code_invalid"),
    }
}

pub(crate) async fn a_call_without_session_is_refused(client: &Client, front: &Address) -> Checked {
    let answer = client.send(Request::get(front.below("/session")?)).await?;
    refused(&answer, 401, "session_invalid")
}

pub(crate) async fn an_unknown_route_is_refused(client: &Client, front: &Address) -> Checked {
    let answer = client.send(Request::get(front.below("/doctor/no-such-route")?)).await?;
    refused(&answer, 404, "not_found")
}

/// Whether an answer is that refusal in our shape.
pub(crate) fn refused(answer: &Answer, status: u16, error: &str) -> Checked {
    let advice =
        "see that the address is that of the API itself (stack output ApiUrl) and that nothing before it answers";
    let expected = format!("expected {status} {error}, got {}", answer.summary());
    if answer.status != status || answer.text_field("error").as_deref() != Some(error) {
        return Err(Trouble::fail(expected, advice));
    }
    match missing_of_shape(answer) {
        None => Ok(format!("{status} {error}")),
        Some(missing) => Err(Trouble::fail(
            format!("{status} {error}, but {missing}"),
            "see what before the API rewrites its answers; docs/errors.md has the shape",
        )),
    }
}

fn missing_of_shape(answer: &Answer) -> Option<&'static str> {
    let is_json = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_of_status = body["errcode"].as_u64().is_some_and(|code| code / 100 == u64::from(answer.status));
    match () {
        () if !is_json => Some("it is not called application/json"),
        () if !is_of_status => Some("errcode does not belong to the status"),
        () if !body["errmsg"].is_string() => Some("errmsg is missing"),
        () if !body["request_id"].is_string() => Some("request_id is missing"),
        () => None,
    }
}
