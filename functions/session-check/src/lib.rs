#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use serde::Serialize;
use session::{Caller, Sessions};
use web::{ApiError, Response, respond};

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
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        Self { sessions: Sessions::new(&config.sessions, aws.dynamodb()) }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.sessions.warm().await;
    }
}

#[derive(Serialize)]
struct Session<'a> {
    user_id: &'a str,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl<'a> Session<'a> {
    fn of(caller: &'a Caller) -> Self {
        Self { user_id: caller.user_id.as_str(), created_at: caller.created_at, expires_at: caller.expires_at }
    }
}

/// Answers with the caller's session.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    match *request.method() {
        Method::GET => {
            let caller = app.sessions.caller(request.headers(), now).await?;
            respond::ok(&Session::of(&caller))
        }
        _ => web::method_not_allowed(&[Method::DELETE, Method::GET, Method::POST]),
    }
}

#[cfg(test)]
mod tests;
