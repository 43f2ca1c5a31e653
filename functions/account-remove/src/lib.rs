#![doc = include_str!("../README.md")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use images::Avatars;
use jiff::{SignedDuration, Timestamp};
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::{Variable, Variables};
use serde::{Deserialize, Serialize};
use session::{LoginLimit, Sessions};
use users::{Account, Users};
use web::{ApiError, ErrorCode, Response, respond};
use wechat::{Code, WeChat, WeChatError};

/// A removal that takes longer rings an alarm long before.
const DONE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

static REMOVAL_NEEDS_CODE: Variable = Variable {
    name: "REMOVAL_NEEDS_CODE",
    meaning: "Whether an account is removed only with a fresh code of its user: `on` or `off`.",
    default: Some("on"),
};

/// What this function is told by its environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    login: session::LoginConfig,
    users: users::Config,
    images: images::TableConfig,
    wechat: wechat::Config,
    needs_code: bool,
}

impl Config {
    /// Reads all of it.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let needs_code = variables.choice(&REMOVAL_NEEDS_CODE, &[("on", true), ("off", false)]);
        Self {
            aws: aws::Config::read(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            login: session::LoginConfig::read(variables),
            users: users::Config::read(variables),
            images: images::TableConfig::read(variables),
            wechat: wechat::Config::read(variables),
            needs_code: needs_code.unwrap_or(true),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    limit: LoginLimit,
    users: Users,
    avatars: Avatars,
    wechat: WeChat,
    needs_code: bool,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        Self {
            sessions: Sessions::new(&config.sessions, aws.dynamodb()),
            limit: LoginLimit::new(&config.sessions, &config.login, aws.dynamodb()),
            users: Users::new(&config.users, aws.dynamodb()),
            avatars: Avatars::new(&config.images, aws.dynamodb()),
            wechat: WeChat::new(config.wechat, &aws),
            needs_code: config.needs_code,
        }
    }

    /// Opens the connection to DynamoDB and reads the app secret, which the first event would otherwise wait for.
    pub async fn warm(&self) {
        tokio::join!(self.sessions.warm(), self.wechat.warm());
    }
}

#[derive(Deserialize)]
struct Presence {
    code: String,
}

#[derive(Serialize)]
struct Removal {
    done_by: Timestamp,
}

/// Marks the caller's account and closes it to everyone. Each step can be repeated.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::DELETE {
        return web::method_not_allowed(&[Method::DELETE, Method::GET]);
    }
    let caller = app.sessions.caller(request.headers(), now).await?;
    let account = app.users.find(&caller.user_id).await?.ok_or(ErrorCode::SessionInvalid)?;
    if app.needs_code && !account.is_closing {
        prove_presence(app, &request, &account, now).await?;
    }
    let closing = app.users.close(&caller.user_id, now).await?.ok_or(ErrorCode::SessionInvalid)?;
    app.users.delete_identities(&closing).await?;
    app.avatars.delete_pointer(&caller.user_id).await?;
    app.sessions.revoke_all(&caller).await?;
    respond::accepted(&Removal { done_by: closing.marked_at + DONE_WITHIN })
}

/// A fresh code of this very user: a stolen session must not delete an account.
async fn prove_presence(app: &App, request: &Request, account: &Account, now: Timestamp) -> Result<(), ApiError> {
    let Presence { code } = web::json(request)?;
    let code = Code::parse(code)
        .map_err(|_| ApiError::bad_request("The code must have 1 to 512 visible ASCII characters."))?;
    let source = web::source_ip(request);
    app.limit.check(source, now).await?;
    let openid = app.wechat.openid(code).await;
    let is_refused = match &openid {
        Ok(openid) => !account.is_of(app.wechat.app_id(), openid.expose()),
        Err(error) => matches!(error, WeChatError::CodeInvalid(_)),
    };
    if is_refused {
        app.limit.record_failure(source, now).await?;
    }
    openid?;
    if is_refused { Err(ApiError::from(ErrorCode::CodeInvalid).because("another user's code")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
