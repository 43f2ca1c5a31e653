//! How an image ends: its owner deletes it, and its objects follow its row.

mod removal;
mod sweep;

pub use removal::Removal;
pub use sweep::{RowChange, Sweep};
