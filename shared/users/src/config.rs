use platform::config::{Variable, Variables};

static USERS_TABLE: Variable =
    Variable { name: "USERS_TABLE", meaning: "Table of users: identities and accounts.", default: None };

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
