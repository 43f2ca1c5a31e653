#![doc = include_str!("../README.md")]

mod answer;
mod event;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use lambda_http::LambdaEvent;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::invocation::{Invocation, Refusal};
use serde::Serialize;
use session::Sessions;
use web::{ApiError, ErrorCode};

pub use answer::Answer;
pub use event::Event;

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { aws: aws::Config::read(variables), sessions: session::Config::read(variables) }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    deadline: Duration,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        Self { sessions: Sessions::new(&config.sessions, aws.dynamodb()), deadline: patience.deadline }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.sessions.warm().await;
    }
}

/// Answers whether the sender of these headers has a living session, and whose it is. Writes one log line.
///
/// # Errors
/// `busy` or `internal` where that is not known, in 4.5 s at most: a failed check is no refusal.
pub async fn handle(app: &App, event: LambdaEvent<Event>, now: Timestamp) -> Result<Answer, ApiError> {
    let Event { headers, form, request_id } = event.payload;
    let (function, trace) = (&event.context.env_config.function_name, event.context.xray_trace_id.as_deref());
    let invocation = Invocation::new(function, &request_id, trace, now);

    let check = async { Ok(app.sessions.caller(&headers, now).await?) };
    let (caller, ended) = invocation.run(web::within(app.deadline, check)).await;

    let refusal = caller.as_ref().err().map(Refusal::from);
    ended.log("check", Fields { authorized: caller.is_ok() }, refusal.as_ref());
    match caller {
        Ok(caller) => Ok(Answer::allow(form, &caller)),
        Err(error) if error.code() == ErrorCode::SessionInvalid => Ok(Answer::deny(form)),
        Err(error) => Err(error),
    }
}

/// The fields of the log line that only this function has.
#[derive(Serialize)]
struct Fields {
    authorized: bool,
}

#[cfg(test)]
mod tests;
