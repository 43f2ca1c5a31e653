use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde_json::Value;

use crate::aws_json;
use crate::clock::{self, TtlClock};
use crate::dynamodb;
use crate::eventbridge::{BusEvent, Events};
use crate::s3::created::{By, Created};
use crate::s3::store::{Checksums, Headers, Metadata, NewObject, Store};
use crate::s3::{self, Outage};
use crate::secretsmanager::Secrets;
use crate::seed::{Seed, SeedError};
use crate::server::{BindFailure, Listeners, Servers};
use crate::template::Template;
use crate::wechat::{self, WeChat};

/// The region that everything pretends to be in.
pub const REGION: &str = "us-east-1";
/// The access key that the emulators know unless told otherwise.
pub const ACCESS_KEY_ID: &str = "AKIDLOCALSTACK";
/// Its secret. It opens nothing but these emulators.
pub const SECRET_ACCESS_KEY: &str = "local-stack-secret-access-key";
/// The app id that the fake WeChat knows unless told otherwise.
pub const WECHAT_APPID: &str = "wxdev0000000000001";
/// The name of the secret that holds WeChat's app secret, for [`Secrets::put`].
pub const WECHAT_SECRET_NAME: &str = "wechat";
/// The name of the secret that holds [`CLOUDFRONT_KEY`], for [`Secrets::put`].
pub const CLOUDFRONT_SECRET_NAME: &str = "cloudfront";
/// The id of the key pair that image URLs are signed with in `cloudfront` delivery.
pub const CLOUDFRONT_KEY_PAIR_ID: &str = "KLOCALSTACK";
/// Its private half. It opens nothing but these emulators.
pub const CLOUDFRONT_KEY: &str = include_str!("cloudfront_key.pem");

/// Where the emulators listen and what they keep.
#[derive(Clone)]
pub struct Options {
    /// The address that all of them listen on.
    pub host: IpAddr,
    pub ports: Ports,
    pub data: Data,
    /// The one pair of keys that S3 accepts.
    pub access_key: AccessKey,
    /// The app id that the fake WeChat knows.
    pub wechat_appid: String,
    /// The app secret that the fake WeChat expects and that Secrets Manager gives out.
    pub wechat_secret: String,
    /// Whether `images/*` and `defaults/*` of every bucket may be read by plain URL, without a signature.
    pub public_read: bool,
}

impl Default for Options {
    /// Free ports of 127.0.0.1, and nothing kept.
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::default(),
            data: Data::Memory,
            access_key: AccessKey::default(),
            wechat_appid: WECHAT_APPID.to_owned(),
            wechat_secret: "dev-wechat-secret".to_owned(),
            public_read: false,
        }
    }
}

/// Leaves the secret out.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("ports", &self.ports)
            .field("data", &self.data)
            .field("access_key", &self.access_key)
            .field("wechat_appid", &self.wechat_appid)
            .field("public_read", &self.public_read)
            .finish_non_exhaustive()
    }
}

/// A pair of keys, as AWS gives them out.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

impl Default for AccessKey {
    /// [`ACCESS_KEY_ID`] and [`SECRET_ACCESS_KEY`].
    fn default() -> Self {
        Self { id: ACCESS_KEY_ID.to_owned(), secret: SECRET_ACCESS_KEY.to_owned() }
    }
}

/// Leaves the secret out.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The port of each service; 0 takes a free one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    pub dynamodb: u16,
    pub s3: u16,
    pub secretsmanager: u16,
    pub wechat: u16,
}

/// Where rows and objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: they go with the emulators.
    Memory,
    /// In this directory, which belongs to one process at a time. What was acknowledged outlives `kill -9`.
    Directory(PathBuf),
}

/// Why the emulators could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Bind(Vec<BindFailure>),
    #[error("cannot use the data directory {}: {cause}", path.display())]
    Directory { path: PathBuf, cause: io::Error },
    #[error("the data directory {} is in use by another process", .0.display())]
    DirectoryInUse(PathBuf),
    #[error("cannot make a temporary directory: {0}")]
    Temporary(io::Error),
    #[error("cannot open the tables: {0}")]
    Database(#[from] DynoxideError),
}

/// Why a table or the bucket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    #[error(
        "the table {table} that was kept has another key or other indexes: remove the data directory to start anew"
    )]
    TableDiffers { table: String },
    #[error("cannot make the table {table}: {cause}")]
    Table { table: String, cause: DynoxideError },
    #[error("cannot make the bucket {bucket}: {cause}")]
    Bucket { bucket: String, cause: io::Error },
}

/// An object as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    pub bytes: Bytes,
    pub etag: String,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
}

