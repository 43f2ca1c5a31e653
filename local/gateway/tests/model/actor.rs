//! What runs in the world: one function with one event, in a process of its own.

use std::future::poll_fn;
use std::task::Poll;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use lambda_http::{BoxFuture, Context, LambdaEvent};
use platform::clock;
use platform::config::{self, Variables};
use testkit::{Answer, Event, Stack, Steps};

/// What came of an actor.
#[derive(Debug)]
pub(crate) enum Ended {
    /// A function behind HTTP answered.
    Answered(Answer),
    /// A function called by AWS was done with its event.
    Done,
    /// It was not, and will be called with it again.
    Failed,
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

/// Makes a call of a function behind HTTP, and the function's way of being called.
macro_rules! http_function {
    ($name:literal, $library:ident) => {
        pub(crate) fn $library(
            stack: &Stack,
            client: SharedHttpClient,
            most_images: usize,
            event: Event,
        ) -> BoxFuture<'static, Ended> {
            let changes = [("MAX_TASK_IMAGES", &*most_images.to_string())];
            let app = $library::App::new(read(stack, $name, &changes, $library::Config::read), client);
            Box::pin(async move {
                let handle = |request, now| $library::handle(&app, request, now);
                Ended::Answered(Answer::of(web::answer(event.request(), clock::now(), handle).await))
            })
        }
    };
}

http_function!("task-image-upload", task_image_upload);
http_function!("avatar-upload", avatar_upload);
http_function!("tasks", tasks);
http_function!("upload-ticket", upload_ticket);
http_function!("image-redirect", image_redirect);

fn read<T>(stack: &Stack, function: &str, changes: &[(&str, &str)], read: impl FnOnce(&mut Variables<'_>) -> T) -> T {
    config::from_lookup(&stack.lookup(function, changes), read).expect("a configuration")
}

/// Makes a call of a function that AWS calls, with one event.
macro_rules! background_function {
    ($name:literal, $library:ident) => {
        pub(crate) fn $library(
            stack: &Stack,
            client: SharedHttpClient,
            most_images: usize,
            event: Event,
        ) -> BoxFuture<'static, Ended> {
            let limits = [("MAX_TASK_IMAGES", &*most_images.to_string())];
            let app = $library::App::new(read(stack, $name, &limits, $library::Config::read), client);
            Box::pin(async move {
                let event = LambdaEvent::new(event.parsed(), Context::default());
                let answer = $library::handle(&app, event, clock::now()).await;
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
