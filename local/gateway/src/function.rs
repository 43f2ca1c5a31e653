//! Running functions as Lambda runs them: an event's text goes in, an answer's text or a function error comes out.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::lambda_runtime::Diagnostic;
use lambda_http::{BoxFuture, Context, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinError;

use crate::background::{beside_others, spawn};

#[cfg(test)]
mod tests;

/// The most that an event, or an answer, may have (bytes): 6 MB and some, as Lambda counts them.
pub const PAYLOAD_LIMIT: usize = 6_291_556;

/// All functions by their names.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<String, Arc<Function>>);

/// One function: what it does with an event, and how long it may take.
pub struct Function {
    timeout: Duration,
    run: Box<dyn Fn(Invocation) -> BoxFuture<'static, Outcome> + Send + Sync>,
}

/// One event for one function.
#[derive(Debug)]
pub struct Invocation {
    /// The event as JSON text.
    pub event: String,
    /// The id under which it is logged.
    pub request_id: String,
}

/// The answer as JSON text, or how the function failed.
pub type Outcome = Result<String, FunctionError>;

/// A failed function, in Lambda's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// What kind of failure it was.
    pub error_type: String,
    /// What happened.
    pub error_message: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokeError {
    /// No function has that name.
    Unknown,
    /// The event is larger than [`PAYLOAD_LIMIT`].
    TooLarge,
    /// The function failed.
    Function(FunctionError),
}

impl Functions {
    /// Adds a function, or replaces the one of that name.
    pub fn insert(&mut self, name: &str, function: Function) {
        self.0.insert(name.to_owned(), Arc::new(function));
    }

    /// Adds all of these, likewise.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Runs a function to its end. It goes on even if the caller does not wait for it, as it does on Lambda.
    ///
    /// # Errors
    /// Where there is no such function, the event is too large, or the function failed: by itself, by a panic, by its
    /// timeout, or by too large an answer.
    pub async fn invoke(&self, name: &str, invocation: Invocation) -> Result<String, InvokeError> {
        let function = self.0.get(name).cloned().ok_or(InvokeError::Unknown)?;
        if invocation.event.len() > PAYLOAD_LIMIT {
            return Err(InvokeError::TooLarge);
        }
        function.invoke(invocation).await.map_err(InvokeError::Function)
    }
}

impl Function {
    /// `handle` is what `lambda_runtime::run` would be given.
    pub fn new<H, E, F, A, X>(timeout: Duration, handle: H) -> Self
    where
        H: Fn(LambdaEvent<E>) -> F + Clone + Send + Sync + 'static,
        E: DeserializeOwned + Send,
        F: Future<Output = Result<A, X>> + Send + 'static,
        A: Serialize + Send,
        X: Into<Diagnostic> + Send,
    {
        let run = move |invocation: Invocation| -> BoxFuture<'static, Outcome> {
            let handle = handle.clone();
            Box::pin(async move {
                let Invocation { event, request_id } = invocation;
                let payload = serde_json::from_str(&event).map_err(unreadable)?;
                // The event's memory is not needed twice while an image is worked on.
                drop(event);
                let event = LambdaEvent::new(payload, context(request_id));
                let answer = beside_others(handle(event)).await.map_err(Into::<Diagnostic>::into)?;
                to_json(&answer)
            })
        };
        Self { timeout, run: Box::new(run) }
    }

    async fn invoke(&self, invocation: Invocation) -> Outcome {
        let request_id = invocation.request_id.clone();
        let mut running = spawn((self.run)(invocation));
        match tokio::time::timeout(self.timeout, &mut running).await {
            Ok(Ok(outcome)) => outcome.and_then(refuse_a_large_answer),
            Ok(Err(ended)) => Err(panicked(ended)),
            Err(_elapsed) => {
                running.abort();
                Err(timed_out(self.timeout, &request_id))
            }
        }
    }
}

fn context(request_id: String) -> Context {
    let mut context = Context::default();
    context.request_id = request_id;
    context
}

fn unreadable(error: impl Display) -> FunctionError {
    FunctionError {
        error_type: "InvalidEventDataError".to_owned(),
        error_message: format!("failed to deserialize the incoming data into the function's payload type: {error}"),
    }
}

fn to_json(answer: &impl Serialize) -> Outcome {
    serde_json::to_string(answer).map_err(|error| FunctionError {
        error_type: "InvalidAnswerError".to_owned(),
        error_message: error.to_string(),
    })
}

impl From<Diagnostic> for FunctionError {
    fn from(error: Diagnostic) -> Self {
        Self { error_type: error.error_type, error_message: error.error_message }
    }
}

fn refuse_a_large_answer(answer: String) -> Outcome {
    if answer.len() <= PAYLOAD_LIMIT {
        return Ok(answer);
    }
    Err(FunctionError {
        error_type: "Function.ResponseSizeTooLarge".to_owned(),
        error_message: format!("Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."),
    })
}

fn panicked(ended: JoinError) -> FunctionError {
    let message = match ended.try_into_panic() {
        Ok(panic) => match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => format!("Lambda panicked: {text}"),
            (_, Some(text)) => format!("Lambda panicked: {text}"),
            _ => "Lambda panicked".to_owned(),
        },
        Err(_cancelled) => "the process is ending".to_owned(),
    };
    FunctionError { error_type: "panic".to_owned(), error_message: message }
}

fn timed_out(timeout: Duration, request_id: &str) -> FunctionError {
    FunctionError {
        error_type: "Sandbox.Timedout".to_owned(),
        error_message: format!(
            "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
            timeout.as_secs_f32()
        ),
    }
}
