#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{DefaultImage, Delivery, Found, Images, Link, Resolved, Size, Store};
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::metrics::{self, Metric};
use serde::{Deserialize, Serialize};
use session::Sessions;
use web::{ApiError, ErrorCode, Response, respond};

/// Seconds for which a redirect to an avatar can be kept at most: it may be replaced soon.
const AVATAR_MAX_AGE: u32 = 60;
const MOST_NAMES: usize = 50;

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    images: images::Config,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            images: images::Config::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    images: Images,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let dynamodb = aws.dynamodb();
        let store = Store::new(&config.images.storage, dynamodb.clone(), aws.s3());
        let delivery = Delivery::new(&config.images, &store, &aws);
        Self { sessions: Sessions::new(&config.sessions, dynamodb), images: Images::new(store, delivery) }
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
        (Method::POST, "/images/resolve") => resolve(app, request, now).await,
        (_, "/images/resolve") => web::method_not_allowed(&[Method::POST]),
        (Method::GET, "/images/{name}") => show(&images(app, &request), &request, "name", now).await,
        (Method::GET, "/task/{imagename}") => show(&images(app, &request), &request, "imagename", now).await,
        (Method::GET, "/users/{user_id}/avatar") => show_avatar(&images(app, &request), &request, now).await,
        (_, "/images/{name}" | "/task/{imagename}" | "/users/{user_id}/avatar") => {
            web::method_not_allowed(&[Method::GET])
        }
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// The images under URLs that answer the method that was sent.
fn images(app: &App, request: &Request) -> Images {
    if web::is_head(request) { app.images.for_head() } else { app.images.clone() }
}

/// The size in the URL. It stands in pages of others, so that an unknown or a doubled one is no refusal.
fn asked_size(request: &Request) -> Size {
    let variant = web::query(request, "variant").ok().flatten();
    variant.and_then(|name| Size::parse(&name)).unwrap_or_default()
}

async fn show(
    images: &Images,
    request: &Request,
    parameter: &'static str,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let name = web::path_parameter(request, parameter)?;
    match images.find(&name, asked_size(request), now).await? {
        Found::Image(link) => redirect(&link, now, u32::MAX),
        Found::StandIn(kind) => show_default(images, kind, now).await,
    }
}

async fn show_avatar(images: &Images, request: &Request, now: Timestamp) -> Result<Response, ApiError> {
    let user_id = web::path_parameter(request, "user_id")?;
    match images.find_avatar(&user_id, now).await? {
        Found::Image(link) => redirect(&link, now, AVATAR_MAX_AGE),
        Found::StandIn(kind) => show_default(images, kind, now).await,
    }
}

async fn show_default(images: &Images, kind: DefaultImage, now: Timestamp) -> Result<Response, ApiError> {
    let link = images.default(kind, now).await?;
    metrics::count(Metric::DefaultImages);
    redirect(&link, now, kind.max_age())
}

fn redirect(link: &Link, now: Timestamp, most: u32) -> Result<Response, ApiError> {
    metrics::count(Metric::Redirects);
    respond::redirect(&link.url, link.max_age(now, most))
}

async fn resolve(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Asked {
        names: Vec<String>,
        variant: Option<String>,
    }
    #[derive(Serialize)]
    struct Answer {
        images: Vec<Resolved>,
    }

    let caller = app.sessions.caller(request.headers(), now).await?;
    let asked: Asked = web::json(&request)?;
    if !(1..=MOST_NAMES).contains(&asked.names.len()) {
        return Err(ApiError::bad_request("There must be 1 to 50 names."));
    }
    let size = match asked.variant {
        Some(name) => {
            Size::parse(&name).ok_or_else(|| ApiError::bad_request("The variant must be thumb, medium or original."))?
        }
        None => Size::Original,
    };
    let images = app.images.resolve(&caller, asked.names, size, now).await?;
    respond::ok(&Answer { images })
}

#[cfg(test)]
mod tests;
