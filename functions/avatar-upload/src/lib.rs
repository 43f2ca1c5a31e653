#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{AvatarUploads, Delivery, Store, UploadConfig};
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
    images: images::Config,
    limits: UploadConfig,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            images: images::Config::read(variables),
            limits: UploadConfig::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    avatars: AvatarUploads,
    max_image_bytes: u64,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let dynamodb = aws.dynamodb();
        let store = Store::new(&config.images.storage, dynamodb.clone(), aws.s3());
        let delivery = Delivery::new(&config.images, &store, &aws);
        Self {
            sessions: Sessions::new(&config.sessions, dynamodb),
            avatars: AvatarUploads::new(store, delivery, &config.limits),
            max_image_bytes: config.limits.max_image_bytes,
        }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.avatars.warm().await;
    }
}

/// Makes an image the caller's avatar and answers with it.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::POST {
        return web::method_not_allowed(&[Method::POST]);
    }
    let (parts, body) = request.into_parts();
    let caller = app.sessions.caller(&parts.headers, now).await?;
    let form = web::image_form(&parts.headers, body, app.max_image_bytes)?;

    let image = app.avatars.accept(&caller, &form, now).await?;
    respond::created(&image)
}

#[cfg(test)]
mod tests;
