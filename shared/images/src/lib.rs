#![doc = include_str!("../README.md")]

mod api_error;
mod config;
mod end;
mod error;
mod rows;
mod show;
mod take;

pub use config::{
    Config, IngestConfig, StorageConfig, TableConfig, TasksConfig, TicketConfig, UploadConfig, read_max_task_images,
};
pub use end::{Avatars, Belongings, Detail, Removal, RowChange, Sweep, Told};
pub use error::ImageError;
pub use rows::keys::DefaultImage;
pub use rows::name::{ImageName, TaskId};
pub use rows::reason::Reason;
pub use rows::store::Store;
pub use rows::tasks::{Cursor, Task, TaskPage, Tasks, Title};
pub use rows::variant::Size;
pub use show::{Delivery, Found, Image, Images, Link, Resolved, TaskAnswer};
pub use take::{Announced, Arrival, AvatarUploads, Ingest, Ingested, TaskUploads, Ticket, Tickets};
