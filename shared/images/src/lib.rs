#![doc = include_str!("../README.md")]

mod answer;
mod arrival;
mod avatars;
mod bucket;
mod claim;
mod config;
mod delivery;
mod image_rows;
mod images;
mod ingest;
mod name;
mod object;
mod post_policy;
mod sweep;
mod task_list;
mod task_uploads;
mod tasks;
mod tickets;
mod uploads;
mod variant;

pub use answer::{Image, Resolved, TaskAnswer};
pub use arrival::Arrival;
pub use avatars::AvatarUploads;
pub use config::{Config, IngestConfig, StorageConfig, TasksConfig, TicketConfig, UploadConfig, read_max_task_images};
pub use delivery::{Delivery, Link};
pub use images::{Found, Images};
pub use ingest::{Ingest, Ingested};
pub use name::{ImageName, TaskId};
pub use object::DefaultImage;
pub use sweep::{RowChange, Sweep};
pub use task_uploads::TaskUploads;
pub use tasks::{Cursor, Task, TaskPage, Tasks, Title};
pub use tickets::{Announced, Ticket, Tickets};
pub use variant::Size;
