use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::oneshot;

use crate::wire::{operation_of, whole};

/// How a call ends that is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Applied once and answered.
    Well,
    /// Applied twice and answered as the second time, as when the SDK repeats what had no answer.
    Twice,
    /// Applied, and not answered.
    Unanswered,
    /// Not applied, and not answered.
    Lost,
    /// Applied and answered, and the same request arrives again at any time: [`Steps::arrive`].
    Repeated,
    /// Not answered, and applied only when it arrives: [`Steps::arrive`].
    Late,
}

/// An HTTP client whose calls wait until a test lets them through, one at a time. With one for each process that a test
/// plays, it decides in which order their calls reach AWS, and how each of them ends.
#[derive(Clone)]
pub struct Steps {
    real: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    under_way: usize,
    on_the_wire: Vec<(SharedHttpConnector, HttpRequest)>,
}

struct Waiting {
    operation: String,
    passage: oneshot::Sender<Passage>,
}

impl Steps {
    /// Calls go to `real` once they are let through.
    pub fn new(real: SharedHttpClient) -> Self {
        Self { real, state: Arc::default() }
    }

    /// The client to give to the SDKs.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// The operations of the calls that wait, the oldest first; none while one is under way.
    pub fn waiting(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        if state.under_way > 0 {
            return Vec::new();
        }
        state
            .waiting
            .iter()
            .filter(|waiting| !waiting.passage.is_closed())
            .map(|waiting| waiting.operation.clone())
            .collect()
    }

    /// Lets the n-th of the [`waiting`](Self::waiting) calls through; the first is 0.
    pub fn let_through(&self, nth: usize, passage: Passage) {
        let mut state = self.state.lock().unwrap();
        state.waiting.retain(|waiting| !waiting.passage.is_closed());
        let waiting = state.waiting.remove(nth);
        state.under_way += 1;
        waiting.passage.send(passage).unwrap();
    }

    /// How many requests are still on the wire.
    pub fn on_the_wire(&self) -> usize {
        self.state.lock().unwrap().on_the_wire.len()
    }

    /// Lets the n-th request on the wire arrive. Nobody waits for its answer.
    pub async fn arrive(&self, nth: usize) {
        let (connector, request) = self.state.lock().unwrap().on_the_wire.remove(nth);
        let _ = connector.call(request).await;
    }

    async fn send(self, connector: SharedHttpConnector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (passage, is_let_through) = oneshot::channel();
        self.state.lock().unwrap().waiting.push(Waiting { operation: operation_of(&request), passage });
        let passage = is_let_through.await.unwrap();
        let _under_way = UnderWay(&self.state);

        if matches!(passage, Passage::Repeated | Passage::Late) {
            self.state.lock().unwrap().on_the_wire.push((connector.clone(), request.try_clone().unwrap()));
        }
        match passage {
            // With its body, so that the reader need not wait for anything that no test lets through.
            Passage::Well | Passage::Repeated => whole(connector.call(request).await?).await,
            Passage::Twice => {
                let again = request.try_clone().unwrap();
                connector.call(request).await?;
                whole(connector.call(again).await?).await
            }
            Passage::Unanswered => {
                connector.call(request).await?;
                Err(no_answer())
            }
            Passage::Lost | Passage::Late => Err(no_answer()),
        }
    }
}

/// A call that was let through, until it has ended or its caller is gone.
struct UnderWay<'a>(&'a Mutex<State>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

/// An error that the SDK does not try again: the repetitions are the test's to play.
fn no_answer() -> ConnectorError {
    ConnectorError::other("no answer".into(), None)
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl HttpClient for Steps {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.real.http_connector(settings, components);
        SharedHttpConnector::new(StepsConnector { inner, steps: self.clone() })
    }
}

#[derive(Debug)]
struct StepsConnector {
    inner: SharedHttpConnector,
    steps: Steps,
}

impl HttpConnector for StepsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.steps.clone().send(self.inner.clone(), request))
    }
}
