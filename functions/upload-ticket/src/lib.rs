#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{Announced, Delivery, Store, Tasks, TasksConfig, Ticket, TicketConfig, Tickets};
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use serde::Deserialize;
use session::Sessions;
use web::{ApiError, ErrorCode, IdempotencyKey, Response, respond};

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    tasks: TasksConfig,
    images: images::Config,
    tickets: TicketConfig,
    max_task_images: usize,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            tasks: TasksConfig::read(variables),
            images: images::Config::read(variables),
            tickets: TicketConfig::read(variables),
            max_task_images: images::read_max_task_images(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    tasks: Tasks,
    tickets: Tickets,
    max_direct_bytes: u64,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let dynamodb = aws.dynamodb();
        let store = Store::new(&config.images.storage, dynamodb.clone(), aws.s3());
        let delivery = Delivery::new(&config.images, &store, &aws);
        let tasks = Tasks::new(&config.tasks, dynamodb.clone());
        Self {
            sessions: Sessions::new(&config.sessions, dynamodb),
            tickets: Tickets::new(store, tasks.clone(), delivery, &config.tickets, config.max_task_images, aws),
            tasks,
            max_direct_bytes: config.tickets.max_direct_bytes,
        }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.tickets.warm().await;
    }
}

/// Answers with a form that uploads one image to the bucket, or with the image that an earlier form uploaded.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::POST {
        return web::method_not_allowed(&[Method::POST]);
    }
    let task_id = web::path_parameter(&request, "task_id")?;
    // Side by side, but a malformed session costs no read; the task's failure waits until the caller is known.
    let session = app.sessions.caller(request.headers(), now);
    let task = async { Ok(app.tasks.find(&task_id).await) };
    let (caller, task) = tokio::try_join!(biased; session, task)?;
    let asked = Asked::read(&request, app.max_direct_bytes)?;
    let content_type = asked.content_type.ok_or_else(|| ApiError::bad_request("The content_type is missing."))?;
    let upload_id = IdempotencyKey::of_upload(request.headers(), asked.upload_id.as_deref())?;
    let task = task?.and_then(|task| task.owned_by(&caller)).ok_or(ErrorCode::TaskNotFound)?;
    let announced = Announced::new(&content_type, asked.bytes as u64, upload_id)?;

    match app.tickets.issue(&caller, &task, &announced, now).await? {
        Ticket::Form(form) => respond::created(&form),
        Ticket::Done(image) => respond::ok(&image),
    }
}

/// What a ticket is asked for, as it is sent.
#[derive(Deserialize)]
struct Asked {
    content_type: Option<String>,
    /// JSON has one kind of number: 81 may be sent as 81.0.
    bytes: f64,
    upload_id: Option<String>,
}

impl Asked {
    /// The size is judged first: an image that is too large is told so whatever else is wrong.
    fn read(request: &Request, max_bytes: u64) -> Result<Self, ApiError> {
        let asked: Self = web::json(request)?;
        if asked.bytes > max_bytes as f64 {
            return Err(ErrorCode::ImageTooLarge.into());
        }
        if asked.bytes < 1.0 || asked.bytes.fract() != 0.0 {
            return Err(ApiError::bad_request("The number of bytes must be a whole number above 0."));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests;
