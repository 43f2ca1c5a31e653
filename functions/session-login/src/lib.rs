#![doc = include_str!("../README.md")]

use std::net::IpAddr;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Method;
use jiff::Timestamp;
use lambda_http::Request;
use platform::Patience;
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::invocation;
use platform::metrics::{self, Metric};
use serde::{Deserialize, Serialize};
use session::{Issued, LoginLimit, Sessions};
use users::{User, Users};
use web::{ApiError, ErrorCode, Response, respond};
use wechat::{Code, OpenId, WeChat, WeChatError};

/// How often a login begins again that met the removal of its account.
const TRIES: u32 = 3;

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    login: session::LoginConfig,
    users: users::Config,
    wechat: wechat::Config,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_secretsmanager(variables),
            sessions: session::Config::read(variables),
            login: session::LoginConfig::read(variables),
            users: users::Config::read(variables),
            wechat: wechat::Config::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    limit: LoginLimit,
    wechat: WeChat,
    users: Users,
    sessions: Sessions,
}

impl App {
    /// Makes the clients; opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        Self {
            limit: LoginLimit::new(&config.sessions, &config.login, aws.dynamodb()),
            wechat: WeChat::new(config.wechat, &aws),
            users: Users::new(&config.users, aws.dynamodb()),
            sessions: Sessions::new(&config.sessions, aws.dynamodb()),
        }
    }

    /// Opens the connection to DynamoDB and reads the app secret, which the first event would otherwise wait for.
    pub async fn warm(&self) {
        tokio::join!(self.sessions.warm(), self.wechat.warm());
    }
}

#[derive(Deserialize)]
struct Login {
    code: String,
}

#[derive(Serialize)]
struct LoggedIn<'a> {
    user_id: &'a str,
    session_id: &'a str,
    expires_at: Timestamp,
    is_new_user: bool,
}

impl<'a> LoggedIn<'a> {
    fn of(user: &'a User, session: &'a Issued) -> Self {
        Self {
            user_id: user.id.as_str(),
            session_id: session.session_id.expose(),
            expires_at: session.expires_at,
            is_new_user: user.is_new,
        }
    }
}

/// Exchanges a WeChat code for a session of ours.
///
/// # Errors
/// See the table above.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, ApiError> {
    if request.method() != Method::POST {
        return web::method_not_allowed(&[Method::DELETE, Method::GET, Method::POST]);
    }
    let code = code_of(&request)?;
    let source = web::source_ip(&request);

    app.limit.check(source, now).await?;
    let openid = ask_wechat(app, code, source, now).await?;
    let (user, session) = sign_in(app, &openid, now).await?;
    invocation::note_user(user.id.as_str());
    metrics::count(Metric::Logins);
    respond::created(&LoggedIn::of(&user, &session))
}

/// The session is handed out only after the account was written behind it: by then it would have met the mark of a removal,
/// or the removal finds the session.
async fn sign_in(app: &App, openid: &OpenId, now: Timestamp) -> Result<(User, Issued), ApiError> {
    for _ in 0..TRIES {
        let user = app.users.identify(app.wechat.app_id(), openid.expose(), now).await?;
        let session = app.sessions.issue(&user.id, &user.seed, now).await?;
        if app.users.confirm(&user).await? {
            return Ok((user, session));
        }
        app.sessions.cancel(&user.id, &session).await?;
        app.users.forget(&user).await?;
    }
    Err(ApiError::from(ErrorCode::Busy).because("the account was always being removed"))
}

fn code_of(request: &Request) -> Result<Code, ApiError> {
    let login: Login = web::json(request)?;
    Code::parse(login.code).map_err(|_| ApiError::bad_request("The code must have 1 to 512 visible ASCII characters."))
}

/// The openid behind a code. A refused code counts against its source, and may turn out to be one too many.
async fn ask_wechat(app: &App, code: Code, source: Option<IpAddr>, now: Timestamp) -> Result<OpenId, ApiError> {
    let openid = app.wechat.openid(code).await;
    if let Err(WeChatError::CodeInvalid(_)) = &openid {
        app.limit.record_failure(source, now).await?;
    }
    Ok(openid?)
}

#[cfg(test)]
mod tests;
