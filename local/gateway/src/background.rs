use std::future::poll_fn;
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, block_in_place};

/// Runs something beside everything else: a server, or a function whose caller may leave.
#[expect(clippy::disallowed_methods, reason = "this process is not frozen after an answer, as a Lambda is")]
pub(crate) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}

/// Lets the thread's other work go on elsewhere: to decode a photo takes seconds, and a Lambda has a process for it. In a runtime
/// of one thread, as tests have it, there is no elsewhere.
pub(crate) async fn beside_others<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let has_other_threads = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    poll_fn(|context| match has_other_threads {
        true => block_in_place(|| work.as_mut().poll(context)),
        false => work.as_mut().poll(context),
    })
    .await
}
