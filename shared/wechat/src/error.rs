use std::fmt;

use platform::Failure;

/// Why there is no openid. It holds nothing of the request, and of WeChat's text the [`Rid`] only.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WeChatError {
    /// The code is unknown, expired or used.
    #[error("wechat refuses the code: {0}")]
    CodeInvalid(Refusal),
    /// WeChat holds the user for high-risk.
    #[error("wechat blocks the login: {0}")]
    Blocked(Refusal),
    /// Too many exchanges in this minute.
    #[error("wechat limits us: {0}")]
    Busy(Refusal),
    /// Our app id or app secret is wrong. Logged as an ERROR event of its own; the secret has been read anew.
    #[error("wechat refuses app id or secret: {0}")]
    SecretRefused(Refusal),
    /// No answer, or none that makes sense. Whether the code is used up cannot be known.
    #[error("wechat is unavailable: {0}")]
    Unavailable(#[from] Fault),
    /// The app secret could not be read. The code was not sent.
    #[error("no app secret: {0}")]
    NoSecret(Failure),
}

impl From<Refusal> for WeChatError {
    fn from(refusal: Refusal) -> Self {
        match refusal.errcode {
            40029 | 40163 => Self::CodeInvalid(refusal),
            40226 => Self::Blocked(refusal),
            45011 => Self::Busy(refusal),
            40013 | 40125 => Self::SecretRefused(refusal),
            _ => Self::Unavailable(Fault::Refusal(refusal)),
        }
    }
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// The deadline passed, with no answer or part of one.
    #[error("no whole answer in time")]
    Slow,
    /// Refused, not found, reset or cut, before or within the answer.
    #[error("no connection, or one that broke")]
    Connection,
    /// Not followed: the URL holds the app secret.
    #[error("a redirect, status {0}")]
    Redirect(u16),
    /// Neither 200 nor a redirect.
    #[error("status {0}")]
    Status(u16),
    /// More than 64 KiB, of which no more were read.
    #[error("an answer that is too large")]
    TooLarge,
    /// Empty, HTML, truncated, or JSON of another form.
    #[error("an answer that is not WeChat's JSON")]
    Malformed,
    /// A success that lacks what makes it one.
    #[error("no openid or no session_key")]
    Incomplete,
    /// -1 (WeChat's own "try again"), or a code that has no meaning for us.
    #[error("{0}")]
    Refusal(Refusal),
}

/// An `errcode` other than 0.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// WeChat's number for what is wrong.
    pub errcode: i64,
    /// Its name for the exchange, where its text has one.
    pub rid: Option<Rid>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "errcode {}", self.errcode)?;
        match &self.rid {
            Some(rid) => write!(f, ", rid {rid}"),
            None => Ok(()),
        }
    }
}

/// WeChat's name for one exchange, such as `652d44d0-1d0af18b-5b069232`: what its support asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Rid(String);

impl Rid {
    /// Finds it in an error text. The rest of the text may repeat what we sent and goes nowhere.
    pub(crate) fn find(errmsg: &str) -> Option<Self> {
        let (_, rest) = errmsg.rsplit_once("rid: ")?;
        let rid = rest.split(|character: char| !character.is_ascii_hexdigit() && character != '-').next()?;
        let groups: Vec<_> = rid.split('-').map(str::len).collect();
        (groups == [8, 8, 8]).then(|| Self(rid.to_owned()))
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(errmsg: &str, expected: Option<&str>) {
        assert_eq!(Rid::find(errmsg).map(|rid| rid.to_string()).as_deref(), expected, "{errmsg}");
    }

    #[test]
    fn a_rid_is_found_by_its_shape() {
        check("invalid code, rid: 652d44d0-1d0af18b-5b069232", Some("652d44d0-1d0af18b-5b069232"));
        check("invalid code, rid: 652d44d0-1d0af18b-5b069232, hints", Some("652d44d0-1d0af18b-5b069232"));
    }

    #[test]
    fn what_has_not_the_shape_of_a_rid_is_none() {
        check("invalid code", None);
        check("invalid code, rid: ", None);
        check("invalid code, rid: dev-alice-1", None);
        check("invalid code, rid: 652d44d0-1d0af18b", None);
        check("invalid code, rid: 652d44d0-1d0af18b-5b069232-5b069232", None);
        check("invalid code, rid: 652d44d0-1d0af18b-5b06923212", None);
        check("invalid code, rid: 652d44dx-1d0af18b-5b069232", None);
        check("invalid code, hints: [ req_id: 652d44d0-1d0af18b-5b069232 ]", None);
    }
}
