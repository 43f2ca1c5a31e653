//! The exchange as text: what is asked, and what an answer means.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::error::{Fault, Refusal, Rid, WeChatError};
use crate::openid::OpenId;

/// Everything but the unreserved characters of RFC 3986: a value cannot end its parameter, begin another, or leave the
/// query.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Path and query of the exchange. Never to be logged: it holds the secret and the code.
pub(crate) fn target(app_id: &str, secret: &str, code: &str) -> String {
    let [app_id, secret, code] = [app_id, secret, code].map(|value| utf8_percent_encode(value, VALUE));
    format!("/sns/jscode2session?appid={app_id}&secret={secret}&js_code={code}&grant_type=authorization_code")
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    errcode: Option<i64>,
    #[serde(borrow, default)]
    errmsg: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    openid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    session_key: Option<Cow<'a, str>>,
}

/// Reads WeChat's answer, whatever its content type says. The session key is required, as a sign that the exchange took
/// place, and goes no further.
pub(crate) fn read(body: &[u8]) -> Result<OpenId, WeChatError> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Fault::Malformed)?;
    let errcode = answer.errcode.unwrap_or(0);
    if errcode != 0 {
        let rid = answer.errmsg.as_deref().and_then(Rid::find);
        return Err(Refusal { errcode, rid }.into());
    }
    match (answer.openid.as_deref().and_then(OpenId::parse), answer.session_key.as_deref()) {
        (None, _) | (_, None | Some("")) => Err(Fault::Incomplete.into()),
        (Some(openid), Some(_)) => Ok(openid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#""session_key":"HyVFkGl5F5OQWJZZaNzBBg==""#;

    fn refusal(errcode: i64) -> Refusal {
        Refusal { errcode, rid: None }
    }

    #[test]
    fn no_value_can_leave_its_parameter() {
        let target = target("wx 1", "a/b+c=", "x&secret=y#z%00?\r\nHost: evil");

        assert_eq!(
            target,
            "/sns/jscode2session?appid=wx%201&secret=a%2Fb%2Bc%3D\
             &js_code=x%26secret%3Dy%23z%2500%3F%0D%0AHost%3A%20evil&grant_type=authorization_code"
        );
    }

    #[test]
    fn an_answer_without_an_errcode_or_with_zero_is_a_success() {
        for errcode in ["", r#""errcode":0,"errmsg":"ok","#, r#""errcode":null,"#] {
            let openid = read(format!(r#"{{{errcode}"openid":"oAlice",{KEY},"unionid":"u"}}"#).as_bytes()).unwrap();
            assert_eq!(openid.expose(), "oAlice");
        }
    }

    #[test]
    fn each_errcode_has_its_meaning() {
        for (errcode, meaning) in [
            (40029, WeChatError::CodeInvalid(refusal(40029))),
            (40163, WeChatError::CodeInvalid(refusal(40163))),
            (40226, WeChatError::Blocked(refusal(40226))),
            (45011, WeChatError::Busy(refusal(45011))),
            (40013, WeChatError::SecretRefused(refusal(40013))),
            (40125, WeChatError::SecretRefused(refusal(40125))),
            (-1, WeChatError::Unavailable(Fault::Refusal(refusal(-1)))),
            (41002, WeChatError::Unavailable(Fault::Refusal(refusal(41002)))),
            (7, WeChatError::Unavailable(Fault::Refusal(refusal(7)))),
        ] {
            // An openid beside an errcode is not to be trusted.
            let body = format!(r#"{{"errcode":{errcode},"errmsg":"words","openid":"oAlice",{KEY}}}"#);
            assert_eq!(read(body.as_bytes()), Err(meaning));
        }
    }

    #[test]
    fn an_error_keeps_the_rid_and_none_of_the_words() {
        let body = br#"{"errcode":40029,"errmsg":"invalid code dev-alice-1, rid: 652d44d0-1d0af18b-5b069232"}"#;

        let error = read(body).unwrap_err();

        assert_eq!(error.to_string(), "wechat refuses the code: errcode 40029, rid 652d44d0-1d0af18b-5b069232");
        assert!(!format!("{error:?}").contains("alice"), "{error:?}");
    }

    #[test]
    fn an_answer_without_openid_or_session_key_is_no_answer() {
        for body in [
            "{}".to_owned(),
            format!("{{{KEY}}}"),
            format!(r#"{{"openid":"",{KEY}}}"#),
            format!(r#"{{"openid":null,{KEY}}}"#),
            format!(r#"{{"openid":"a b",{KEY}}}"#),
            format!(r#"{{"openid":"{}",{KEY}}}"#, "o".repeat(129)),
            r#"{"openid":"oAlice"}"#.to_owned(),
            r#"{"openid":"oAlice","session_key":""}"#.to_owned(),
        ] {
            assert_eq!(read(body.as_bytes()), Err(Fault::Incomplete.into()), "{body}");
        }
    }

    #[test]
    fn what_is_not_wechats_json_is_no_answer() {
        let deep = "[".repeat(10_000);
        for body in [
            "",
            "null",
            "\"oAlice\"",
            "<html></html>",
            r#"{"openid":"oAli"#,
            r#"{"openid":1,"session_key":"k"}"#,
            r#"{"errcode":"40029"}"#,
            r#"{"openid":"oAlice","openid":"oBob","session_key":"k"}"#,
            &deep,
        ] {
            assert_eq!(read(body.as_bytes()), Err(Fault::Malformed.into()), "{body:.40}");
        }
    }
}
