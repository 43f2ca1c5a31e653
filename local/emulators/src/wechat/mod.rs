//! A fake of WeChat's `code2Session`.

mod behaviour;
mod routes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::crypto::{Checksum as _, Sha256};
use serde::Deserialize;

pub use self::behaviour::Behaviour;
use self::behaviour::SpeakingCode;
pub(crate) use self::routes::router;
use crate::{clock, random};

/// How long an issued code is good for, as at WeChat.
pub const CODE_LIFETIME: Duration = Duration::from_secs(300);

/// A handle on the fake WeChat: what it was asked, and how it answers next.
#[derive(Clone)]
pub struct WeChat {
    appid: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    secret: String,
    issued: BTreeMap<String, Issued>,
    used: BTreeSet<String>,
    next: VecDeque<Behaviour>,
    always: Option<Behaviour>,
    codes: Vec<String>,
    redirects_followed: usize,
}

struct Issued {
    user: String,
    expires: SystemTime,
}

/// The parameters of `code2Session`. An empty one counts as missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exchange {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

/// What WeChat says to an exchange.
enum Outcome {
    Session {
        openid: String,
        session_key: String,
    },
    Errcode(i64),
    /// Nothing: the code was not looked at.
    Untouched,
}

impl WeChat {
    pub(crate) fn new(appid: &str, secret: &str) -> Self {
        let state = State { secret: secret.to_owned(), ..State::default() };
        Self { appid: appid.into(), state: Arc::new(Mutex::new(state)) }
    }

    /// How often `code2Session` was called, refused calls included.
    pub fn calls(&self) -> usize {
        self.lock().codes.len()
    }

    /// The `js_code` of every call, in order; empty where it was missing.
    pub fn codes(&self) -> Vec<String> {
        self.lock().codes.clone()
    }

    /// How often a client followed the redirect of [`Behaviour::Redirect`], handing on whatever its URL held.
    pub fn redirects_followed(&self) -> usize {
        self.lock().redirects_followed
    }

    /// Queues a behaviour: the next calls take one each, before [`always`](Self::always) and before the codes' own.
    pub fn next(&self, behaviour: Behaviour) {
        self.lock().next.push_back(behaviour);
    }

    /// The behaviour of every call until told otherwise; `None` is the honest one.
    pub fn always(&self, behaviour: Option<Behaviour>) {
        self.lock().always = behaviour;
    }

    /// Changes the secret that WeChat expects; the old one is refused with 40125 from now on.
    pub fn set_secret(&self, secret: impl Into<String>) {
        self.lock().secret = secret.into();
    }

    /// Issues a code for `user`, good once and for [`CODE_LIFETIME`].
    pub fn issue_code(&self, user: &str) -> String {
        self.issue_code_for(user, CODE_LIFETIME)
    }

    /// Issues a code that is good once and for `lifetime`; zero makes one that has expired.
    pub fn issue_code_for(&self, user: &str, lifetime: Duration) -> String {
        let code = random::token();
        let issued = Issued { user: user.to_owned(), expires: clock::now() + lifetime };
        self.lock().issued.insert(code.clone(), issued);
        code
    }

    /// The openid of a test user: the same at every start.
    pub fn openid(&self, user: &str) -> String {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::checksum(format!("{}\n{user}", self.appid).as_bytes()));
        format!("o{}", &hash[..27])
    }

    /// Forgets calls, codes and behaviours. The expected secret stays.
    pub fn reset(&self) {
        let mut state = self.lock();
        *state = State { secret: std::mem::take(&mut state.secret), ..State::default() };
    }

    /// Takes one call: how it is to be answered, and the honest answer.
    fn take_call(&self, call: &Exchange) -> (Option<Behaviour>, Outcome) {
        let mut state = self.lock();
        state.codes.push(call.js_code.clone());
        let scripted = state.next.pop_front().or_else(|| state.always.clone());
        let spoken = SpeakingCode::parse(&call.js_code).and_then(|code| code.behaviour);
        let outcome = match (self.refusal(&state, call), scripted.as_ref().or(spoken.as_ref())) {
            (Some(errcode), _) => Outcome::Errcode(errcode),
            (None, Some(behaviour)) if !behaviour.exchanges() => Outcome::Untouched,
            (None, _) => self.exchange(&mut state, &call.js_code),
        };
        // What a code says about itself holds while it is good; a refusal of it is a plain one.
        let refused = matches!(outcome, Outcome::Errcode(_));
        (scripted.or(spoken.filter(|_| !refused)), outcome)
    }

    /// The `errcode` of a call that is wrong before its code is looked at.
    fn refusal(&self, state: &State, call: &Exchange) -> Option<i64> {
        match call {
            call if call.appid.is_empty() => Some(41002),
            call if call.secret.is_empty() => Some(41004),
            call if call.js_code.is_empty() => Some(41008),
            call if call.grant_type != "authorization_code" => Some(40002),
            call if *call.appid != *self.appid => Some(40013),
            call if call.secret != state.secret => Some(40125),
            _ => None,
        }
    }

    /// Uses a code up.
    fn exchange(&self, state: &mut State, code: &str) -> Outcome {
        if state.used.contains(code) {
            return Outcome::Errcode(40163);
        }
        let user = match state.issued.get(code) {
            Some(issued) if issued.expires <= clock::now() => None,
            Some(issued) => Some(issued.user.as_str()),
            None => SpeakingCode::parse(code).map(|code| code.user),
        };
        let Some(openid) = user.map(|user| self.openid(user)) else {
            return Outcome::Errcode(40029);
        };
        state.used.insert(code.to_owned());
        Outcome::Session { openid, session_key: random::session_key() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
