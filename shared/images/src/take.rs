//! How an image comes in: by a form through the API, or by a ticket straight to the bucket.

mod arrival;
pub(crate) mod avatars;
mod claim;
mod draft;
pub(crate) mod ingest;
mod post_policy;
mod task_list;
pub(crate) mod task_uploads;
pub(crate) mod tickets;

pub use arrival::Arrival;
pub use avatars::AvatarUploads;
pub use ingest::{Ingest, Ingested};
pub use task_uploads::TaskUploads;
pub use tickets::{Announced, Ticket, Tickets};
