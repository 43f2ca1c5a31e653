#![doc = include_str!("../README.md")]

mod config;
mod headers;
mod ids;
mod login_limit;
mod rules;
mod sessions;

pub use config::{Config, LoginConfig};
pub use headers::SessionError;
pub use ids::{SessionId, UserId, UserSeed};
pub use login_limit::LoginLimit;
pub use rules::{Life, Times};
pub use sessions::{Caller, Issued, Sessions};
