//! What the stories are told of: a stack of their own, or one that runs elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};

use gateway::stack::Stack;
use uuid::Uuid;

use crate::client::{User, sign_in};
use crate::start;

/// The address of a running stack. Unset, every story has a stack of its own.
const ENDPOINT: &str = "MINI_TEST_ENDPOINT";

/// `<user id>:<session id>` of users who have nothing yet, white space between them: for a stack whose WeChat takes no
/// code of ours. Each is given to one story only, which may end the session.
const SESSIONS: &str = "MINI_TEST_SESSIONS";

static SESSIONS_GIVEN: AtomicUsize = AtomicUsize::new(0);

/// A stack that is met over HTTP and in no other way, so that it may be any.
pub(crate) struct Target {
    base: String,
    /// Runs as long as the story.
    _own: Option<Stack>,
}

impl Target {
    pub(crate) async fn reach() -> Self {
        if let Some(endpoint) = environment(ENDPOINT) {
            return Self { base: endpoint.trim_end_matches('/').to_owned(), _own: None };
        }
        let stack = start().await;
        Self { base: stack.addresses().gateway.clone(), _own: Some(stack) }
    }

    /// The address of the HTTP API.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Signs in somebody who was never here before.
    pub(crate) async fn newcomer(&self, name: &str) -> User {
        match environment(SESSIONS) {
            Some(sessions) => next_of(&sessions),
            None => sign_in(&self.base, &code(name)).await,
        }
    }
}

/// A code that the fake WeChat takes once. Others may tell the same story on the same stack, so no name comes twice.
pub(crate) fn code(name: &str) -> String {
    format!("dev-{name}{}-1", Uuid::new_v4().simple())
}

fn next_of(sessions: &str) -> User {
    let given = SESSIONS_GIVEN.fetch_add(1, Ordering::Relaxed);
    let pair = sessions.split_whitespace().nth(given).unwrap_or_else(|| panic!("{SESSIONS}: {given} are too few"));
    let (user_id, session_id) = pair.split_once(':').unwrap_or_else(|| panic!("{SESSIONS}: no <user id>:<session id>"));
    User { user_id: user_id.to_owned(), session_id: session_id.to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "the environment says where the stories are told, not how they go")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
