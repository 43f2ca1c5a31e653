#![doc = include_str!("../README.md")]

mod aws_json;
mod clock;
mod dynamodb;
mod eventbridge;
mod outbox;
mod random;
pub mod routing;
mod s3;
mod secretsmanager;
mod seed;
mod server;
mod stack;
pub mod template;
mod wechat;

pub use dynoxide::streams::shard_id;

pub use self::eventbridge::BusEvent;
pub use self::s3::Outage;
pub use self::s3::created::Created;
pub use self::secretsmanager::Secrets;
pub use self::seed::SeedError;
pub use self::server::BindFailure;
pub use self::stack::{
    ACCESS_KEY_ID, AccessKey, CLOUDFRONT_KEY, CLOUDFRONT_KEY_PAIR_ID, CLOUDFRONT_SECRET_NAME, Data, Emulators, Options,
    Ports, REGION, ResourceError, SECRET_ACCESS_KEY, StartError, StoredObject, WECHAT_APPID, WECHAT_SECRET_NAME,
};
pub use self::wechat::{Behaviour, CODE_LIFETIME, WeChat};
