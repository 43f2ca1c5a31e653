//! The emulators, driven over their sockets by the real SDKs and by plain HTTP.

mod clients;
mod s3;
mod wechat;
