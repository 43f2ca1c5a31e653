//! `GET /hello`: a function that knows who calls.

use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::lambda_runtime::{self, service_fn};
use platform::aws::{self, Aws};
use platform::{Patience, clock, config, telemetry};
use session::Sessions;
use web::{ApiError, Response, respond};

/// Greets the caller by their user id.
pub(crate) async fn handle(sessions: &Sessions, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    let caller = sessions.caller(request.headers(), now).await?;
    respond::ok(&format!("hello, {}", caller.user_id))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let (aws, table) = config::from_env(|told| (aws::Config::read(told), session::Config::read(told)))?;
    let patience = Patience::ANSWERING;
    let sessions = &Sessions::new(&table, Aws::new(aws, aws::http_client(), patience).dynamodb());
    let handle = |request, now| handle(sessions, request, now);
    lambda_runtime::run(service_fn(|event| web::serve(event, clock::now(), patience.deadline, handle))).await
}
