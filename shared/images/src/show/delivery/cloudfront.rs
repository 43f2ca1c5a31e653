//! URLs that CloudFront lets pass: signed with our own key, under a canned policy, which is one address and one end. See
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html>.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use platform::Failure;
use platform::secret::SecretLocation;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::OnceCell;

const OPERATION: &str = "CloudFront.Sign";
/// A URL has about 500 bytes, so this many take a megabyte.
const MOST_REMEMBERED: usize = 2000;

/// Signed URLs below the address of one distribution. The same key makes the same URL, in whatever process.
pub(super) struct CloudFront {
    base: String,
    key_pair_id: String,
    secret: SecretLocation,
    key: OnceCell<SigningKey>,
    signed: Mutex<Signed>,
}

impl CloudFront {
    pub(super) fn new(base: &str, key_pair_id: &str, secret: SecretLocation) -> Self {
        Self {
            base: base.to_owned(),
            key_pair_id: key_pair_id.to_owned(),
            secret,
            key: OnceCell::new(),
            signed: Mutex::default(),
        }
    }

    /// Reads the key before it is needed.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        self.key().await.map(|_| ())
    }

    /// The URL of an object until `end`.
    pub(super) async fn url(&self, object: &str, end: Timestamp) -> Result<String, Failure> {
        let key = self.key().await?;
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.find_or_insert(object, end, || {
            key.signed_url(&format!("{}/{object}", self.base), &self.key_pair_id, end)
                .ok_or_else(|| Failure::unavailable(OPERATION, "the key does not sign"))
        })
    }

    /// Read once and kept. A failure is not: the next call tries again.
    async fn key(&self) -> Result<&SigningKey, Failure> {
        self.key
            .get_or_try_init(|| async {
                SigningKey::from_pem(self.secret.read().await?.expose())
                    .ok_or_else(|| Failure::unavailable(OPERATION, "the secret is no RSA key of 2048 bits or more"))
            })
            .await
    }
}

/// Leaves out the key, and the URLs that open images.
impl fmt::Debug for CloudFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, key_pair_id, .. } = self;
        f.debug_struct("CloudFront").field("base", base).field("key_pair_id", key_pair_id).finish_non_exhaustive()
    }
}

/// The URLs of one window by their objects. Signing one takes half a millisecond of a whole processor; a function has a seventh
/// of one, and a page shows a hundred images.
#[derive(Default)]
struct Signed {
    end: Timestamp,
    urls: HashMap<String, String>,
}

impl Signed {
    fn find_or_insert(
        &mut self,
        object: &str,
        end: Timestamp,
        sign: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        if self.end != end || self.urls.len() >= MOST_REMEMBERED {
            *self = Self { end, urls: HashMap::new() };
        }
        if let Some(url) = self.urls.get(object) {
            return Ok(url.clone());
        }
        let url = sign()?;
        self.urls.insert(object.to_owned(), url.clone());
        Ok(url)
    }
}

/// The private half of a key pair whose public half CloudFront has.
struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Of a PEM file as OpenSSL writes it (PKCS #8 or #1); nothing if it holds no RSA key of at least 2048 bits.
    fn from_pem(pem: &str) -> Option<Self> {
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return None,
        };
        key.ok().map(Self)
    }

    /// `url`, which has no query, for CloudFront to let pass until `end`. The same for the same arguments.
    fn signed_url(&self, url: &str, key_pair_id: &str, end: Timestamp) -> Option<String> {
        let end = end.as_second();
        // Byte for byte as CloudFront builds it when it verifies the URL.
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}}}}}}]}}"#
        );
        let signature = url_safe(&self.sign(policy.as_bytes())?);
        Some(format!("{url}?Expires={end}&Signature={signature}&Key-Pair-Id={key_pair_id}&Hash-Algorithm=SHA256"))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        // The random bytes protect the key from timing attacks; the signature does not depend on them.
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

/// Base64 in CloudFront's own spelling.
fn url_safe(bytes: &[u8]) -> String {
    let spell = |letter| match letter {
        '+' => '-',
        '=' => '_',
        '/' => '~',
        other => other,
    };
    STANDARD.encode(bytes).chars().map(spell).collect()
}

#[cfg(test)]
mod tests;
