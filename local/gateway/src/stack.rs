//! The whole stack in one process: emulators, functions, gateway and Invoke API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use axum::Router;
use axum::serve::ListenerExt;
use emulators::routing::Routes;
use emulators::template::{Template, TemplateError};
use emulators::{AccessKey, Data, Emulators, Options, ResourceError, SeedError};
use platform::clock;
use platform::config::Problems;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::background::spawn;
use crate::deliveries::{Deliveries, Retries};
use crate::demo;
use crate::function::Functions;
use crate::gateway::{Gateway, Limits};
use crate::in_process::{self, Environment};
use crate::invoke;
use crate::schedule;
use crate::settings::Settings;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const SEED: &str = include_str!("../../../events/seed.json");
const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// Where the files of the seed set are: beside a program that was unpacked from a release, else where it was built.
fn folder_of_events() -> PathBuf {
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.join("events")));
    beside.filter(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from(EVENTS))
}

/// How long running requests may take to end when the stack stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Where everything is: what the stack prints once all of it answers.
#[derive(Debug, Clone, Serialize)]
pub struct Addresses {
    /// The HTTP API.
    pub gateway: String,
    /// `DynamoDB`.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// Secrets Manager.
    pub secretsmanager: String,
    /// The fake `WeChat`.
    pub wechat: String,
    /// Lambda's Invoke API.
    pub lambda: String,
    /// The directory of the data, or `:memory:`.
    pub data: String,
    /// Every variable with which a function outside this process meets the same stack.
    pub env: BTreeMap<String, String>,
}

/// Why the stack could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or the address is none of this machine.
    #[error("cannot listen on {0}: {1}{advice}", advice = advice(.1))]
    Bind(SocketAddr, #[source] io::Error),
    /// The emulators could not start.
    #[error("{0}{advice}", advice = first_advice(.0))]
    Emulators(#[from] emulators::StartError),
    /// The template is broken.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Tables or bucket could not be made.
    #[error(transparent)]
    Resources(#[from] ResourceError),
    /// The seed set could not be put.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The functions refuse their variables.
    #[error(transparent)]
    Configuration(#[from] Problems),
}

/// What whoever started the stack can do about a port that cannot be had.
fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program listens there, perhaps another `make local`: LOCAL_PORT=9000 takes 9000 to 9005"
        }
        io::ErrorKind::AddrNotAvailable => "; LOCAL_HOST has to be an address of this machine",
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 are for administrators: LOCAL_PORT=9000 takes 9000 to 9005"
        }
        _ => "",
    }
}

fn first_advice(error: &emulators::StartError) -> &'static str {
    match error {
        emulators::StartError::Bind(failures) => failures.first().map_or("", |failure| advice(&failure.cause)),
        emulators::StartError::Directory { .. }
        | emulators::StartError::DirectoryInUse(_)
        | emulators::StartError::Temporary(_)
        | emulators::StartError::Database(_) => "",
    }
}

/// A running stack.
pub struct Stack {
    addresses: Addresses,
    emulators: Arc<Emulators>,
    stop: watch::Sender<()>,
    servers: Vec<JoinHandle<io::Result<()>>>,
}

impl Stack {
    /// Starts everything; when it returns, all of it answers.
    ///
    /// Variables that `caller` gives win over the stack's own, so that a part can be swapped for another server or a
    /// proxy before it. Tables, bucket and seed set are made in the stack's own emulators only.
    ///
    /// # Errors
    /// Where a port or the data cannot be used, or where the functions refuse what `caller` gave.
    pub async fn start(settings: &Settings, caller: &dyn Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        Self::start_of(TEMPLATE, Functions::default(), settings, caller).await
    }

