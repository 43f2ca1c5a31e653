//! S3 that is down, to see what callers make of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

const SLOW_DOWN: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
);

/// Whether S3 is down: then every request is answered 503 `SlowDown`. Clones share the state.
#[derive(Debug, Clone, Default)]
pub struct Outage(Arc<AtomicBool>);

impl Outage {
    /// Begins or ends it.
    pub fn set(&self, down: bool) {
        self.0.store(down, Ordering::Relaxed);
    }
}

pub(super) async fn refuse(State(outage): State<Outage>, request: Request, next: Next) -> Response {
    if outage.0.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, "application/xml")], SLOW_DOWN).into_response();
    }
    next.run(request).await
}
