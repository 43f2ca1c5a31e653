//! Random values, from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::s3::store::hex;

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "a system without random numbers cannot run the stack at all")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Eight hexadecimal digits.
pub(crate) fn hex8() -> String {
    hex(&bytes::<4>())
}

/// A string in the form of a UUID.
pub(crate) fn uuid() -> String {
    let digits = hex(&bytes::<16>());
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// 24 bytes in base64url: 32 characters.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<24>())
}

/// 16 bytes in standard base64, as WeChat's `session_key` is.
pub(crate) fn session_key() -> String {
    STANDARD.encode(bytes::<16>())
}
