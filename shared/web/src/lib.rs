#![doc = include_str!("../README.md")]

mod answer;
mod error;
mod event;
mod form;
mod idempotency;
mod multipart;
mod parameters;
mod request;
pub mod respond;

pub use answer::{answer, within};
pub use error::{ApiError, ErrorCode};
pub use event::serve;
pub use form::{ImageForm, image_form};
pub use idempotency::IdempotencyKey;
pub use request::{is_head, json, method_not_allowed, path_parameter, query, route, source_ip};

/// What a handler answers: headers and a body, as `lambda_http` sends them.
pub type Response = lambda_http::Response<lambda_http::Body>;
