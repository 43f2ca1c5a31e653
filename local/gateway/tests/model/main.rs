//! The functions against a small model of what they promise (docs/semantics.md): uploads, retries, removals and the end of
//! rows in random order, crashes between any two calls to AWS, calls that are applied twice, late, or without an answer.
//!
//! `make soak` walks for minutes; `MODEL_SEED=17 make soak` makes one walk again.
#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test fail as the test itself does")]

mod actor;
mod odds;
mod promises;
mod streams;
mod world;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use world::World;

/// Walks of `make test`.
const FEW_SEEDS: u64 = 20;

#[test]
fn whatever_happens_in_whatever_order_the_promises_hold() {
    let run = Run::told();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    thread::scope(|threads| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(|| runtime().block_on(run.walk()));
        }
    });
    let Run { first, walks, calls, .. } = run;
    println!("{walks:?} walks from seed {first} on, {calls:?} calls to AWS: no promise broken");
}

/// Walks of one seed, of a few, or of as many as a time allows.
struct Run {
    first: u64,
    next: AtomicU64,
    end: u64,
    time: Duration,
    started: Instant,
    is_broken: AtomicBool,
    walks: AtomicU64,
    calls: AtomicU64,
}

impl Run {
    fn told() -> Self {
        let (only, seconds) = (told("MODEL_SEED"), told("MODEL_SECONDS"));
        let first = only.or(told("MODEL_FIRST_SEED")).unwrap_or(0);
        let end = match (only, seconds) {
            (Some(only), _) => only + 1,
            (None, Some(_)) => u64::MAX,
            (None, None) => first + FEW_SEEDS,
        };
        Self {
            first,
            next: AtomicU64::new(first),
            end,
            time: seconds.map_or(Duration::MAX, Duration::from_secs),
            started: Instant::now(),
            is_broken: AtomicBool::default(),
            walks: AtomicU64::default(),
            calls: AtomicU64::default(),
        }
    }

    fn next_seed(&self) -> Option<u64> {
        let is_over = self.started.elapsed() > self.time || self.is_broken.load(Relaxed);
        let seed = self.next.fetch_add(1, Relaxed);
        (seed < self.end && !is_over).then_some(seed)
    }

    /// One walk after the other, each through a world of its own. When one breaks a promise, no other begins.
    #[expect(clippy::print_stderr, reason = "a walk that broke a promise is read from its beginning")]
    async fn walk(&self) {
        while let Some(seed) = self.next_seed() {
            let mut world = World::new(seed).await;
            if let Err(broken) = AssertUnwindSafe(world.walk()).catch_unwind().await {
                self.is_broken.store(true, Relaxed);
                eprintln!("seed {seed}:\n{}", world.history());
                resume_unwind(broken);
            }
            self.walks.fetch_add(1, Relaxed);
            self.calls.fetch_add(world.calls(), Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests tells where and how long to walk")]
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
