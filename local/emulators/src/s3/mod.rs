//! S3: the `s3s` protocol layer (routing, signatures, expiry, XML) over our own store.

mod backend;
mod cloudfront;
mod conditions;
mod cors;
pub(crate) mod created;
mod list;
mod outage;
mod post_object;
pub(crate) mod store;

use std::sync::Arc;

use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::GetObjectInput;
use s3s::host::{S3Host, VirtualHost};
use s3s::service::S3ServiceBuilder;
use s3s::{S3Request, S3Result, s3_error};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use self::backend::Backend;
pub use self::outage::Outage;
use self::post_object::PostObject;
use self::store::Store;
use crate::AccessKey;

/// What `public_read` and the signed URLs of CloudFront open.
const PUBLIC_PREFIXES: [&str; 2] = ["images/", "defaults/"];

pub(crate) fn router(store: Arc<Store>, access_key: AccessKey, public_read: bool, outage: Outage) -> Router {
    let post_object = PostObject { store: Arc::clone(&store), access_key: access_key.clone() };
    let mut builder = S3ServiceBuilder::new(Backend { store });
    builder.set_auth(Keys(access_key));
    builder.set_access(Access { public_read });
    builder.set_host(Hosts);
    let service = HandleError::new(builder.build(), |_| async { StatusCode::INTERNAL_SERVER_ERROR });
    Router::new()
        .fallback_service(service)
        .layer(middleware::from_fn(unlogged))
        .layer(middleware::from_fn_with_state(post_object, post_object::or_next))
        .layer(middleware::from_fn(cloudfront::verify))
        .layer(middleware::from_fn_with_state(outage, outage::refuse))
        .layer(middleware::from_fn(cors::allow))
}

/// The protocol layer logs every refusal as an error and, at finer levels, whole requests with their signatures.
async fn unlogged(request: Request, next: Next) -> Response {
    next.run(request).with_subscriber(Dispatch::none()).await
}

/// The one pair of keys.
struct Keys(AccessKey);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.0.id {
            Ok(SecretKey::from(self.0.secret.as_str()))
        } else {
            Err(s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."))
        }
    }
}

/// Whoever signed may do everything; a stranger may at most read what is public, or what a URL of CloudFront names.
struct Access {
    public_read: bool,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let may_read = self.public_read || request.extensions_mut().get::<cloudfront::Verified>().is_some();
        if request.credentials().is_some() || (may_read && is_public(request)) {
            Ok(())
        } else {
            Err(s3_error!(AccessDenied, "Access Denied"))
        }
    }

    /// Only a signature may say which headers an object is sent with.
    async fn get_object(&self, request: &mut S3Request<GetObjectInput>) -> S3Result<()> {
        if request.credentials.is_none() && overrides_headers(&request.input) {
            return Err(s3_error!(
                InvalidRequest,
                "Request specific response headers cannot be used for anonymous GET requests."
            ));
        }
        Ok(())
    }
}

fn is_public(request: &S3AccessContext<'_>) -> bool {
    let reads = matches!(request.s3_op().name(), "GetObject" | "HeadObject");
    let key = request.s3_path().get_object_key().unwrap_or_default();
    reads && PUBLIC_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn overrides_headers(input: &GetObjectInput) -> bool {
    input.response_cache_control.is_some()
        || input.response_content_disposition.is_some()
        || input.response_content_encoding.is_some()
        || input.response_content_language.is_some()
        || input.response_content_type.is_some()
        || input.response_expires.is_some()
}

/// Only `*.localhost` is a bucket's own host: any other name (`my-laptop.lan`, `host.docker.internal`) is this server.
struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let server = VirtualHost::new(host);
        Ok(match bucket_of(host) {
            Some(bucket) => server.with_bucket(bucket),
            None => server,
        })
    }
}

/// The bucket that a `Host` names.
fn bucket_of(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix(".localhost").filter(|bucket| !bucket.is_empty())
}