/// The running emulators. They run on the tokio runtime they were started on; dropping this stops them.
pub struct Emulators {
    dynamodb_url: String,
    s3_url: String,
    secretsmanager_url: String,
    wechat_url: String,
    database: Database,
    ttl_clock: Arc<TtlClock>,
    store: Arc<Store>,
    /// The bucket of the images, once it is known.
    bucket: OnceLock<String>,
    secrets: Secrets,
    events: Events,
    wechat_secret_arn: String,
    cloudfront_secret_arn: String,
    wechat: WeChat,
    wechat_appid: String,
    access_key: AccessKey,
    s3_outage: Outage,
    servers: Servers,
    _directory_lock: Option<File>,
}

impl Emulators {
    /// Opens the data, binds every port and serves.
    ///
    /// # Errors
    /// Where the data cannot be opened, or where ports cannot be bound: then all of those are named at once.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let opened = Opened::open(&options.data)?;
        let listeners = Listeners::bind(options.host, &options.ports).await?;
        let secrets = Secrets::default();
        let emulators = Self {
            dynamodb_url: listeners.dynamodb.url.clone(),
            s3_url: listeners.s3.url.clone(),
            secretsmanager_url: listeners.secretsmanager.url.clone(),
            wechat_url: listeners.wechat.url.clone(),
            database: opened.database,
            ttl_clock: opened.ttl_clock,
            store: Arc::new(opened.store),
            bucket: OnceLock::new(),
            wechat_secret_arn: secrets.put(WECHAT_SECRET_NAME, &*options.wechat_secret),
            cloudfront_secret_arn: secrets.put(CLOUDFRONT_SECRET_NAME, CLOUDFRONT_KEY),
            secrets,
            events: Events::default(),
            wechat: WeChat::new(&options.wechat_appid, &options.wechat_secret),
            wechat_appid: options.wechat_appid,
            access_key: options.access_key,
            s3_outage: Outage::default(),
            servers: Servers::new(),
            _directory_lock: opened.lock,
        };
        emulators.serve(listeners, options.public_read);
        Ok(emulators)
    }

    fn serve(&self, listeners: Listeners, public_read: bool) {
        self.servers.serve_database(listeners.dynamodb, self.database.clone());
        let s3 = s3::router(Arc::clone(&self.store), self.access_key.clone(), public_read, self.s3_outage.clone());
        self.servers.serve(listeners.s3, s3);
        self.servers.serve(listeners.secretsmanager, aws_json::router(self.secrets.clone(), self.events.clone()));
        self.servers.serve(listeners.wechat, wechat::router(self.wechat.clone()));
    }

    /// `http://<address>:<port>` of DynamoDB.
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb_url
    }

    /// `http://<address>:<port>` of S3.
    pub fn s3_url(&self) -> &str {
        &self.s3_url
    }

    /// `http://<address>:<port>` of Secrets Manager.
    pub fn secretsmanager_url(&self) -> &str {
        &self.secretsmanager_url
    }

    /// `http://<address>:<port>` of the fake WeChat.
    pub fn wechat_url(&self) -> &str {
        &self.wechat_url
    }

    /// The variables by which the AWS SDKs and the functions find these emulators and are let in.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb_url.as_str()),
            ("AWS_ENDPOINT_URL_S3", &self.s3_url),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.secretsmanager_url),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &self.secretsmanager_url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &self.access_key.id),
            ("AWS_SECRET_ACCESS_KEY", &self.access_key.secret),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("WECHAT_API_BASE", &self.wechat_url),
            ("WECHAT_APPID", &self.wechat_appid),
            ("WECHAT_SECRET", &self.wechat_secret_arn),
            ("CLOUDFRONT_KEY_PAIR_ID", CLOUDFRONT_KEY_PAIR_ID),
            ("CLOUDFRONT_KEY_SECRET", &self.cloudfront_secret_arn),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Makes the template's tables and its bucket where they are missing; what is there stays as it is.
    ///
    /// # Errors
    /// Where a table's definition is refused, or is another than that of the table kept, or the data cannot be written.
    pub async fn create_resources(&self, template: &Template) -> Result<(), ResourceError> {
        for table in &template.tables {
            dynamodb::create_table(&self.database, table)?;
        }
        let bucket = &template.bucket.name;
        self.store.create_bucket(bucket).map_err(|cause| ResourceError::Bucket { bucket: bucket.clone(), cause })?;
        self.bucket.get_or_init(|| bucket.clone());
        Ok(())
    }

    /// Puts a seed set, `{"rows": {"<table>": [<item>…]}, "objects": [{"key", "file", "content_type",
    /// "cache_control"?}]}`, with items in DynamoDB's JSON and files relative to `base`.
    ///
    /// The numbers `$now_ms`, `$now` (seconds) and `$in_15_days` (seconds) stand for times around `now_ms`. Rows are put
    /// where there are none with their keys, those of `SessionsTable` always; objects unless they are there as they are.
    ///
    /// # Errors
    /// Where the set is malformed, a file is missing, a row is refused, or there is no bucket yet.
    pub async fn seed(&self, seed_json: &str, base: &Path, now_ms: i64) -> Result<(), SeedError> {
        let seed = Seed::parse(seed_json, now_ms)?;
        seed.put_rows(&self.database)?;
        seed.put_objects(&self.store, self.bucket.get().ok_or(SeedError::NoBucket)?, base)
    }

    /// The tables, for direct assertions.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Removes the rows whose TTL has passed and returns how many there were. It happens only here: on AWS expired
    /// rows stay readable, too, typically for up to days.
    ///
    /// # Errors
    /// Where the data cannot be written.
    pub fn sweep_ttl(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }

    /// The same, as if it were so late (seconds since 1970). Only tables in memory have a clock that can be told.
    ///
    /// # Errors
    /// Where the data cannot be written.
    pub fn sweep_ttl_at(&self, unix_seconds: u64) -> Result<usize, DynoxideError> {
        self.ttl_clock.say(unix_seconds);
        let swept = self.database.sweep_ttl();
        self.ttl_clock.say(0);
        swept
    }

    /// What the stream of a table tells after this sequence number, oldest first: records as Lambda hands them on.
    ///
    /// # Errors
    /// Where the table has no stream, or the data cannot be read.
    pub fn changes(&self, table: &str, after: Option<&str>, limit: usize) -> Result<Vec<Value>, DynoxideError> {
        dynamodb::changes(&self.database, table, after, limit)
    }

    /// The objects that requests have created and nobody has taken from here yet. Those of the last six hours, and all
    /// below `incoming/`, are told again when kept data is opened.
    pub fn take_created(&self) -> Vec<Created> {
        self.store.outbox.take()
    }

    /// The oldest of them, once there is one.
    pub async fn next_created(&self) -> Created {
        self.store.outbox.next().await
    }

    /// The events that were put on a bus and that nobody has taken from here yet.
    pub fn take_events(&self) -> Vec<BusEvent> {
        self.events.0.take()
    }

    /// The oldest of them, once there is one.
    pub async fn next_event(&self) -> BusEvent {
        self.events.0.next().await
    }

    /// Puts an object into the images bucket, as a request would.
    ///
    /// # Errors
    /// Where there is no bucket yet, or the data cannot be written.
    pub fn put_object(&self, key: &str, bytes: Bytes, content_type: &str) -> io::Result<()> {
        let object = NewObject {
            key: key.to_owned(),
            bytes,
            headers: Headers { content_type: Some(content_type.to_owned()), ..Headers::default() },
            checksums: Checksums::default(),
            modified: clock::now_to_the_second().into(),
            by: Some(By::Put),
        };
        let put = self.store.put(self.bucket().unwrap_or_default(), object, &|_| Ok(()));
        put.map(drop).map_err(io::Error::other)
    }

    /// The name of the images bucket, once [`create_resources`](Self::create_resources) has made it.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.get().map(String::as_str)
    }

    /// Every key of the images bucket, sorted.
    pub fn objects(&self) -> Vec<String> {
        let keys = |bucket| self.store.read_bucket(bucket, |objects| objects.keys().cloned().collect()).ok();
        self.bucket().and_then(keys).unwrap_or_default()
    }

    /// One object of the images bucket.
    pub fn object(&self, key: &str) -> Option<StoredObject> {
        let found = self.store.open_object(self.bucket()?, key).ok()?;
        let bytes = found.read_all().ok()?.into();
        let Metadata { etag, headers, .. } = found.metadata;
        Some(StoredObject { bytes, etag, content_type: headers.content_type, cache_control: headers.cache_control })
    }

    /// The switch that takes S3 down.
    pub fn s3_outage(&self) -> &Outage {
        &self.s3_outage
    }

    /// The secrets, to play a rotation.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The fake WeChat: what it was asked, and how it answers next.
    pub fn wechat(&self) -> &WeChat {
        &self.wechat
    }
}

