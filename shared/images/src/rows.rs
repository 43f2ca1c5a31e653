//! What is kept, and how: rows, names, keys and lives. Nothing here shows, takes or ends an image by itself.

pub(crate) mod bucket;
pub(crate) mod keys;
pub(crate) mod lives;
pub(crate) mod name;
pub(crate) mod row;
pub(crate) mod table;
pub(crate) mod tasks;
pub(crate) mod variant;
