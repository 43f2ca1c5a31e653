//! Listening and serving: every port is bound before anything is served.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{Ports, StartError};

/// One port that could not be bound.
#[derive(Debug)]
pub struct BindFailure {
    /// The service that wanted it: `dynamodb`, `s3`, `secretsmanager` or `wechat`.
    pub service: &'static str,
    pub address: SocketAddr,
    pub cause: io::Error,
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.service, self.address, self.cause)
    }
}

pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) url: String,
}

pub(crate) struct Listeners {
    pub(crate) dynamodb: Bound,
    pub(crate) s3: Bound,
    pub(crate) secretsmanager: Bound,
    pub(crate) wechat: Bound,
}

impl Listeners {
    /// Binds all four, or says which of them cannot be bound.
    pub(crate) async fn bind(host: IpAddr, ports: &Ports) -> Result<Self, StartError> {
        let bound = (
            bind("dynamodb", host, ports.dynamodb).await,
            bind("s3", host, ports.s3).await,
            bind("secretsmanager", host, ports.secretsmanager).await,
            bind("wechat", host, ports.wechat).await,
        );
        match bound {
            (Ok(dynamodb), Ok(s3), Ok(secretsmanager), Ok(wechat)) => Ok(Self { dynamodb, s3, secretsmanager, wechat }),
            (dynamodb, s3, secretsmanager, wechat) => {
                let failures = [dynamodb.err(), s3.err(), secretsmanager.err(), wechat.err()];
                Err(StartError::Bind(failures.into_iter().flatten().collect()))
            }
        }
    }
}

async fn bind(service: &'static str, host: IpAddr, port: u16) -> Result<Bound, BindFailure> {
    let address = SocketAddr::new(host, port);
    let failure = |cause| BindFailure { service, address, cause };
    let listener = TcpListener::bind(address).await.map_err(failure)?;
    let url = format!("http://{}", listener.local_addr().map_err(failure)?);
    Ok(Bound { listener, url })
}

/// The running servers. Dropping this stops them: they take no new connection and end the ones that idle.
pub(crate) struct Servers(watch::Sender<()>);

impl Servers {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    fn signal(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // Nothing is ever sent: this ends when the sender is dropped.
            let _ = receiver.changed().await;
        }
    }

    pub(crate) fn serve(&self, bound: Bound, router: Router) {
        let listener = bound.listener.tap_io(|connection| {
            // Only latency is at stake, so a socket that refuses is served as it is.
            let _ = connection.set_nodelay(true);
        });
        let signal = self.signal();
        in_background(async move { axum::serve(listener, router).with_graceful_shutdown(signal).await });
    }

    pub(crate) fn serve_database(&self, bound: Bound, database: Database) {
        in_background(dynoxide::server::serve_with_shutdown(bound.listener, database, self.signal()));
    }
}

#[expect(clippy::disallowed_methods, reason = "the servers live as long as `Emulators`, which is not Lambda code")]
fn in_background(server: impl Future<Output: Send> + Send + 'static) {
    tokio::spawn(server);
}
