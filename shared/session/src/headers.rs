use http::HeaderMap;

use crate::error::SessionError;
use crate::ids::{SessionId, UserId};

/// Spellings of the two headers. nginx and ALB drop names with an underscore, so there are others.
const SESSION_ID: [&str; 3] = ["session_id", "session-id", "x-session-id"];
const USER_ID: [&str; 3] = ["user_id", "user-id", "x-user-id"];

/// What a client presents: well formed, not yet known to be true.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) user_id: UserId,
    pub(crate) session_id: SessionId,
}

impl Presented {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, SessionError> {
        let session_id = agreed(headers, SESSION_ID)?;
        let user_id = agreed(headers, USER_ID)?;
        Ok(Self {
            session_id: SessionId::parse(session_id).ok_or(SessionError::Malformed)?,
            user_id: UserId::parse(user_id).ok_or(SessionError::Malformed)?,
        })
    }
}

/// The one value that all spellings agree on. HTTP API joins a doubled header with a comma, which no id contains;
/// elsewhere it comes as two values. Either way "first wins" would let two readers see two callers.
fn agreed<'a>(headers: &'a HeaderMap, spellings: [&str; 3]) -> Result<&'a str, SessionError> {
    let mut value = None;
    for spelling in spellings {
        let mut values = headers.get_all(spelling).iter();
        let (Some(here), None) = (values.next(), values.next()) else {
            if headers.contains_key(spelling) {
                return Err(SessionError::Malformed);
            }
            continue;
        };
        if value.is_some_and(|value| value != here) {
            return Err(SessionError::Malformed);
        }
        value = Some(here);
    }
    value.ok_or(SessionError::Missing)?.to_str().map_err(|_| SessionError::Malformed)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const USER: &str = "5e550000-0000-4000-8000-00000000a11c";
    const SESSION: &str = "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU";

    fn presented(headers: &[(&str, &str)]) -> Result<Presented, SessionError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        Presented::of(&map)
    }

    #[test]
    fn every_spelling_is_read_in_any_case() {
        for (session, user) in [
            ("session_id", "user_id"),
            ("Session-Id", "User-Id"),
            ("X-SESSION-ID", "x-user-id"),
            ("session_id", "user-id"),
        ] {
            let presented = presented(&[(session, SESSION), (user, USER)]).unwrap();
            assert_eq!((presented.session_id.expose(), presented.user_id.as_str()), (SESSION, USER));
        }
    }

    #[test]
    fn two_spellings_must_agree() {
        let other = SESSION.replace('d', "e");
        let both = |second| presented(&[("session_id", SESSION), ("session-id", second), ("user_id", USER)]);
        assert!(both(SESSION).is_ok());
        assert_eq!(both(&other), Err(SessionError::Malformed));
    }

    #[test]
    fn a_doubled_header_is_refused_however_it_comes() {
        let joined = format!("{SESSION},{SESSION}");
        assert_eq!(presented(&[("session_id", &joined), ("user_id", USER)]), Err(SessionError::Malformed));
        assert_eq!(
            presented(&[("session_id", SESSION), ("session_id", SESSION), ("user_id", USER)]),
            Err(SessionError::Malformed)
        );
    }

    #[test]
    fn one_header_alone_is_no_session() {
        assert_eq!(presented(&[]), Err(SessionError::Missing));
        assert_eq!(presented(&[("session_id", SESSION)]), Err(SessionError::Missing));
        assert_eq!(presented(&[("user_id", USER)]), Err(SessionError::Missing));
    }

    #[test]
    fn a_session_in_a_cookie_or_behind_bearer_is_none() {
        let cookie = format!("session_id={SESSION}; user_id={USER}");
        let bearer = format!("Bearer {SESSION}");
        assert_eq!(presented(&[("cookie", &cookie), ("authorization", &bearer)]), Err(SessionError::Missing));
    }
}
