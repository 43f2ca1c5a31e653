//! Delivers the events of S3, of the tables' streams and of EventBridge to the functions that the template's event sources name: at
//! least once, and again when a function fails, as Lambda's own event sources do. Dead letters go to the bucket: records under
//! `aws/lambda/`, as on AWS; events of S3 and EventBridge, for which AWS has queues, under `dead-letters/`.

mod given_up;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use emulators::template::{ObjectSource, RuleSource, StreamSource, Template};
use emulators::{BusEvent, Created, Emulators};
use platform::clock;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use self::given_up::Source;
use crate::background::until_stopped;
use crate::function::{Functions, Invocation};
use crate::new_request_id;

/// How long to wait before a stream without new records is read again.
const POLL: Duration = Duration::from_millis(200);
/// How often expired rows are deleted. On AWS it takes days; nothing may rely on it.
const TTL: Duration = Duration::from_secs(3600);

/// How many events of S3 are processed at once: fifty images of 20 MB would take all memory, and the gateway's time.
const AT_ONCE: usize = 4;

/// How long to wait before each retry. Lambda waits longer, and retries streams for longer.
#[derive(Clone, Debug)]
pub struct Retries {
    /// After an event of S3 or EventBridge failed.
    pub of_objects: Vec<Duration>,
    /// After records of a stream failed.
    pub of_records: Vec<Duration>,
}

impl Default for Retries {
    fn default() -> Self {
        let seconds = |seconds: &[u64]| seconds.iter().copied().map(Duration::from_secs).collect();
        Self { of_objects: seconds(&[1, 2]), of_records: seconds(&[1, 1, 2, 2, 5, 5, 10, 10]) }
    }
}

/// Everything that delivering needs.
#[derive(Clone)]
pub struct Deliveries {
    /// The source of the events.
    pub emulators: Arc<Emulators>,
    /// The functions that they are delivered to.
    pub functions: Functions,
    /// When a failed event is delivered again.
    pub retries: Retries,
    /// How many times each event is delivered even if it succeeds.
    pub times: u64,
}

impl Deliveries {
    /// Delivers until `stop` is dropped.
    pub fn start(self, template: &Template, stop: &watch::Sender<()>) -> Vec<JoinHandle<io::Result<()>>> {
        let objects: BTreeMap<_, _> =
            template.functions.iter().map(|function| (function.name.clone(), function.objects.clone())).collect();
        let emulators = Arc::clone(&self.emulators);
        let mut running = vec![until_stopped(stop, delete_expired_rows(emulators))];
        if self.times == 0 {
            return running;
        }
        for function in &template.functions {
            for stream in &function.streams {
                let (deliveries, name, stream) = (self.clone(), function.name.clone(), stream.clone());
                running.push(until_stopped(stop, async move { deliveries.follow(&name, &stream).await }));
            }
        }
        let rules: Vec<_> = template
            .functions
            .iter()
            .flat_map(|function| function.rules.iter().map(|rule| (function.name.clone(), rule.clone())))
            .collect();
        let deliveries = self.clone();
        running.push(until_stopped(stop, async move { deliveries.deliver_events(&rules).await }));
        running.push(until_stopped(stop, async move { self.deliver_objects(&objects).await }));
        running
    }

    /// In parallel: S3 guarantees no order.
    async fn deliver_objects(self, sources: &BTreeMap<String, Vec<ObjectSource>>) {
        let (mut running, slots) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
        loop {
            let created = self.emulators.next_created().await;
            for (function, sources) in sources {
                if sources.iter().any(|source| is_wanted_by(source, &created)) {
                    for _ in 0..self.times {
                        let (deliveries, function, event) = (self.clone(), function.clone(), created.event());
                        let slots = Arc::clone(&slots);
                        running.spawn(async move { deliveries.deliver(&function, event, &slots).await });
                    }
                }
            }
            while running.try_join_next().is_some() {}
        }
    }

    /// What was put on a bus reaches the functions whose rules it fits. EventBridge promises no order either.
    async fn deliver_events(self, rules: &[(String, RuleSource)]) {
        let (mut running, slots) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
        loop {
            let BusEvent { bus, event } = self.emulators.next_event().await;
            for (function, _) in rules.iter().filter(|(_, rule)| rule.bus == bus && rule.pattern.fits(&event)) {
                for _ in 0..self.times {
                    let (deliveries, function, event) = (self.clone(), function.clone(), event.clone());
                    let slots = Arc::clone(&slots);
                    running.spawn(async move { deliveries.deliver(&function, event, &slots).await });
                }
            }
            while running.try_join_next().is_some() {}
        }
    }

