//! How an image ends: its owner deletes it, or leaves; and its objects follow its row.

mod belongings;
mod removal;
mod sweep;
mod told;

pub use belongings::{Avatars, Belongings};
pub use removal::Removal;
pub use sweep::{RowChange, Sweep};
pub use told::{Detail, Told};
