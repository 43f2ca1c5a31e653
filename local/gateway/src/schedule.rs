//! Functions that the template has called each minute are called here every so often.

use std::io;
use std::time::Duration;

use emulators::template::Template;
use platform::clock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::background::until_stopped;
use crate::function::{Functions, Invocation};
use crate::new_request_id;

/// Calls each scheduled function `every` so often, one call after the other, until `stop` is dropped. What fails is logged by the
/// function, and comes again the next time.
pub fn start(
    template: &Template,
    functions: &Functions,
    every: Duration,
    stop: &watch::Sender<()>,
) -> Vec<JoinHandle<io::Result<()>>> {
    let scheduled = template.functions.iter().filter(|function| function.is_scheduled);
    let call = |name: String| {
        let functions = functions.clone();
        async move {
            loop {
                sleep(every).await;
                let invocation = Invocation { event: event().to_string(), request_id: new_request_id() };
                let _ = functions.invoke(&name, invocation).await;
            }
        }
    };
    scheduled.map(|function| until_stopped(stop, call(function.name.clone()))).collect()
}

/// As `EventBridge` sends it.
fn event() -> Value {
    json!({
        "version": "0", "id": new_request_id(), "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": clock::now(), "region": "us-east-1", "resources": [], "detail": {}
    })
}
