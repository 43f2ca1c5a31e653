#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{Delivery, Image, Store, TaskUploads, Tasks, TasksConfig, UploadConfig};
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use session::Sessions;
use web::{ApiError, ErrorCode, Response, respond};

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    tasks: TasksConfig,
    images: images::Config,
    limits: UploadConfig,
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
            limits: UploadConfig::read(variables),
            max_task_images: images::read_max_task_images(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    tasks: Tasks,
    uploads: TaskUploads,
    max_image_bytes: u64,
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
            uploads: TaskUploads::new(store, tasks.clone(), delivery, &config.limits, config.max_task_images),
            tasks,
            max_image_bytes: config.limits.max_image_bytes,
        }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.uploads.warm().await;
    }
}

/// Adds one image to a task and answers with it.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    let (method, route) = web::route(&request);
    match (method, route.as_str()) {
        (Method::POST, "/tasks/{task_id}/images") => {
            let task_id = web::path_parameter(&request, "task_id")?;
            let image = add(app, request, Some(task_id), now).await?;
            respond::created(&image)
        }
        (Method::POST, "/task/postImage") => {
            let image = add(app, request, None, now).await?;
            respond::ok(&image.name)
        }
        (_, "/tasks/{task_id}/images" | "/task/postImage") => web::method_not_allowed(&[Method::POST]),
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// Adds an image to the task of the path or, in the seed route, of the form.
async fn add(app: &App, request: Request, task_id: Option<String>, now: Timestamp) -> Result<Image, ApiError> {
    let (parts, body) = request.into_parts();
    // The form is read first, for its task; its fault waits until the caller is known.
    let form = web::image_form(&parts.headers, body, app.max_image_bytes);
    let task_id = task_id.or_else(|| form.as_ref().ok()?.task_id.clone()).unwrap_or_default();

    // Side by side, but a malformed session costs no read; the task's failure, too, waits until the caller is known.
    let session = app.sessions.caller(&parts.headers, now);
    let task = async { Ok(app.tasks.find(&task_id).await) };
    let (caller, task) = tokio::try_join!(biased; session, task)?;
    let form = form?;
    let task = task?.and_then(|task| task.owned_by(&caller)).ok_or(ErrorCode::TaskNotFound)?;

    Ok(app.uploads.accept(&caller, &task, &form, now).await?)
}

#[cfg(test)]
mod tests;