    async fn deliver(&self, function: &str, event: Value, slots: &Semaphore) {
        let mut pauses = self.retries.of_objects.iter();
        while let Err(error) = self.invoke_in_a_free_slot(function, &event, slots).await {
            match pauses.next() {
                Some(pause) => sleep(*pause).await,
                None => {
                    let key = format!("dead-letters/{function}/{}", new_request_id());
                    return self.keep_dead_letter(function, &key, &event, &error);
                }
            }
        }
    }

    /// From the oldest record on: what was delivered before the process ended is not remembered.
    async fn follow(&self, function: &str, stream: &StreamSource) {
        let source = Source::new(function, &stream.table);
        let mut after: Option<String> = None;
        loop {
            let records = match self.emulators.changes(&stream.table, after.as_deref(), stream.batch_size) {
                Ok(records) => records,
                Err(error) => {
                    tracing::error!(error.cause = %error, table = stream.table, "a stream cannot be read");
                    Vec::new()
                }
            };
            let Some(last) = records.last() else {
                sleep(POLL).await;
                continue;
            };
            after = Some(sequence_number(last).to_owned());
            let is_wanted =
                |record: &Value| stream.filters.is_empty() || stream.filters.iter().any(|filter| filter.fits(record));
            let wanted: Vec<_> = records.into_iter().filter(is_wanted).collect();
            for _ in 0..self.times {
                self.deliver_records(&source, wanted.clone()).await;
            }
        }
    }

    /// One batch after the other. It is repeated from the first record that failed; a batch that failed as a whole is
    /// repeated in halves.
    async fn deliver_records(&self, source: &Source, records: Vec<Value>) {
        let mut batches = vec![records];
        let mut pauses = self.retries.of_records.iter();
        while let Some(mut batch) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            let event = json!({ "Records": batch });
            let error = match self.invoke(&source.function, &event).await {
                Ok(answer) => match first_failure(&answer, &batch) {
                    None => continue,
                    Some(0) => None,
                    Some(at) => {
                        pauses = self.retries.of_records.iter();
                        batches.push(batch.split_off(at));
                        continue;
                    }
                },
                Err(_) if batch.len() > 1 => {
                    let second = batch.split_off(batch.len() / 2);
                    batches.extend([second, batch]);
                    continue;
                }
                Err(error) => Some(error),
            };
            match pauses.next() {
                Some(pause) => {
                    sleep(*pause).await;
                    batches.push(batch);
                }
                None => {
                    let (key, letter) =
                        source.dead_letter(&batch, self.retries.of_records.len() + 1, error.is_some(), clock::now());
                    self.keep_dead_letter(
                        &source.function,
                        &key,
                        &letter,
                        error.as_deref().unwrap_or("batchItemFailures"),
                    );
                    pauses = self.retries.of_records.iter();
                }
            }
        }
    }

    /// Waits for a free slot. A retry that is waiting holds none.
    async fn invoke_in_a_free_slot(&self, function: &str, event: &Value, slots: &Semaphore) -> Result<String, String> {
        let _slot = slots.acquire().await;
        self.invoke(function, event).await
    }

    async fn invoke(&self, function: &str, event: &Value) -> Result<String, String> {
        let invocation = Invocation { event: event.to_string(), request_id: new_request_id() };
        self.functions.invoke(function, invocation).await.map_err(|error| format!("{error:?}"))
    }

    fn keep_dead_letter(&self, function: &str, key: &str, letter: &Value, error: &str) {
        tracing::error!(
            function,
            error.cause = error,
            dead_letter = key,
            "an event failed for good and became a dead letter"
        );
        if let Err(error) = self.emulators.put_object(key, letter.to_string().into(), "application/json") {
            tracing::error!(error.cause = %error, "a dead letter could not be kept");
        }
    }
}

async fn delete_expired_rows(emulators: Arc<Emulators>) {
    loop {
        if let Err(error) = emulators.sweep_ttl() {
            tracing::error!(error.cause = %error, "expired rows could not be removed");
        }
        sleep(TTL).await;
    }
}

fn is_wanted_by(source: &ObjectSource, created: &Created) -> bool {
    created.key.starts_with(&source.prefix) && created.key.ends_with(&source.suffix)
}

fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

/// The index of the first record that an answer says has failed. Where an answer names no record of the batch, Lambda repeats
/// all of it.
fn first_failure(answer: &str, batch: &[Value]) -> Option<usize> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    let place = |failure: &Value| {
        let at = batch.iter().position(|record| failure["itemIdentifier"] == sequence_number(record));
        at.unwrap_or_default()
    };
    failures.map(place).min()
}

#[cfg(test)]
mod tests;
