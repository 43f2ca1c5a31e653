use serde::{Deserialize, Serialize};

/// How one answer of the fake WeChat departs from the honest one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// This `errcode` with HTTP 200; the code is not looked at.
    Errcode(i64),
    /// This HTTP status with an HTML body; the code is not looked at.
    Status(u16),
    /// The honest answer after this many milliseconds; the code is used up before the wait.
    Slow(u64),
    /// The code is used up, and the connection ends after half of the honest answer.
    Cut,
    /// No answer, for as long as the client waits; the code is not looked at.
    Silent,
    /// HTTP 200 without a body; the code is not looked at.
    Empty,
    /// HTTP 200 with an HTML page; the code is not looked at.
    Html,
    /// A redirect to a page that would give a session; the code is not looked at.
    Redirect,
    /// The honest answer without `openid`; the code is used up.
    NoOpenid,
    /// The honest answer without `session_key`; the code is used up.
    NoSessionKey,
    /// The honest answer in 8 MiB of JSON; the code is used up.
    Huge,
}

impl Behaviour {
    /// Whether the exchange itself takes place.
    pub(super) fn exchanges(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::Cut | Self::NoOpenid | Self::NoSessionKey | Self::Huge)
    }
}

/// What a code says about itself: `dev-<user>-<nonce>`, or `<behaviour>-<…>` as the README lists them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SpeakingCode<'a> {
    pub(super) behaviour: Option<Behaviour>,
    pub(super) user: &'a str,
}

impl<'a> SpeakingCode<'a> {
    pub(super) fn parse(code: &'a str) -> Option<Self> {
        let (word, rest) = code.split_once('-').unwrap_or((code, ""));
        let (behaviour, rest) = match word {
            "dev" => {
                let (user, nonce) = rest.rsplit_once('-')?;
                return (!user.is_empty() && !nonce.is_empty()).then_some(Self { behaviour: None, user });
            }
            "errcode" => with_number(rest, Behaviour::Errcode)?,
            "status" => with_number(rest, Behaviour::Status)?,
            "slow" => with_number(rest, Behaviour::Slow)?,
            "busy" => (Behaviour::Errcode(-1), rest),
            "expired" => (Behaviour::Errcode(40029), rest),
            "used" => (Behaviour::Errcode(40163), rest),
            "blocked" => (Behaviour::Errcode(40226), rest),
            "limited" => (Behaviour::Errcode(45011), rest),
            "cut" => (Behaviour::Cut, rest),
            "silent" => (Behaviour::Silent, rest),
            "empty" => (Behaviour::Empty, rest),
            "html" => (Behaviour::Html, rest),
            "redirect" => (Behaviour::Redirect, rest),
            "noopenid" => (Behaviour::NoOpenid, rest),
            "nokey" => (Behaviour::NoSessionKey, rest),
            "huge" => (Behaviour::Huge, rest),
            _ => return None,
        };
        let user = rest.rsplit_once('-').map_or("somebody", |(user, _)| user);
        Some(Self { behaviour: Some(behaviour), user })
    }
}

/// `<number>` or `<number>-<rest>`; the number may be negative.
fn with_number<N: std::str::FromStr>(text: &str, make: impl FnOnce(N) -> Behaviour) -> Option<(Behaviour, &str)> {
    let sign = usize::from(text.starts_with('-'));
    let end = text[sign..].find('-').map_or(text.len(), |at| sign + at);
    let number = text[..end].parse().ok()?;
    Some((make(number), text[end..].trim_start_matches('-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: Option<(Option<Behaviour>, &str)>) {
        let expected = expected.map(|(behaviour, user)| SpeakingCode { behaviour, user });
        assert_eq!(SpeakingCode::parse(code), expected, "{code}");
    }

    #[test]
    fn a_dev_code_names_its_user() {
        check("dev-alice-1", Some((None, "alice")));
        check("dev-a-b-c", Some((None, "a-b")));
    }

    #[test]
    fn an_unfinished_dev_code_is_an_unknown_code() {
        for code in ["dev", "dev-", "dev-alice", "dev-alice-", "dev--1"] {
            check(code, None);
        }
    }

    #[test]
    fn a_special_code_names_its_behaviour_and_perhaps_a_number_and_a_user() {
        check("errcode-45011", Some((Some(Behaviour::Errcode(45011)), "somebody")));
        check("errcode--1-x", Some((Some(Behaviour::Errcode(-1)), "somebody")));
        check("slow-1500-alice-7", Some((Some(Behaviour::Slow(1500)), "alice")));
        check("cut-alice-7", Some((Some(Behaviour::Cut), "alice")));
        check("silent", Some((Some(Behaviour::Silent), "somebody")));
    }

    #[test]
    fn a_special_code_without_its_number_is_an_unknown_code() {
        for code in ["errcode", "errcode-", "errcode-x", "slow--alice", "status-99999", "sesame"] {
            check(code, None);
        }
    }
}
