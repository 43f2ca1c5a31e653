use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The key of an identity's row: a hash, since the openid itself is nowhere stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IdentityKey(String);

impl IdentityKey {
    /// Of an openid within a mini-program. The line feed keeps the two parts apart.
    pub(crate) fn of_openid(app_id: &str, openid: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{app_id}\n{openid}"))))
    }

    /// As an account row keeps it.
    pub(crate) fn stored(key: &str) -> Self {
        Self(key.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}
