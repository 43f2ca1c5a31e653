use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::{Uuid, Variant, Version};

const SESSION_ID_BYTES: usize = 32;
const SESSION_ID_LENGTH: usize = 43;

/// The secret that a client holds. It is shown once, in the answer to its login, and cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// A fresh one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SESSION_ID_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads what a client presents: 43 characters of base64url, or nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (text.len() == SESSION_ID_LENGTH && text.bytes().all(is_legal)).then(|| Self(text.to_owned()))
    }

    /// What is stored of it. The hash is over the characters: another spelling of the same bytes is another id.
    pub(crate) fn hash(&self) -> SessionHash {
        SessionHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes())))
    }

    /// The characters, for the one answer that carries them.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// The sort key of a session's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionHash(String);

impl SessionHash {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user: a UUID v4 of ours, in lower case. It says nothing about the openid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    /// A fresh one.
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Reads a user id, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        let is_v4 = uuid.get_version() == Some(Version::Random) && uuid.get_variant() == Variant::RFC4122;
        (is_v4 && uuid.hyphenated().to_string() == text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 32 random bytes of a user, made at the first login, under which names are derived from upload ids: nobody else can
/// compute or guess them. It never leaves the back end and cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct UserSeed([u8; 32]);

impl UserSeed {
    /// A fresh one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// As a row keeps it: 32 bytes, or nothing.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The key of a keyed hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for UserSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSeed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_has_43_characters_of_base64url_and_no_two_are_alike() {
        let (one, other) = (SessionId::random().unwrap(), SessionId::random().unwrap());
        assert_eq!(SessionId::parse(one.expose()), Some(one.clone()));
        assert_ne!(one, other);
    }

    #[test]
    fn session_ids_of_another_length_or_alphabet_are_none() {
        let good = "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU";
        assert!(SessionId::parse(good).is_some());
        for odd in [
            "",
            &good[1..],
            &format!("{good}A"),
            &good.replace('d', "+"),
            &good.replace('d', "é"),
            &good.replace('d', ","),
        ] {
            assert_eq!(SessionId::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn user_ids_are_uuids_of_version_4_in_lower_case() {
        assert!(UserId::parse("5e550000-0000-4000-8000-00000000a11c").is_some());
        for odd in [
            "",
            "5E550000-0000-4000-8000-00000000A11C",
            "5e550000-0000-1000-8000-00000000a11c",
            "5e550000-0000-4000-0000-00000000a11c",
            "5e55000000004000800000000000a11c",
            "{5e550000-0000-4000-8000-00000000a11c}",
            "urn:uuid:5e550000-0000-4000-8000-00000000a11c",
        ] {
            assert_eq!(UserId::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn secrets_cannot_be_printed() {
        let id = SessionId::random().unwrap();
        assert!(!format!("{id:?}").contains(id.expose()));
        assert_eq!(format!("{:?}", UserSeed([7; 32])), "UserSeed(…)");
    }
}
