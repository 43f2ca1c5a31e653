//! The emulators, driven over their sockets by the real SDKs and by plain HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the helpers of tests fail like tests")]

mod clients;
mod cors;
mod created;
mod durability;
mod dynamodb;
mod logs;
mod post_object;
mod s3;
mod secretsmanager;
mod seed;
mod stack;
mod wechat;
