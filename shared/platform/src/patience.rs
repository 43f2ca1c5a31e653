use std::time::Duration;

/// How long a function waits for others, how often it asks again, and when it gives up on all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The whole of one request or event, well within the function's own timeout. What is not done by then is dropped where
    /// it stands: every write of ours leaves a state that a retry, or the TTL, completes.
    pub deadline: Duration,
    /// One operation of AWS, its retries included.
    pub operation: Duration,
    /// One attempt at an operation.
    pub attempt: Duration,
    /// How many attempts an operation has.
    pub attempts: u32,
    /// A connection to AWS.
    pub connect: Duration,
    /// An exchange with somebody else than AWS, which is never repeated.
    pub exchange: Duration,
    /// The longest pause before the second attempt; before each further one twice as long.
    pub first_backoff: Duration,
    /// How long a body may stand still.
    pub stall_grace: Duration,
}

impl Patience {
    /// Somebody waits for the answer, 5 s at most; the function's own timeout is 10 s.
    pub const ANSWERING: Self = Self {
        deadline: Duration::from_millis(4500),
        operation: Duration::from_millis(2500),
        attempt: Duration::from_millis(800),
        attempts: 3,
        connect: Duration::from_millis(500),
        exchange: Duration::from_secs(2),
        first_backoff: Duration::from_millis(50),
        stall_grace: Duration::from_secs(2),
    };

    /// Nobody waits, and what fails comes again: rather slow than once more. An attempt has time for 20 MB; the function's
    /// own timeout is 60 s.
    pub const BACKGROUND: Self = Self {
        deadline: Duration::from_secs(55),
        operation: Duration::from_secs(20),
        attempt: Duration::from_secs(8),
        attempts: 5,
        connect: Duration::from_secs(2),
        exchange: Duration::from_secs(2),
        first_backoff: Duration::from_millis(100),
        stall_grace: Duration::from_secs(5),
    };

    /// The same with every deadline so many times as long, for a machine that is too busy to keep those of production.
    #[must_use]
    pub const fn stretched(self, times: u32) -> Self {
        Self {
            deadline: self.deadline.saturating_mul(times),
            operation: self.operation.saturating_mul(times),
            attempt: self.attempt.saturating_mul(times),
            connect: self.connect.saturating_mul(times),
            exchange: self.exchange.saturating_mul(times),
            stall_grace: self.stall_grace.saturating_mul(times),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_an_answer_has_it_within_five_seconds() {
        let Patience { deadline, operation, attempt, exchange, .. } = Patience::ANSWERING;
        assert!(attempt < operation && operation < deadline && exchange < deadline);
        assert!(attempt * Patience::ANSWERING.attempts < operation, "the last attempt, too, has its whole time");
        assert!(deadline < Duration::from_secs(5));
    }
}
