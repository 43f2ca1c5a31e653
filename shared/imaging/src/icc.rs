//! Colour profiles: without theirs, photos with a wide gamut look dull.

use crate::{MAX_ICC_BYTES, MAX_VARIANT_ICC_BYTES};

const HEADER_BYTES: usize = 128;

/// The profile in `bytes`, or `None` if it is not one or too long. What stands behind its end is cut off: no decoder
/// looks there, so only something hidden could.
pub(crate) fn profile(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()?;
    let profile = bytes.get(..length)?;
    let is_profile = length > HEADER_BYTES && length <= MAX_ICC_BYTES && profile.get(36..40)? == b"acsp";
    is_profile.then_some(profile)
}

/// Whether variants are to carry this profile: they are RGB, and a thumb of ten kilobytes is no place for a long one.
pub(crate) fn suits_variants(profile: &[u8]) -> bool {
    profile.len() <= MAX_VARIANT_ICC_BYTES && profile.get(16..20) == Some(b"RGB ")
}
