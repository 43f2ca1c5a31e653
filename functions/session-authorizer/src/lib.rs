#![doc = include_str!("../README.md")]

mod answer;
mod event;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use lambda_http::LambdaEvent;
use platform::aws::{self, Aws};
use platform::config::Variables;
use session::{Caller, Sessions};
use tokio::time::Instant;
use web::{ApiError, ErrorCode, REQUEST_DEADLINE};

pub use answer::Answer;
pub use event::Event;

/// What this function is told by its environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
}

impl Config {
    /// Reads all of it.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { aws: aws::Config::read(variables), sessions: session::Config::read(variables) }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient) -> Self {
        let aws = Aws::new(config.aws, http);
        Self { sessions: Sessions::new(&config.sessions, aws.dynamodb()) }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        aws::warm(self.sessions.warm()).await;
    }
}

/// Answers whether the sender of these headers has a living session, and whose it is. Writes one log line.
///
/// # Errors
/// `busy` or `internal` where that is not known, in 4.5 s at most: a failed check is no refusal.
pub async fn handle(app: &App, event: LambdaEvent<Event>, now: Timestamp) -> Result<Answer, ApiError> {
    let started = Instant::now();
    let Event { headers, form, request_id } = event.payload;
    let caller = web::within(REQUEST_DEADLINE, app.sessions.caller(&headers, now)).await;
    log(&request_id, event.context.xray_trace_id.as_deref(), &caller, started.elapsed());
    match caller {
        Ok(caller) => Ok(Answer::allow(form, &caller)),
        Err(error) if error.code() == ErrorCode::SessionInvalid => Ok(Answer::deny(form)),
        Err(error) => Err(error),
    }
}

fn log(request_id: &str, trace_id: Option<&str>, caller: &Result<Caller, ApiError>, duration: Duration) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match caller {
        Ok(caller) => {
            tracing::info!(request_id, trace_id, duration_ms, user_id = caller.user_id.as_str(), "authorized")
        }
        Err(error) if error.code() == ErrorCode::SessionInvalid => {
            tracing::info!(request_id, trace_id, duration_ms, %error, "refused");
        }
        Err(error) => tracing::error!(request_id, trace_id, duration_ms, %error, "not checked"),
    }
}

#[cfg(test)]
mod tests;
