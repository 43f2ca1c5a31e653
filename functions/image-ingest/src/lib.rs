#![doc = include_str!("../README.md")]

mod event;

use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use images::{Arrival, Ingest, IngestConfig, Ingested, StorageConfig, Store, Tasks, TasksConfig};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Context, LambdaEvent};
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::invocation::{self, Invocation, Refusal};
use platform::{Attention, Patience};
use serde::Serialize;
use web::ApiError;

pub use event::{Event, Record, Test};

/// An object that waited for longer rings: its photo was in preparation so long, or had no variants.
const BEHIND: SignedDuration = SignedDuration::from_mins(15);

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    tasks: TasksConfig,
    storage: StorageConfig,
    limits: IngestConfig,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables),
            tasks: TasksConfig::read(variables),
            storage: StorageConfig::read(variables),
            limits: IngestConfig::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    ingest: Ingest,
    /// Of one event, within the function's own timeout: what is given up on has its log line.
    deadline: Duration,
}

impl App {
    /// Makes the clients; opens no connection. No client waits for this function, so none is opened before the first event.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let dynamodb = aws.dynamodb();
        let tasks = Tasks::new(&config.tasks, dynamodb.clone());
        let store = Store::new(&config.storage, dynamodb, aws.s3());
        Self { ingest: Ingest::new(store, tasks, config.limits), deadline: patience.deadline }
    }
}

/// Processes new objects: ingests a ticket's upload, or adds variants to an image. Writes one log line for each object.
///
/// # Errors
/// That of the last object that failed or could not be confirmed; Lambda then repeats the whole event, which is safe.
pub async fn handle(app: &App, event: LambdaEvent<Event>, now: Timestamp) -> Result<(), ApiError> {
    let end = Instant::now() + app.deadline;
    let mut outcome = Ok(());
    for arrival in event.payload.arrivals() {
        outcome = process(app, &event.context, &arrival, now, end).await.and(outcome);
    }
    outcome
}

async fn process(
    app: &App,
    context: &Context,
    arrival: &Arrival,
    now: Timestamp,
    end: Instant,
) -> Result<(), ApiError> {
    let trace = context.xray_trace_id.as_deref();
    let invocation = Invocation::new(&context.env_config.function_name, &context.request_id, trace, now);

    let left = end.saturating_duration_since(Instant::now());
    let work = async { Ok(app.ingest.process(arrival, now).await?) };
    let waited = now.duration_since(arrival.at);
    let watched = async {
        if waited > BEHIND {
            invocation::note_attention(Attention::IngestBehind);
        }
        let ingested = web::within(left, work).await;
        if ingested.is_err() {
            invocation::note_attention(Attention::IngestFailed);
        }
        ingested
    };
    let (ingested, ended) = invocation.run(watched).await;

    let refusal = match &ingested {
        Ok(Ingested::Rejected(reason)) => Some(Refusal { code: reason.name(), cause: None, is_fault: false }),
        Ok(_) => None,
        Err(error) => Some(Refusal::from(error)),
    };
    ended.log("ingest", Fields::of(&ingested), refusal.as_ref());
    ingested.map(drop)
}

/// The fields of the log line that only this function has.
#[derive(Serialize)]
struct Fields {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_variants: Option<String>,
}

impl Fields {
    fn of(ingested: &Result<Ingested, ApiError>) -> Self {
        let (outcome, no_variants) = match ingested {
            Ok(Ingested::Ready(cause)) => ("ready", cause.as_ref()),
            Ok(Ingested::Rejected(_)) => ("rejected", None),
            Ok(Ingested::Variants) => ("variants", None),
            Ok(Ingested::NoVariants(cause)) => ("no_variants", Some(cause)),
            Ok(Ingested::Nothing) => ("nothing", None),
            Err(_) => ("failed", None),
        };
        Self { outcome, no_variants: no_variants.map(ToString::to_string) }
    }
}

#[cfg(test)]
mod tests;
