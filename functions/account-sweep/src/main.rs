//! The Lambda program: wires and nothing else.

use account_sweep::{App, Config, handle};
use lambda_http::lambda_runtime::{self, service_fn};
use platform::{Patience, aws, clock, config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = &App::new(config::from_env(Config::read)?, aws::http_client(), Patience::BACKGROUND);
    lambda_runtime::run(service_fn(|event| handle(app, event, clock::now()))).await
}
