#![doc = include_str!("../README.md")]

mod event;
mod line;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use images::Belongings;
use jiff::{SignedDuration, Timestamp};
use lambda_http::LambdaEvent;
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::invocation;
use platform::metrics::{self, Metric};
use platform::{Attention, Failure, Patience};
use session::{Sessions, UserId};
use tokio::time::{Instant, timeout_at};
use users::{Pass, RemovalConfig, Users};
use web::ApiError;

pub use event::Event;

use line::{Fields, Found, logged};

/// Removal is promised within 24 hours: a longer one than this rings.
const LATE: SignedDuration = SignedDuration::from_hours(12);

/// What is left of a run's time, once no pass goes on, for the last call of the one that was cut short.
const RESERVE: Duration = Duration::from_secs(10);

/// What this function is told by its environment.
pub struct Config {
    aws: aws::Config,
    sessions: session::Config,
    users: users::Config,
    removal: RemovalConfig,
    images: images::TableConfig,
    tasks: images::TasksConfig,
}

impl Config {
    /// Reads all of it.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables),
            sessions: session::Config::read(variables),
            users: users::Config::read(variables),
            removal: RemovalConfig::read(variables),
            images: images::TableConfig::read(variables),
            tasks: images::TasksConfig::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sessions: Sessions,
    users: Users,
    belongings: Belongings,
    removal: RemovalConfig,
    /// Of all passes of one run: it is over before the next begins.
    deadline: Duration,
}

impl App {
    /// Makes the clients; opens no connection. Nobody waits for this function, so none is opened before the first event.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        Self {
            sessions: Sessions::new(&config.sessions, aws.dynamodb()),
            users: Users::new(&config.users, aws.dynamodb()),
            belongings: Belongings::new(&config.images, &config.tasks, aws.dynamodb()),
            removal: config.removal,
            deadline: patience.deadline.saturating_sub(RESERVE),
        }
    }
}

/// Makes a pass over each account whose removal is due, the longest due first, and writes one log line for each.
///
/// # Errors
/// `busy` where a pass failed. It comes again by itself.
pub async fn handle(app: &App, event: LambdaEvent<Event>, now: Timestamp) -> Result<(), ApiError> {
    let end = Instant::now() + app.deadline;
    let due = async { Ok(app.users.due_for_removal(now).await?) };
    let mut outcome = Ok(());
    for user_id in logged(&event.context, now, due, |_| None).await? {
        if Instant::now() < end {
            let pass = logged(&event.context, now, pass(app, &user_id, now, end), |fields| *fields);
            outcome = pass.await.map(drop).and(outcome);
        }
    }
    outcome
}

/// One pass, if nobody else makes it.
async fn pass(app: &App, user_id: &UserId, now: Timestamp, end: Instant) -> Result<Option<Fields>, ApiError> {
    invocation::note_user(user_id.as_str());
    let Some(pass) = app.users.begin_pass(user_id, app.removal.quiet, now).await? else {
        return Ok(None);
    };
    let age = now.duration_since(pass.closing.marked_at);
    metrics::add_time(Metric::RemovalAge, age.unsigned_abs());
    if age > LATE {
        invocation::note_attention(Attention::RemovalLate);
    }
    let Ok(found) = timeout_at(end, clear(app, &pass, user_id, now)).await else {
        app.users.cut_short(&pass, now).await?;
        return Ok(Some(Fields { outcome: "cut short", found: Found::default() }));
    };
    let found = found?;
    if found != Found::default() || !pass.is_late_enough {
        return Ok(Some(Fields { outcome: "again", found }));
    }
    app.users.end_removal(&pass).await?;
    metrics::count(Metric::Removals);
    Ok(Some(Fields { outcome: "done", found }))
}

async fn clear(app: &App, pass: &Pass, user_id: &UserId, now: Timestamp) -> Result<Found, Failure> {
    Ok(Found {
        identities: app.users.delete_identities(&pass.closing).await?,
        sessions: app.sessions.revoke_all_of(user_id).await?,
        tasks: app.belongings.delete_tasks(user_id).await?,
        images: app.belongings.delete_images(user_id, app.removal.quiet, now).await?,
        avatars: usize::from(app.belongings.delete_avatar(user_id).await?),
    })
}

#[cfg(test)]
mod tests;
