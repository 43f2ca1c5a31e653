use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use lambda_http::Body;

use crate::multipart::{Part, parts};
use crate::parameters::kind_and_parameter;
use crate::request::refuse_encoded;
use crate::{ApiError, ErrorCode, IdempotencyKey};

/// Everything in the body that is not the image: boundaries, part headers, fields.
const MAX_OVERHEAD_BYTES: u64 = 64 * 1024;
const MAX_TEXT_BYTES: usize = 1024;
/// RFC 2046, 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// The one form that this API takes: an image, and what belongs to it. Other fields are ignored, and so are file names.
#[derive(Debug)]
pub struct ImageForm {
    /// The bytes of the field `image`, never empty.
    pub image: Bytes,
    /// The field `task_id`, as sent.
    pub task_id: Option<String>,
    /// The header `Idempotency-Key` or the field `upload_id`.
    pub upload_id: Option<IdempotencyKey>,
}

/// Reads a multipart form whose image has at most `max_image_bytes`.
///
/// # Errors
/// `image_too_large` for an image, or a whole body, beyond the limit; `bad_request` for anything that is no well-formed
/// `multipart/form-data`, for a missing, double or empty image, and for doubled or malformed fields.
pub fn image_form(headers: &HeaderMap, body: Body, max_image_bytes: u64) -> Result<ImageForm, ApiError> {
    let body = into_bytes(body);
    if body.len() as u64 > max_image_bytes + MAX_OVERHEAD_BYTES {
        return Err(ErrorCode::ImageTooLarge.into());
    }
    refuse_encoded(headers)?;
    let fields = Fields::read(parts(&body, &boundary(headers)?)?)?;
    let image = fields.image.filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| ApiError::bad_request("The form has no part named image, or an empty one."))?;
    if image.len() as u64 > max_image_bytes {
        return Err(ErrorCode::ImageTooLarge.into());
    }
    if (body.len() - image.len()) as u64 > MAX_OVERHEAD_BYTES {
        return Err(ApiError::bad_request("The form has more than 64 KiB beside the image."));
    }
    let upload_id = IdempotencyKey::of_upload(headers, fields.upload_id.as_deref())?;
    Ok(ImageForm { image, task_id: fields.task_id, upload_id })
}

#[derive(Default)]
struct Fields {
    image: Option<Bytes>,
    task_id: Option<String>,
    upload_id: Option<String>,
}

impl Fields {
    fn read(parts: Vec<Part>) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for part in parts {
            match part.name.as_str() {
                "image" => set_once(&mut fields.image, part.content)?,
                "task_id" => set_once(&mut fields.task_id, text(&part.content)?)?,
                "upload_id" => set_once(&mut fields.upload_id, text(&part.content)?)?,
                _ => {}
            }
        }
        Ok(fields)
    }
}

fn text(content: &[u8]) -> Result<String, ApiError> {
    if content.len() > MAX_TEXT_BYTES {
        return Err(ApiError::bad_request("A text field of the form is longer than 1024 bytes."));
    }
    let text =
        std::str::from_utf8(content).map_err(|_| ApiError::bad_request("A text field of the form is not UTF-8."))?;
    Ok(text.to_owned())
}

/// "First wins" and "last wins" are both ways to show two readers two different forms.
fn set_once<T>(field: &mut Option<T>, value: T) -> Result<(), ApiError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request("A field of the form is there twice.")),
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::bad_request("There must be one Content-Type header."));
    };
    let (kind, boundaries) = kind_and_parameter(value.to_str().unwrap_or_default(), "boundary");
    match (kind.as_str(), boundaries.as_slice()) {
        ("multipart/form-data", [boundary]) if (1..=MAX_BOUNDARY).contains(&boundary.len()) => Ok(boundary.clone()),
        _ => Err(ApiError::bad_request(
            "The Content-Type must be multipart/form-data with one boundary of 1 to 70 characters.",
        )),
    }
}

fn into_bytes(body: Body) -> Bytes {
    match body {
        Body::Binary(bytes) => bytes.into(),
        Body::Text(text) => text.into(),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests;
