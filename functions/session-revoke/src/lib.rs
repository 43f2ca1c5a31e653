#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use session::Sessions;
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

enum Scope {
    One,
    All,
}

/// Ends the caller's session, or all of the caller's sessions.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::DELETE {
        return web::method_not_allowed(&[Method::DELETE, Method::GET, Method::POST]);
    }
    let caller = app.sessions.caller(request.headers(), now).await?;
    match scope(&request)? {
        Scope::One => app.sessions.revoke(&caller).await?,
        Scope::All => app.sessions.revoke_all(&caller).await?,
    }
    Ok(respond::no_content())
}

fn scope(request: &Request) -> Result<Scope, ApiError> {
    match web::query(request, "scope")?.as_deref() {
        None => Ok(Scope::One),
        Some("all") => Ok(Scope::All),
        Some(_) => Err(ApiError::bad_request("The parameter scope can only be all.")),
    }
}

#[cfg(test)]
mod tests;
