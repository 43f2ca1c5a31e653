use std::time::Duration;

use platform::config::{Variable, Variables};

use crate::rules::Times;

const DAY: u64 = 24 * 3600;

static SESSIONS_TABLE: Variable =
    Variable { name: "SESSIONS_TABLE", meaning: "Table of sessions and of failed logins.", default: None };
static SESSION_IDLE_SECONDS: Variable = Variable {
    name: "SESSION_IDLE_SECONDS",
    meaning: "A session ends after so many seconds without use: 1 to 31536000.",
    default: Some("604800"),
};
static SESSION_MAX_SECONDS: Variable = Variable {
    name: "SESSION_MAX_SECONDS",
    meaning: "A session ends so many seconds after login, used or not: at least the idle time, at most 31536000.",
    default: Some("2592000"),
};
static SESSION_RENEW_SECONDS: Variable = Variable {
    name: "SESSION_RENEW_SECONDS",
    meaning: "Use moves the idle end once so many seconds, or half of the idle time, have gone by: 1 to 31536000.",
    default: Some("3600"),
};
static LOGIN_RATE_PER_MINUTE: Variable = Variable {
    name: "LOGIN_RATE_PER_MINUTE",
    meaning: "Failed logins that one source address (IPv6: one /64) has in a minute: 0 (no limit) to 100000.",
    default: Some("30"),
};

/// What it takes to validate a session.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) table: String,
    pub(crate) times: Times,
}

impl Config {
    /// Reads the sessions table and the times.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let table = variables.required(&SESSIONS_TABLE);
        let idle = variables.number(&SESSION_IDLE_SECONDS, 1..=365 * DAY);
        let max = variables.number(&SESSION_MAX_SECONDS, 1..=365 * DAY);
        let renew = variables.number(&SESSION_RENEW_SECONDS, 1..=365 * DAY);
        if max < idle {
            variables.problem(&SESSION_MAX_SECONDS, "must not be less than SESSION_IDLE_SECONDS");
        }
        let [idle, max, renew] = [idle, max, renew].map(Duration::from_secs);
        Self { table, times: Times { idle, max, renew } }
    }
}

/// How many logins may fail.
#[derive(Clone, Debug)]
pub struct LoginConfig {
    pub(crate) failures_per_minute: u64,
}

impl LoginConfig {
    /// Reads the limit on failed logins.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { failures_per_minute: variables.number(&LOGIN_RATE_PER_MINUTE, 0..=100_000) }
    }
}
