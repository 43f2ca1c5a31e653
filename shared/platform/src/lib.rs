#![doc = include_str!("../README.md")]

mod attention;
pub mod aws;
pub mod clock;
pub mod config;
pub mod events;
mod failure;
pub mod invocation;
pub mod metrics;
mod patience;
pub mod retry;
pub mod row;
pub mod secret;
pub mod telemetry;

pub use attention::Attention;
pub use failure::Failure;
pub use patience::Patience;
