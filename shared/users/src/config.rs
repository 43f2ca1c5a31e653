use jiff::SignedDuration;
use platform::config::{Variable, Variables};

static USERS_TABLE: Variable =
    Variable { name: "USERS_TABLE", meaning: "Table of users: identities and accounts.", default: None };
static ACCOUNT_QUIET_SECONDS: Variable = Variable {
    name: "ACCOUNT_QUIET_SECONDS",
    meaning: "Two passes over an account that is being removed are so many seconds apart: 1 to 86400. For tests; nothing that was \
              let in before may be under way for longer.",
    default: Some("1200"),
};

/// Where users are kept.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) table: String,
}

impl Config {
    /// Reads the users table.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { table: variables.required(&USERS_TABLE) }
    }
}

/// How accounts are removed.
#[derive(Clone, Copy, Debug)]
pub struct RemovalConfig {
    /// The time between two passes.
    pub quiet: SignedDuration,
}

impl RemovalConfig {
    /// Reads the time between two passes.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let seconds = variables.number(&ACCOUNT_QUIET_SECONDS, 1..=86400);
        Self { quiet: SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)) }
    }
}
