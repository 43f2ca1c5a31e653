#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test kit fails by panicking, at the line of the test")]

mod answer;
mod capture;
mod event;
mod fetch;
mod metrics;
mod multipart;
mod patience;
#[cfg(test)]
mod policy;
mod recording;
mod stack;
mod steps;
mod wire;

pub use answer::Answer;
pub use capture::{Capture, Lines};
pub use emulators::{CLOUDFRONT_KEY, CLOUDFRONT_SECRET_NAME};
pub use event::Event;
pub use fetch::{Fetched, fetch, post_form, post_half_a_form};
pub use multipart::Multipart;
pub use patience::{LONG, PATIENCE, eventually};
pub use stack::{Stack, User};
pub use steps::{Passage, Steps};
pub use wire::{Call, Fault, Wire};

/// The event file `events/<function>/<case>.json`.
#[macro_export]
macro_rules! event {
    ($name:literal) => {
        $crate::Event::parse(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/", $name, ".json")))
    };
}
