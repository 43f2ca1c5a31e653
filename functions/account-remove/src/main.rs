//! The Lambda program: wires and nothing else.

use account_remove::{App, Config, handle};
use lambda_http::lambda_runtime::{self, service_fn};
use platform::{Patience, aws, clock, config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let patience = Patience::ANSWERING;
    let app = &App::new(config::from_env(Config::read)?, aws::http_client(), patience);
    aws::warm(app.warm()).await;
    let handle = |request, now| handle(app, request, now);
    lambda_runtime::run(service_fn(|event| web::serve(event, clock::now(), patience.deadline, handle))).await
}
