use std::time::Duration;

/// How many times longer than in production the tests of behaviour wait: a busy machine is no outage. Tests of deadlines
/// have short ones, and a server that never answers.
pub const PATIENCE: u32 = 30;

/// How long a test waits for what has to happen: long enough for any machine, short enough to end a run that hangs.
pub const LONG: Duration = Duration::from_secs(300);

const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see.
///
/// # Panics
/// After [`LONG`]: what was waited for did not happen.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    match tokio::time::timeout(LONG, seen).await {
        Ok(seen) => seen,
        Err(_) => panic!("it did not happen: {what}"),
    }
}
