//! The Lambda program: wires and nothing else.

use lambda_http::lambda_runtime::{self, service_fn};
use platform::{aws, clock, config, telemetry};
use session_check::{App, Config, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App::new(config::from_env(Config::read)?, aws::http_client());
    app.warm().await;
    let app = &app;
    lambda_runtime::run(service_fn(|event| web::serve(event, clock::now(), |request, now| handle(app, request, now))))
        .await
}