/// The data, and the lock that keeps a second process from it.
struct Opened {
    database: Database,
    ttl_clock: Arc<TtlClock>,
    store: Store,
    lock: Option<File>,
}

impl Opened {
    fn open(data: &Data) -> Result<Self, StartError> {
        match data {
            Data::Memory => {
                let store = Store::temporary().map_err(StartError::Temporary)?;
                let ttl_clock = Arc::new(TtlClock::default());
                let database = Database::memory_with_clock(Arc::<TtlClock>::clone(&ttl_clock))?;
                Ok(Self { database, ttl_clock, store, lock: None })
            }
            Data::Directory(path) => Self::open_directory(path),
        }
    }

    fn open_directory(path: &Path) -> Result<Self, StartError> {
        let failure = |cause| StartError::Directory { path: path.to_owned(), cause };
        std::fs::create_dir_all(path).map_err(failure)?;
        let lock = File::create(path.join("lock")).map_err(failure)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::DirectoryInUse(path.to_owned()),
            TryLockError::Error(cause) => failure(cause),
        })?;
        let store = Store::open(&path.join("s3")).map_err(failure)?;
        let database = Database::new(&path.join("dynamodb.sqlite").to_string_lossy())?;
        Ok(Self { database, ttl_clock: Arc::default(), store, lock: Some(lock) })
    }
}
