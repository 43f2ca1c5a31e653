//! What has happened and is to be told.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// What was not taken yet, oldest first.
pub(crate) struct Outbox<T> {
    waiting: Mutex<VecDeque<T>>,
    arrived: Notify,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new() }
    }
}

impl<T> Outbox<T> {
    pub(crate) fn put(&self, one: T) {
        self.waiting(|waiting| waiting.push_back(one));
        self.arrived.notify_one();
    }

    pub(crate) fn take(&self) -> Vec<T> {
        self.waiting(std::mem::take).into()
    }

    /// The oldest one, once there is one.
    pub(crate) async fn next(&self) -> T {
        loop {
            if let Some(one) = self.waiting(VecDeque::pop_front) {
                return one;
            }
            self.arrived.notified().await;
        }
    }

    fn waiting<R>(&self, look: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        look(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
