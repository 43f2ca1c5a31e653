//! Being signed in, and whether the headers of a session arrive in every spelling.

use std::fmt;

use http::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::address::Address;
use crate::client::{Answer, Client, Request};
use crate::contract::refused;
use crate::finding::{Checked, Finding, Trouble};

/// A living session.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user_id: String,
    /// The secret half.
    pub session_id: String,
}

/// Leaves the secret half out.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Who looks: somebody with a session that was given or made here, or a stranger.
pub(crate) enum Guest {
    Given(Session),
    SignedIn(Session),
    Stranger,
}

/// The two spellings of the session headers.
#[derive(Clone, Copy)]
struct Spelling {
    session_id: &'static str,
    user_id: &'static str,
}

const UNDERSCORES: Spelling = Spelling { session_id: "session_id", user_id: "user_id" };
const HYPHENS: Spelling = Spelling { session_id: "session-id", user_id: "user-id" };

impl Spelling {
    fn call(self, to: Address, session: &Session) -> Request {
        let request = Request::get(to).header(self.session_id, session.session_id.as_str());
        request.header(self.user_id, session.user_id.as_str())
    }
}

impl Guest {
    /// Signs in where there is a fake WeChat that takes made-up codes, as behind `make local`. None is tried elsewhere.
    pub(crate) async fn arrive(client: &Client, front: &Address, given: Option<Session>) -> Self {
        match given {
            Some(session) => Self::Given(session),
            None if front.is_local() => sign_in(client, front).await.map_or(Self::Stranger, Self::SignedIn),
            None => Self::Stranger,
        }
    }

    fn session(&self) -> Option<&Session> {
        match self {
            Self::Given(session) | Self::SignedIn(session) => Some(session),
            Self::Stranger => None,
        }
    }

    /// Signs out again, and looks whether that is believed at once. A session that was given stays.
    pub(crate) async fn leave(self, client: &Client, front: &Address) -> Option<Finding> {
        match self {
            Self::SignedIn(session) => Some(Finding::of("sign out", sign_out(client, front, &session).await)),
            Self::Given(_) | Self::Stranger => None,
        }
    }
}

async fn sign_in(client: &Client, front: &Address) -> Option<Session> {
    let body = format!(r#"{{"code":"dev-doctor-{}"}}"#, Uuid::new_v4().simple());
    let login = Request::post(front.below("/session").ok()?, "application/json", body);
    let answer = client.send(login).await.ok().filter(|answer| answer.status == 201)?;
    Some(Session { user_id: answer.text_field("user_id")?, session_id: answer.text_field("session_id")? })
}

async fn sign_out(client: &Client, front: &Address, session: &Session) -> Checked {
    let address = front.below("/session")?;
    let leave = Request::new(Method::DELETE, address.clone())
        .header(HYPHENS.session_id, session.session_id.as_str())
        .header(HYPHENS.user_id, session.user_id.as_str());
    let answer = client.send(leave).await?;
    if answer.status != 204 {
        let seen = format!("expected 204, got {}", answer.summary());
        return Err(Trouble::fail(seen, "look at the log of session-revoke"));
    }
    let after = client.send(HYPHENS.call(address, session)).await?;
    refused(&after, 401, "session_invalid").map(|seen| format!("204, and {seen} afterwards"))
}

/// nginx and some load balancers drop headers with an underscore in their name, without a word.
pub(crate) struct HeaderCheck<'a> {
    pub(crate) client: &'a Client,
    pub(crate) front: &'a Address,
    pub(crate) guest: &'a Guest,
}

impl HeaderCheck<'_> {
    pub(crate) async fn run(self) -> Checked {
        match self.guest.session() {
            Some(session) => self.with_session(session).await,
            None => self.by_size().await,
        }
    }

    async fn with_session(&self, session: &Session) -> Checked {
        let hyphens = self.get(HYPHENS, session).await?;
        if hyphens.status != 200 {
            let seen = format!("the session itself is refused: {}", hyphens.summary());
            return Err(Trouble::fail(seen, "sign in anew and give the new session"));
        }
        let underscores = self.get(UNDERSCORES, session).await?;
        if underscores.status == 200 {
            Ok("session_id and session-id arrive, seen with a session".to_owned())
        } else {
            Err(dropped(&underscores))
        }
    }

    /// What a stranger can see: API Gateway takes 10,240 bytes of headers, whatever their names. With large session
    /// headers a request is above that and without them below, so that the function answers only if they were dropped.
    async fn by_size(&self) -> Checked {
        let large = Session { user_id: "u".repeat(3000), session_id: "s".repeat(3000) };
        let hyphens = self.send(with_ballast(HYPHENS.call(self.front.below("/session")?, &large))).await?;
        let underscores = self.send(with_ballast(UNDERSCORES.call(self.front.below("/session")?, &large))).await?;
        match (is_of_the_function(&hyphens), is_of_the_function(&underscores)) {
            (false, false) => Ok("session_id and session-id arrive, seen by API Gateway's limit on headers".to_owned()),
            (false, true) => Err(dropped(&underscores)),
            (true, _) => Err(Trouble::not_checked(
                "no limit on headers to see it by, and no session at hand",
                "set DOCTOR_SESSION_ID and DOCTOR_USER_ID to those of a signed-in user (DevTools, Network)",
            )),
        }
    }

    async fn get(&self, spelling: Spelling, session: &Session) -> Result<Answer, Trouble> {
        self.send(spelling.call(self.front.below("/session")?, session)).await
    }

    async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        Ok(self.client.send(request).await?)
    }
}

fn with_ballast(request: Request) -> Request {
    let ballast = "b".repeat(2200);
    request
        .header("x-ballast-1", ballast.as_str())
        .header("x-ballast-2", ballast.as_str())
        .header("x-ballast-3", ballast)
}

fn is_of_the_function(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer.status == 401 && body["error"] == "session_invalid"
}

fn dropped(answer: &Answer) -> Trouble {
    Trouble::fail(
        format!("session-id arrives, session_id does not ({})", answer.status),
        "let the proxy pass such names (nginx: underscores_in_headers on), or send session-id and user-id only",
    )
}
