use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use imaging::Format;
use session::UserSeed;
use sha2::Sha256;
use uuid::{Builder, Uuid};
use web::IdempotencyKey;

/// A task: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskId(String);

impl TaskId {
    /// Reads a task id, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        ((1..=64).contains(&text.len()) && text.bytes().all(is_legal)).then(|| Self(text.to_owned()))
    }

    /// The one id that belongs to this user's `key`, or a random one.
    pub(crate) fn of(seed: &UserSeed, key: Option<&IdempotencyKey>) -> Self {
        Self(unguessable(seed, "task", key).simple().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an image belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Task(TaskId),
    Avatar,
}

impl Target {
    /// Reads what is [displayed](fmt::Display), or nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once('#') {
            Some(("task", id)) => TaskId::parse(id).map(Self::Task),
            None if text == "avatar" => Some(Self::Avatar),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(id) => write!(f, "task#{}", id.as_str()),
            Self::Avatar => f.write_str("avatar"),
        }
    }
}

/// The part of a name that is its row's key: 32 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stem(String);

impl Stem {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_simple_uuid(text).then(|| Self(text.to_owned()))
    }

    /// The one stem that belongs to this user's upload to this target, or a random one.
    pub(crate) fn of(seed: &UserSeed, target: &Target, upload_id: Option<&IdempotencyKey>) -> Self {
        Self(unguessable(seed, &format!("image of {target}"), upload_id).simple().to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One try to upload an image. Never used twice, so that a late record of the table's stream cannot hit the objects of another
/// try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt(String);

impl Attempt {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// An attempt that may stand in a prefix of keys.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_simple_uuid(text).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An image: `<stem>.<extension>`, the extension that of its content. Nothing of the client's file name is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    pub(crate) stem: Stem,
    pub(crate) format: Format,
}

impl ImageName {
    /// Reads a name, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, extension) = text.split_once('.')?;
        Some(Self { stem: Stem::parse(stem)?, format: Format::from_extension(extension)? })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stem.0, self.format.extension())
    }
}

/// 32 hexadecimal digits in lower case: all have one length, so none is the beginning of another.
fn is_simple_uuid(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 122 bits that nobody else can compute: random, or under the user's seed always the same for one `purpose` and `key`.
fn unguessable(seed: &UserSeed, purpose: &str, key: Option<&IdempotencyKey>) -> Uuid {
    let Some(key) = key else {
        return Uuid::new_v4();
    };
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(seed.as_bytes()).expect("any length");
    // A key has no line feed, so purpose and key cannot run into each other.
    mac.update(format!("{purpose}\n{}", key.as_str()).as_bytes());
    let hash = mac.finalize().into_bytes();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_32_hexadecimal_digits_and_an_extension() {
        let good = "5eed0000000040008000000000000001.jpg";
        assert_eq!(ImageName::parse(good).unwrap().to_string(), good);
        for odd in [
            "",
            ".jpg",
            "5eed0000000040008000000000000001",
            "5eed0000000040008000000000000001.",
            "5eed0000000040008000000000000001.jpeg",
            "5eed0000000040008000000000000001.JPG",
            "5eed0000000040008000000000000001.jpg.png",
            "5EED0000000040008000000000000001.jpg",
            "5eed000000004000800000000000000.jpg",
            "../5eed00000000400080000000000001.jpg",
            "5eed0000000040008000000000000001.jpg\r\nx: y",
            "5eed0000000040008000000000000001.svg",
        ] {
            assert_eq!(ImageName::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_target_is_read_as_it_is_written_and_nothing_else_is_one() {
        for target in [Target::Task(TaskId::parse("Task_1-a").unwrap()), Target::Avatar] {
            assert_eq!(Target::parse(&target.to_string()), Some(target));
        }
        for odd in ["", "task", "task#", "task#a#b", "task#a b", "Task#a", "avatar#", "avatar#a", " avatar"] {
            assert_eq!(Target::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn malformed_task_ids_are_refused() {
        assert!(TaskId::parse("Task_1-a").is_some() && TaskId::parse(&"a".repeat(64)).is_some());
        for odd in ["", "a/b", "a b", "任务", "a\n", "..", &"a".repeat(65)] {
            assert_eq!(TaskId::parse(odd), None, "{odd:?}");
        }
    }
}
