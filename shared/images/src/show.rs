//! What is seen of an image, and under which URL.

pub(crate) mod answer;
pub(crate) mod delivery;
mod lookup;

pub use answer::{Image, Resolved, TaskAnswer};
pub use delivery::{Delivery, Link};
pub use lookup::{Found, Images};
