//! The whole stack over its sockets, as a mini-program, a browser or a script meets it.
#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test fail as the test itself does")]

mod arrival;
mod client;
mod demo;
mod docs;
mod events;
mod first_minutes;
mod front;
mod hello;
mod hook;
mod house;
mod lambda;
mod leaving;
mod mapped;
mod openapi;
mod pages;
mod process;
mod readme;
mod removal;
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

/// A stack whose events come so often.
async fn start_with_deliveries(deliveries: u64) -> Stack {
    let settings = Settings { deliveries, ..settings() };
    Stack::start(&settings, &|_| None).await.expect("a stack")
}

fn settings() -> Settings {
    Settings {
        host: [127, 0, 0, 1].into(),
        port: 0,
        data: Data::Memory,
        deliveries: 1,
        patience: testkit::PATIENCE,
        schedule: std::time::Duration::from_secs(60),
        json: false,
        wechat_secret: None,
    }
}

/// A stack whose caller has set these variables.
async fn start_with(variables: &'static [(&str, &str)]) -> Result<Stack, StartError> {
    let caller = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Stack::start(&settings(), &caller).await
}
