use http::HeaderMap;

use crate::ApiError;

/// A client-made id that makes a retry harmless: the same one from the same user for the same target means the same
/// image or task. 1 to 64 characters of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads an id.
    ///
    /// # Errors
    /// `bad_request` for another length or alphabet.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(is_legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ApiError::bad_request(
                "An upload_id or Idempotency-Key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.",
            ))
        }
    }

    /// The id of the `Idempotency-Key` header, if there is one.
    ///
    /// # Errors
    /// `bad_request` for a malformed or doubled header.
    pub fn of_header(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut values = headers.get_all("idempotency-key").iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::parse(value.to_str().unwrap_or_default()).map(Some),
            (Some(_), Some(_)) => Err(ApiError::bad_request("There are two Idempotency-Key headers.")),
        }
    }

    /// The one id that the header and the field `upload_id` of the body agree on, if there is one.
    ///
    /// # Errors
    /// `bad_request` for a malformed or doubled one, and when both are there and differ.
    pub fn of_upload(headers: &HeaderMap, field: Option<&str>) -> Result<Option<Self>, ApiError> {
        match (Self::of_header(headers)?, field.map(Self::parse).transpose()?) {
            (Some(header), Some(field)) if header != field => {
                Err(ApiError::bad_request("The upload_id and the Idempotency-Key differ."))
            }
            (header, field) => Ok(header.or(field)),
        }
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
