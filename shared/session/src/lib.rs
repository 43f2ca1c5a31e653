#![doc = include_str!("../README.md")]

mod api_error;
mod config;
mod error;
mod headers;
mod ids;
mod login_limit;
mod rules;
mod sessions;

pub use config::{Config, LoginConfig};
pub use error::SessionError;
pub use ids::{SessionId, UserId, UserSeed};
pub use login_limit::LoginLimit;
pub use rules::{Life, Times};
pub use sessions::{Caller, Issued, Sessions};
