#![doc = include_str!("../README.md")]

mod event;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::future::join_all;
use images::{ImageError, StorageConfig, Store, Sweep, Told};
use jiff::Timestamp;
use lambda_http::LambdaEvent;
use platform::aws::{self, Aws};
use platform::config::Variables;
use platform::events::{self, EventBus};
use platform::invocation::{self, Invocation, Refusal};
use platform::{Attention, Patience};
use serde::Serialize;
use web::{ApiError, ErrorCode};

pub use event::{Answer, Event};

use event::Record;

/// The configuration of this function, read from the environment.
pub struct Config {
    aws: aws::Config,
    storage: StorageConfig,
    events: events::Config,
}

impl Config {
    /// Reads every variable.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            aws: aws::Config::read(variables).with_s3(variables),
            storage: StorageConfig::read(variables),
            events: events::Config::read(variables),
        }
    }
}

/// Everything this function may touch. Its policy in `template.yaml` grants exactly this.
pub struct App {
    sweep: Sweep,
    events: Option<EventBus>,
    /// Of one batch, within the function's own timeout, so that a batch that is given up on has its log line.
    deadline: Duration,
}

impl App {
    /// Makes the clients; opens no connection. No client waits for this function, so none is opened before the first event.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let aws = Aws::new(config.aws, http, patience);
        let events = EventBus::new(config.events, &aws);
        let sweep = Sweep::new(Store::new(&config.storage, aws.dynamodb(), aws.s3()));
        Self { sweep, events, deadline: patience.deadline }
    }
}

/// Deletes the objects of rows that were deleted or removed, and answers which records have to be repeated. Writes one log line.
///
/// # Errors
/// `busy` where the batch was not done in time: then all of it comes again.
pub async fn handle(app: &App, event: LambdaEvent<Event>, now: Timestamp) -> Result<Answer, ApiError> {
    let (context, records) = (event.context, event.payload.records);
    let trace = context.xray_trace_id.as_deref();
    let invocation = Invocation::new(&context.env_config.function_name, &context.request_id, trace, now);
    let fields = |failed| Fields { records: records.len(), failed };

    let work = async { Ok(follow_all(app, &records, now).await) };
    let watched = async {
        let outcome = web::within(app.deadline, work).await;
        if outcome.as_ref().map_or(true, |failures| !failures.is_empty()) {
            invocation::note_attention(Attention::SweepFailed);
        }
        outcome
    };
    let (outcome, ended) = invocation.run(watched).await;

    match outcome {
        Ok(failures) => {
            let refusal = failures.first().map(|(_, failure)| refusal(failure));
            ended.log("sweep", fields(failures.len()), refusal.as_ref());
            Ok(Answer::of(failures.into_iter().map(|(sequence_number, _)| sequence_number)))
        }
        Err(error) => {
            ended.log("sweep", fields(records.len()), Some(&Refusal::from(&error)));
            Err(error)
        }
    }
}

/// The records that failed, with their causes. The others are done whatever comes before them: when Lambda gives up on a
/// record, it drops those behind it as well. In which order does not matter, as no two of them touch the same thing
/// differently.
async fn follow_all(app: &App, records: &[Record], now: Timestamp) -> Vec<(String, ImageError)> {
    let outcomes = join_all(records.iter().map(|record| follow(app, record, now))).await;
    let outcomes = records.iter().zip(outcomes);
    outcomes.filter_map(|(record, outcome)| Some((record.dynamodb.sequence_number.clone(), outcome.err()?))).collect()
}

/// Others are told when all is done: what is told twice was done twice, and what was done is told in the end.
async fn follow(app: &App, record: &Record, now: Timestamp) -> Result<(), ImageError> {
    app.sweep.apply(&record.dynamodb.change, now).await?;
    match (&app.events, record.told()) {
        (Some(bus), Some(Told { kind, detail })) => {
            bus.put(&events::Event { kind, at: detail.at, detail: &detail }, now).await?;
            Ok(())
        }
        (None, _) | (_, None) => Ok(()),
    }
}

fn refusal(failure: &ImageError) -> Refusal {
    Refusal { code: ErrorCode::Busy.name(), cause: Some(failure.to_string()), is_fault: true }
}

/// The fields of the log line that only this function has.
#[derive(Serialize)]
struct Fields {
    records: usize,
    failed: usize,
}

#[cfg(test)]
mod tests;
