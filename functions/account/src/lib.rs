#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::{Delivery, Found, Images, Link, Store};
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use serde::Serialize;
use session::{Sessions, UserId};
use users::Users;
use web::{ApiError, Response, respond};

/// What this function is told by its environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    users: users::Config,
    images: images::Config,
}

impl Config {
    /// Reads all of it.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            users: users::Config::read(variables),
            images: images::Config::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    users: Users,
    images: Images,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let dynamodb = aws.dynamodb();
        let store = Store::new(&config.images.storage, dynamodb.clone(), aws.s3());
        let delivery = Delivery::new(&config.images, &store, &aws);
        Self {
            sessions: Sessions::new(&config.sessions, dynamodb.clone()),
            users: Users::new(&config.users, dynamodb),
            images: Images::new(store, delivery),
        }
    }

    /// Opens the connections that the first event would otherwise wait for.
    pub async fn warm(&self) {
        self.images.warm().await;
    }
}

#[derive(Serialize)]
struct Profile<'a> {
    user_id: &'a str,
    created_at: Timestamp,
    avatar_url: &'a str,
    avatar_url_expires_at: Option<Timestamp>,
}

/// Answers what we hold of the caller.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::GET {
        return web::method_not_allowed(&[Method::DELETE, Method::GET]);
    }
    let caller = app.sessions.caller(request.headers(), now).await?;
    let (account, avatar) = tokio::join!(app.users.get(&caller.user_id), avatar(app, &caller.user_id, now));
    let (account, avatar) = (account?, avatar?);
    respond::ok(&Profile {
        user_id: caller.user_id.as_str(),
        created_at: account.created_at,
        avatar_url: &avatar.url,
        avatar_url_expires_at: avatar.expires_at,
    })
}

async fn avatar(app: &App, user_id: &UserId, now: Timestamp) -> Result<Link, ApiError> {
    match app.images.find_avatar(user_id.as_str(), now).await? {
        Found::Image(link) => Ok(link),
        Found::StandIn(kind) => Ok(app.images.default(kind, now).await?),
    }
}

#[cfg(test)]
mod tests;
