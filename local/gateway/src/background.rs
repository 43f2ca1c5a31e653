use tokio::task::JoinHandle;

/// Runs something beside everything else: a server, or a function whose caller may leave.
#[expect(clippy::disallowed_methods, reason = "this process is not frozen after an answer, as a Lambda is")]
pub(crate) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}
