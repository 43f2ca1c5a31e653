//! Trying again what the SDK does not: a write that met another one, or a batch of which a part was left.

use std::time::Duration;

use tokio::time::sleep;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// A number of attempts, with a pause before each but the first.
///
/// ```no_run
/// # async fn example() {
/// let mut attempts = platform::retry::Attempts::at_most(3);
/// while attempts.next().await {
///     // try it, and return when it is done
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Attempts {
    left: u32,
    pause: Duration,
}

impl Attempts {
    /// So many attempts. Of what may go on until the request's deadline, [`u32::MAX`].
    pub const fn at_most(attempts: u32) -> Self {
        Self { left: attempts, pause: Duration::ZERO }
    }

    /// Waits until the next attempt may begin; false where none is left. The pauses double, and are of random length:
    /// those who met must not meet again.
    pub async fn next(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        if !self.pause.is_zero() {
            sleep(part_of(self.pause)).await;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
        true
    }
}

/// Somewhere between none and all of `most`.
fn part_of(most: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(u32::MAX / 2);
    most.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_as_many_attempts_as_were_asked_for() {
        for most in 0..4 {
            let (mut attempts, mut made) = (Attempts::at_most(most), 0);
            while attempts.next().await {
                made += 1;
            }
            assert_eq!(made, most);
        }
    }

    #[tokio::test]
    async fn the_first_attempt_has_no_pause_and_later_ones_have_longer_ones() {
        let mut attempts = Attempts::at_most(u32::MAX);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            pauses.push(attempts.pause);
            attempts.next().await;
        }
        assert_eq!(pauses, [0, 25, 50, 100, 200, 200].map(Duration::from_millis));
    }
}
