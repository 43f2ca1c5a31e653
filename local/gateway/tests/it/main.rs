//! The whole stack over its sockets, as a mini-program, a browser or a script meets it.
#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test fail as the test itself does")]

mod client;
mod demo;
mod dependencies;
mod docs;
mod events;
mod front;
mod hello;
mod house;
mod lambda;
mod openapi;
mod pages;
mod process;
mod readme;
mod seed;
mod story;
mod swapped;
mod target;
mod template;
mod workspace;

use emulators::Data;
use gateway::settings::Settings;
use gateway::stack::{Stack, StartError};

/// A stack of one test: free ports, nothing kept.
async fn start() -> Stack {
    start_with(&[]).await.expect("a stack")
}

/// A stack whose caller has set these variables.
async fn start_with(variables: &'static [(&str, &str)]) -> Result<Stack, StartError> {
    let settings =
        Settings { host: [127, 0, 0, 1].into(), port: 0, data: Data::Memory, json: false, wechat_secret: None };
    let caller = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Stack::start(&settings, &caller).await
}
