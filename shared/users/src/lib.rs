#![doc = include_str!("../README.md")]

mod account;
mod closing;
mod config;
mod identity;
mod login;
mod users;

pub use account::Account;
pub use closing::{Closing, Pass};
pub use config::{Config, RemovalConfig};
pub use login::User;
pub use users::Users;
