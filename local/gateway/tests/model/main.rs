//! The functions against a small model of what they promise (docs/semantics.md): uploads, retries, removals and the end of
//! rows in random order, crashes between any two calls to AWS, calls that are applied twice, late, or without an answer.
//!
//! A run is made again by its seed: `MODEL_SEED=17 cargo test -p gateway --test model`. `make soak` walks for minutes.
#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test fail as the test itself does")]

mod actor;
mod promises;
mod streams;
mod world;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use world::World;

/// Runs of `make test`.
const FEW_SEEDS: u64 = 10;
const STEPS: usize = 150;

#[tokio::test]
async fn whatever_happens_in_whatever_order_the_promises_hold() {
    let only = told("MODEL_SEED");
    let (first, seconds) = (only.or(told("MODEL_FIRST_SEED")).unwrap_or(0), told("MODEL_SECONDS"));
    let started = Instant::now();
    let is_over = |seed| match (only, seconds) {
        (Some(only), _) => seed > only,
        (None, Some(seconds)) => started.elapsed() > Duration::from_secs(seconds),
        (None, None) => seed >= first + FEW_SEEDS,
    };

    let (mut seed, mut calls) = (first, 0);
    while !is_over(seed) {
        calls += walk(seed).await;
        seed += 1;
    }
    println!("{} walks from seed {first} on, {calls} calls to AWS: no promise broken", seed - first);
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests tells where and how long to walk")]
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One walk through a world of its own; the number of calls that were let through.
#[expect(clippy::print_stderr, reason = "a walk that broke a promise is read from its beginning")]
async fn walk(seed: u64) -> usize {
    let mut world = World::new(seed).await;
    let walked = AssertUnwindSafe(async {
        for _ in 0..STEPS {
            world.step().await;
        }
        world.end().await;
    });
    if let Err(broken) = walked.catch_unwind().await {
        eprintln!("seed {seed}:\n{}", world.history());
        std::panic::resume_unwind(broken);
    }
    world.calls()
}
