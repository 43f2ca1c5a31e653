//! A whole `multipart/form-data` body taken apart without copying it
//! ([RFC 2046, 5.1.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1)).
//!
//! The libraries for it read streams, while Lambda hands over the whole body. They copy the image, set no bound to the
//! headers of a part, and keep only the last of two `Content-Disposition`s, so that two readers see two different forms.

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Header, Status};
use memchr::memmem;

use crate::ApiError;
use crate::parameters::kind_and_parameter;

/// `wx.uploadFile` sends one file and the few fields of `formData`.
const MAX_PARTS: usize = 16;
const MAX_PART_HEADERS: usize = 32;
const MAX_PART_HEADER_BYTES: usize = 8 * 1024;

/// One field of a form.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content: Bytes,
}

/// Every part of a body, in its order.
///
/// # Errors
/// `bad_request` for anything that is not a complete body of well-formed parts with one name each.
pub(crate) fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>, ApiError> {
    let delimiter = format!("\r\n--{boundary}");
    let mut at = behind_first_delimiter(body, delimiter.as_bytes()).ok_or_else(malformed)?;
    let delimiter = memmem::Finder::new(&delimiter);
    let mut parts = Vec::new();
    while !body[at..].starts_with(b"--") {
        if parts.len() == MAX_PARTS {
            return Err(ApiError::bad_request("The form has more than 16 parts."));
        }
        at += body[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !body[at..].starts_with(b"\r\n") {
            return Err(malformed());
        }
        // The line end of the delimiter is the first half of the empty line where a part has no headers.
        let content_at = at + memmem::find(&body[at..], b"\r\n\r\n").ok_or_else(malformed)? + 4;
        let content_end = content_at + delimiter.find(&body[content_at..]).ok_or_else(malformed)?;
        let name = name_of(&body[at + 2..content_at])?;
        parts.push(Part { name, content: body.slice(content_at..content_end) });
        at = content_end + delimiter.needle().len();
    }
    Ok(parts)
}

/// What comes before the first delimiter is ignored; most often nothing does.
fn behind_first_delimiter(body: &[u8], delimiter: &[u8]) -> Option<usize> {
    let without_line_end = &delimiter[2..];
    if body.starts_with(without_line_end) {
        return Some(without_line_end.len());
    }
    memmem::find(body, delimiter).map(|at| at + delimiter.len())
}

/// The field that a part's headers name. `headers` end with an empty line.
fn name_of(headers: &[u8]) -> Result<String, ApiError> {
    if headers.len() > MAX_PART_HEADER_BYTES {
        return Err(ApiError::bad_request("The headers of a part are longer than 8 KiB."));
    }
    let mut buffer = [EMPTY_HEADER; MAX_PART_HEADERS];
    let read = httparse::parse_headers(headers, &mut buffer).map_err(|_| malformed())?;
    let Status::Complete((length, headers_read)) = read else { return Err(malformed()) };
    // A bare line feed ends a line, too, for this parser: what would end the headers early is no header.
    if length != headers.len() {
        return Err(malformed());
    }
    let (kind, names) = kind_and_parameter(&content_disposition(headers_read)?, "name");
    match (kind.as_str(), names.as_slice()) {
        ("form-data", [name]) => Ok(name.clone()),
        ("form-data", _) => Err(ApiError::bad_request("A part of the form must have one name.")),
        _ => Err(ApiError::bad_request("The Content-Disposition of a part must be form-data.")),
    }
}

fn content_disposition(headers: &[Header<'_>]) -> Result<String, ApiError> {
    let mut found = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-disposition"));
    match (found.next(), found.next()) {
        (Some(header), None) => Ok(String::from_utf8_lossy(header.value).into_owned()),
        _ => Err(ApiError::bad_request("A part of the form must have one Content-Disposition.")),
    }
}

fn malformed() -> ApiError {
    ApiError::bad_request("The multipart body is malformed or cut.")
}