    /// The same of another template, and with functions that are not of this repository.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_of(
        template: &str,
        others: Functions,
        settings: &Settings,
        caller: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, StartError> {
        let template = Template::parse(template)?;
        let gateway_listener = bind(SocketAddr::new(settings.host, settings.port)).await?;
        let lambda_listener = bind(SocketAddr::new(settings.host, settings.lambda_port())).await?;
        let delivery = caller("IMAGE_DELIVERY").unwrap_or_default();
        let public_read = delivery == "public";
        let emulators = Emulators::start(emulators_options(settings, public_read, caller)).await?;
        emulators.create_resources(&template).await?;
        emulators.seed(SEED, &folder_of_events(), clock::now().as_millisecond()).await?;

        let mut local = emulators.environment();
        if public_read || delivery == "cloudfront" {
            let base = format!("{}/{}", emulators.s3_url(), template.bucket.name);
            local.insert("IMAGE_BASE_URL".to_owned(), base);
        }
        let environment = Environment { caller, local, template: &template, patience: settings.patience };
        let mut connected = in_process::connect(&environment).await?;
        connected.functions.extend(others);
        let addresses = Addresses {
            gateway: url(&gateway_listener, settings),
            dynamodb: emulators.dynamodb_url().to_owned(),
            s3: emulators.s3_url().to_owned(),
            secretsmanager: emulators.secretsmanager_url().to_owned(),
            wechat: emulators.wechat_url().to_owned(),
            lambda: url(&lambda_listener, settings),
            data: match &settings.data {
                Data::Memory => ":memory:".to_owned(),
                Data::Directory(path) => path.display().to_string(),
            },
            env: connected.variables,
        };

        let emulators = Arc::new(emulators);
        let deliveries = Deliveries {
            emulators: Arc::clone(&emulators),
            functions: connected.functions.clone(),
            retries: Retries::default(),
            times: settings.deliveries,
        };
        let functions = connected.functions.clone();
        let lambda = invoke::router(connected.functions.clone());
        let gateway =
            Gateway { routes: Routes::of(&template), functions: connected.functions, limits: Limits::default() };
        let front = gateway.router().merge(demo::router(emulators.s3_outage().clone()));
        let stop = watch::Sender::new(());
        let mut servers = vec![serve(gateway_listener, front, &stop), serve(lambda_listener, lambda, &stop)];
        servers.extend(deliveries.start(&template, &stop));
        servers.extend(schedule::start(&template, &functions, settings.schedule, &stop));
        Ok(Self { addresses, emulators, stop, servers })
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The emulators, for assertions and for switching the fake `WeChat`.
    pub fn emulators(&self) -> &Emulators {
        &self.emulators
    }

    /// Takes no new requests, lets the running ones end (for 5 s at most), and stops.
    pub async fn stop(self) {
        drop(self.stop);
        let ended = async {
            for server in self.servers {
                let _ = server.await;
            }
        };
        // Whoever still sends after that loses nothing that was acknowledged.
        let _ = tokio::time::timeout(LAST_REQUESTS, ended).await;
    }
}

/// The emulators know what the caller's functions will present: keys and app id that are set for another purpose, as on
/// most developers' machines, must not lock them out of their own laptop.
fn emulators_options(settings: &Settings, public_read: bool, caller: &dyn Fn(&str) -> Option<String>) -> Options {
    let own = Options::default();
    let given = |name| caller(name).filter(|value: &String| !value.is_empty());
    let access_key = given("AWS_ACCESS_KEY_ID").zip(given("AWS_SECRET_ACCESS_KEY"));
    Options {
        host: settings.host,
        ports: settings.emulators_ports(),
        data: settings.data.clone(),
        access_key: access_key.map_or(own.access_key, |(id, secret)| AccessKey { id, secret }),
        wechat_appid: given("WECHAT_APPID").unwrap_or(own.wechat_appid),
        wechat_secret: settings.wechat_secret.clone().unwrap_or(own.wechat_secret),
        public_read,
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| StartError::Bind(address, cause))
}

/// The address under which a listener is reached.
fn url(listener: &TcpListener, settings: &Settings) -> String {
    let port = listener.local_addr().map_or(settings.port, |address| address.port());
    format!("http://{}", SocketAddr::new(settings.host, port))
}

fn serve(listener: TcpListener, router: Router, stop: &watch::Sender<()>) -> JoinHandle<io::Result<()>> {
    let mut stopped = stop.subscribe();
    let listener = listener.tap_io(|connection| {
        // Only latency is at stake, so a socket that refuses is served as it is.
        let _ = connection.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // Nothing is ever sent: this ends when the sender is dropped.
        let _ = stopped.changed().await;
    });
    spawn(server.into_future())
}
