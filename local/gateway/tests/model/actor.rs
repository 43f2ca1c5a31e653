//! What runs in the world: one function with one event, in a process of its own.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use lambda_http::{BoxFuture, Context, LambdaEvent};
use platform::Patience;
use platform::config::{self, Variables};
use testkit::{Answer, Event, Stack, Steps};

/// What came of an actor.
pub(crate) enum Ended {
    /// A function behind HTTP answered.
    Answered(Answer),
    /// A function called by AWS was done with its event.
    Done,
    /// It was not, and will be called with it again.
    Failed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) if answer.status() < 400 => write!(f, "{}", answer.status()),
            Self::Answered(answer) => write!(f, "{} {}", answer.status(), answer.json()["error"]),
            Self::Done => f.write_str("done"),
            Self::Failed => f.write_str("failed"),
        }
    }
}

/// One running call of a function.
pub(crate) struct Actor<T> {
    pub(crate) what: T,
    pub(crate) steps: Steps,
    running: BoxFuture<'static, Ended>,
}

impl<T> Actor<T> {
    pub(crate) fn new(what: T, steps: Steps, running: BoxFuture<'static, Ended>) -> Self {
        Self { what, steps, running }
    }

    /// Lets it run until it waits for a call to be let through, or has ended.
    pub(crate) async fn run(&mut self) -> Option<Ended> {
        poll_fn(|context| match self.running.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.steps.waiting().is_empty() => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}

/// One call of a function: what it is called with, in which house.
pub(crate) struct Call<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) client: SharedHttpClient,
    pub(crate) most_images: usize,
    pub(crate) now: Timestamp,
    pub(crate) event: Event,
}

impl Call<'_> {
    fn config<T>(&self, function: &str, read: impl FnOnce(&mut Variables<'_>) -> T) -> T {
        let limits = [("MAX_TASK_IMAGES", &*self.most_images.to_string())];
        config::from_lookup(&self.stack.lookup(function, &limits), read).expect("a configuration")
    }
}

/// A way of calling a function. Calling begins when what it gives is first polled.
pub(crate) type Function = fn(Call<'_>) -> BoxFuture<'static, Ended>;

macro_rules! http_function {
    ($name:literal, $library:ident) => {
        pub(crate) fn $library(call: Call<'_>) -> BoxFuture<'static, Ended> {
            let patience = Patience::ANSWERING.stretched(testkit::PATIENCE);
            let app = $library::App::new(call.config($name, $library::Config::read), call.client, patience);
            let (event, now) = (call.event, call.now);
            Box::pin(async move {
                let handle = |request, now| $library::handle(&app, request, now);
                Ended::Answered(Answer::of(web::answer(event.request(), now, patience.deadline, handle).await))
            })
        }
    };
}

http_function!("task-image-upload", task_image_upload);
http_function!("avatar-upload", avatar_upload);
http_function!("tasks", tasks);
http_function!("upload-ticket", upload_ticket);
http_function!("image-redirect", image_redirect);

macro_rules! background_function {
    ($name:literal, $library:ident) => {
        pub(crate) fn $library(call: Call<'_>) -> BoxFuture<'static, Ended> {
            let patience = Patience::BACKGROUND.stretched(testkit::PATIENCE);
            let app = $library::App::new(call.config($name, $library::Config::read), call.client, patience);
            let (event, now) = (call.event, call.now);
            Box::pin(async move {
                let event = LambdaEvent::new(event.parsed(), Context::default());
                let answer = $library::handle(&app, event, now).await;
                match answer.map(|answer| serde_json::to_value(answer).expect("JSON")) {
                    Ok(answer) if answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty) => Ended::Done,
                    _ => Ended::Failed,
                }
            })
        }
    };
}

background_function!("image-sweep", image_sweep);
background_function!("image-ingest", image_ingest);
