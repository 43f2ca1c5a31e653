#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{Cursor, Delivery, Images, Removal, Store, Task, TaskAnswer, Tasks, TasksConfig, Title};
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use serde::{Deserialize, Serialize};
use session::{Caller, Sessions};
use web::{ApiError, ErrorCode, IdempotencyKey, Response, respond};

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    tasks: TasksConfig,
    images: images::Config,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            tasks: TasksConfig::read(variables),
            images: images::Config::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    tasks: Tasks,
    images: Images,
    removal: Removal,
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
            images: Images::new(store.clone(), delivery),
            removal: Removal::new(store, tasks.clone()),
            tasks,
        }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.images.warm().await;
    }
}

/// Finds the route and answers it.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    let (method, route) = web::route(&request);
    match (method, route.as_str()) {
        (Method::POST, "/tasks") => create(app, request, now).await,
        (Method::GET, "/tasks") => list(app, request, now).await,
        (_, "/tasks") => web::method_not_allowed(&[Method::GET, Method::POST]),
        (Method::GET, "/tasks/{task_id}") => page(app, &request, now).await,
        (_, "/tasks/{task_id}") => web::method_not_allowed(&[Method::GET]),
        (Method::DELETE, "/tasks/{task_id}/images/{name}") => remove(app, &request, now).await,
        (_, "/tasks/{task_id}/images/{name}") => web::method_not_allowed(&[Method::DELETE]),
        _ => Err(ErrorCode::NotFound.into()),
    }
}

async fn create(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    #[derive(Default, Deserialize)]
    struct NewTask {
        title: Option<String>,
    }

    let caller = app.sessions.caller(request.headers(), now).await?;
    let new: NewTask = if request.body().is_empty() { NewTask::default() } else { web::json(&request)? };
    let title = new.title.map(Title::parse).transpose()?;
    let key = IdempotencyKey::of_header(request.headers())?;

    let task = app.tasks.create(&caller, title, key.as_ref(), now).await?;
    respond::created(&TaskAnswer::with_images(&task, Vec::new()))
}

async fn list(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Page<'a> {
        tasks: Vec<TaskAnswer<'a>>,
        cursor: Option<String>,
    }

    let caller = app.sessions.caller(request.headers(), now).await?;
    let cursor = web::query(&request, "cursor")?.map(|text| Cursor::parse(&text)).transpose()?;

    let page = app.tasks.list(&caller, cursor.as_ref()).await?;
    respond::ok(&Page {
        tasks: page.tasks.iter().map(|task| TaskAnswer::listed(task, caller.user_id.as_str())).collect(),
        cursor: page.cursor.as_ref().map(Cursor::encode),
    })
}

async fn page(app: &App, request: &Request, now: Timestamp) -> Result<Response, ApiError> {
    let (_caller, task) = caller_and_task(app, request, now).await?;
    let images = app.images.of_task(&task, now).await?;
    respond::ok(&TaskAnswer::with_images(&task, images))
}

async fn remove(app: &App, request: &Request, now: Timestamp) -> Result<Response, ApiError> {
    let name = web::path_parameter(request, "name")?;
    let (_caller, task) = caller_and_task(app, request, now).await?;
    app.removal.remove(task, &name, now).await?;
    Ok(respond::no_content())
}

/// The session and the task are read side by side: one round trip. A malformed session costs none.
async fn caller_and_task(app: &App, request: &Request, now: Timestamp) -> Result<(Caller, Task), ApiError> {
    let task_id = web::path_parameter(request, "task_id")?;
    let session = app.sessions.caller(request.headers(), now);
    // The task's failure is kept until the caller is known.
    let task = async { Ok(app.tasks.find(&task_id).await) };
    let (caller, task) = tokio::try_join!(biased; session, task)?;
    let task = task?.and_then(|task| task.owned_by(&caller)).ok_or(ErrorCode::TaskNotFound)?;
    Ok((caller, task))
}

#[cfg(test)]
mod tests;
