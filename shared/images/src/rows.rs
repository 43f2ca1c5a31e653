//! What is kept, and how: rows, names, keys and lives. Nothing here shows, takes or ends an image by itself.
#![warn(clippy::wildcard_enum_match_arm, reason = "a state that an arm forgets can cost the owner an image")]

pub(crate) mod bucket;
pub(crate) mod keys;
pub(crate) mod lives;
pub(crate) mod name;
pub(crate) mod owned;
pub(crate) mod reason;
pub(crate) mod row;
pub(crate) mod rules;
pub(crate) mod sight;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod table;
pub(crate) mod tasks;
pub(crate) mod variant;
