use std::time::Duration;

use jiff::Timestamp;

/// The times of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// It ends so long after its last renewal.
    pub idle: Duration,
    /// It ends so long after its login.
    pub max: Duration,
    /// It is renewed by use so long after its last renewal, but at least once in half of the idle time.
    pub renew: Duration,
}

/// When a session began and when it was last renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The login.
    pub created_at: Timestamp,
    /// The login, or the last use that moved the idle end.
    pub renewed_at: Timestamp,
}

impl Times {
    /// The earlier of the idle and the absolute end.
    pub fn end_of(&self, life: Life) -> Timestamp {
        after(life.renewed_at, self.idle).min(after(life.created_at, self.max))
    }

    /// Whether the session has ended: its last moment is no longer part of it.
    pub fn is_over(&self, life: Life, now: Timestamp) -> bool {
        now >= self.end_of(life)
    }

    /// Whether use moves the idle end.
    pub fn is_renewal_due(&self, life: Life, now: Timestamp) -> bool {
        now > after(life.renewed_at, self.renew.min(self.idle / 2))
    }
}

fn after(start: Timestamp, duration: Duration) -> Timestamp {
    start.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { idle: Duration::from_secs(100), max: Duration::from_secs(1000), renew: Duration::from_secs(10) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn life(created: i64, renewed: i64) -> Life {
        Life { created_at: at(created), renewed_at: at(renewed) }
    }

    #[test]
    fn a_session_ends_at_the_earlier_of_its_two_ends() {
        assert_eq!(TIMES.end_of(life(0, 0)), at(100));
        assert_eq!(TIMES.end_of(life(0, 890)), at(990));
        assert_eq!(TIMES.end_of(life(0, 950)), at(1000));
    }

    #[test]
    fn its_last_moment_is_no_longer_part_of_it() {
        assert!(!TIMES.is_over(life(0, 0), at(99)));
        assert!(TIMES.is_over(life(0, 0), at(100)));
        assert!(TIMES.is_over(life(0, 999), at(1000)));
    }

    #[test]
    fn use_renews_after_the_renewal_time_or_half_of_the_idle_time() {
        assert!(!TIMES.is_renewal_due(life(0, 0), at(10)));
        assert!(TIMES.is_renewal_due(life(0, 0), at(11)));

        let one_second = Times { idle: Duration::from_secs(1), ..TIMES };
        let half = Timestamp::from_millisecond(501).unwrap();
        assert!(one_second.is_renewal_due(life(0, 0), half));
        assert!(!one_second.is_renewal_due(life(0, 0), Timestamp::from_millisecond(500).unwrap()));
    }

    #[test]
    fn a_clock_that_runs_behind_neither_renews_nor_ends_a_session() {
        assert!(!TIMES.is_over(life(50, 50), at(0)));
        assert!(!TIMES.is_renewal_due(life(50, 50), at(0)));
    }
}
