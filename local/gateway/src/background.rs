use std::future::poll_fn;
use std::io;
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place};

/// Runs a task in the background: a server, or a function whose caller may disconnect.
#[expect(clippy::disallowed_methods, reason = "this process is not frozen after an answer, as a Lambda is")]
pub(crate) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}

/// Runs something beside everything else until the sender is dropped.
pub(crate) fn until_stopped(
    stop: &watch::Sender<()>,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<io::Result<()>> {
    let mut stopped = stop.subscribe();
    spawn(async move {
        tokio::select! {
            // Nothing is ever sent: this ends when the sender is dropped.
            _ = stopped.changed() => {}
            () = work => {}
        }
        Ok(())
    })
}

/// Lets the thread's other tasks go on in other threads: decoding an image takes seconds, for which Lambda has a process of its
/// own. A runtime of one thread, as tests have, has no other threads.
pub(crate) async fn beside_others<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let has_other_threads = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    poll_fn(|context| match has_other_threads {
        true => block_in_place(|| work.as_mut().poll(context)),
        false => work.as_mut().poll(context),
    })
    .await
}
