//! URLs that CloudFront lets pass: the local S3 opens what they name, as if there were a distribution before it.
//!
//! Only what mini-functions signs is known: a canned policy, RSA with SHA-256, the one key pair of the local stack.

use axum::extract::{Query, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HOST};
use http::{StatusCode, Uri};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;

use crate::clock::unix_seconds;
use crate::{CLOUDFRONT_KEY, CLOUDFRONT_KEY_PAIR_ID};

/// Stands in a request that came with a good URL of CloudFront's, which has lost its query since.
#[derive(Clone)]
pub(super) struct Verified;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    expires: u64,
    signature: String,
    #[serde(rename = "Key-Pair-Id")]
    key_pair_id: String,
    #[serde(rename = "Hash-Algorithm")]
    hash_algorithm: String,
}

/// Lets requests pass that do not speak of CloudFront, and marks those whose URL is good.
pub(super) async fn verify(mut request: Request, next: Next) -> Response {
    if !request.uri().query().is_some_and(|query| query.contains("Key-Pair-Id=")) {
        return next.run(request).await;
    }
    let Ok(Query(signed)) = Query::<Signed>::try_from_uri(request.uri()) else {
        return refusal("Missing or malformed query parameter");
    };
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let url = format!("http://{host}{}", request.uri().path());
    if !signed.is_good_for(&url) {
        return refusal("Access denied");
    }
    *request.uri_mut() = without_query(request.uri());
    request.extensions_mut().insert(Verified);
    next.run(request).await
}

impl Signed {
    fn is_good_for(&self, url: &str) -> bool {
        let end = self.expires;
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}}}}}}]}}"#
        );
        unix_seconds() < end
            && self.key_pair_id == CLOUDFRONT_KEY_PAIR_ID
            && self.hash_algorithm == "SHA256"
            && self.signature().is_some_and(|signature| verifies(policy.as_bytes(), &signature))
    }

    fn signature(&self) -> Option<Vec<u8>> {
        let spell = |letter| match letter {
            '-' => '+',
            '_' => '=',
            '~' => '/',
            other => other,
        };
        STANDARD.decode(self.signature.chars().map(spell).collect::<String>()).ok()
    }
}

fn verifies(message: &[u8], signature: &[u8]) -> bool {
    let key = PrivatePkcs8KeyDer::from_pem_slice(CLOUDFRONT_KEY.as_bytes()).ok();
    let Some(pair) = key.and_then(|key| RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()).verify(message, signature).is_ok()
}

fn without_query(uri: &Uri) -> Uri {
    uri.path().parse().unwrap_or_default()
}

fn refusal(message: &str) -> Response {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"#
    );
    (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "text/xml")], body).into_response()
}
