#![doc = include_str!("../README.md")]

mod account;
mod config;
mod identity;
mod login;
mod users;

pub use account::Account;
pub use config::Config;
pub use login::User;
pub use users::Users;
