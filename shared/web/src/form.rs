use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use lambda_http::Body;
use multer::{Constraints, Field, Multipart, SizeLimit};

use crate::{ApiError, ErrorCode, IdempotencyKey};

/// Parts of a form. `wx.uploadFile` sends one file and the few fields of `formData`.
const MAX_PARTS: usize = 16;
/// Everything in the body that is not the image: boundaries, part headers, fields.
const MAX_OVERHEAD_BYTES: u64 = 64 * 1024;
const MAX_TEXT_BYTES: u64 = 1024;
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
pub async fn image_form(headers: &HeaderMap, body: Body, max_image_bytes: u64) -> Result<ImageForm, ApiError> {
    let body = into_bytes(body);
    if body.len() as u64 > max_image_bytes + MAX_OVERHEAD_BYTES {
        return Err(too_large());
    }
    let boundary = boundary(headers)?;
    let sizes = SizeLimit::new().for_field("image", max_image_bytes);
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let parts = Multipart::with_constraints(whole, boundary, Constraints::new().size_limit(sizes));
    let form = read(parts).await?;

    Ok(ImageForm {
        image: form.image.filter(|image| !image.is_empty()).ok_or_else(|| malformed("no image"))?,
        task_id: form.task_id,
        upload_id: IdempotencyKey::of_upload(headers, form.upload_id.as_deref())?,
    })
}

#[derive(Default)]
struct Fields {
    image: Option<Bytes>,
    task_id: Option<String>,
    upload_id: Option<String>,
}

async fn read(mut parts: Multipart<'_>) -> Result<Fields, ApiError> {
    let mut fields = Fields::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(|error| refused(&error))? {
        count += 1;
        if count > MAX_PARTS {
            return Err(malformed("too many parts"));
        }
        match part.name() {
            Some("image") => once(&mut fields.image, part.bytes().await.map_err(|error| refused(&error))?)?,
            Some("task_id") => once(&mut fields.task_id, text(part).await?)?,
            Some("upload_id") => once(&mut fields.upload_id, text(part).await?)?,
            Some(_) => {}
            None => return Err(malformed("a part without a name")),
        }
    }
    Ok(fields)
}

async fn text(mut part: Field<'_>) -> Result<String, ApiError> {
    let mut value = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| refused(&error))? {
        if (value.len() + chunk.len()) as u64 > MAX_TEXT_BYTES {
            return Err(malformed("a long text field"));
        }
        value.extend_from_slice(&chunk);
    }
    String::from_utf8(value).map_err(|_| malformed("a text field that is no UTF-8"))
}

/// "First wins" and "last wins" are both ways to show two readers two different forms.
fn once<T>(field: &mut Option<T>, value: T) -> Result<(), ApiError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed("a doubled field")),
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(malformed("not one content type"));
    };
    let value = value.to_str().map_err(|_| malformed("an odd content type"))?;
    let boundary =
        multer::parse_boundary(value.trim_end_matches([';', ' '])).map_err(|_| malformed("no multipart form"))?;
    match boundary.len() {
        1..=MAX_BOUNDARY => Ok(boundary),
        _ => Err(malformed("a boundary of another length")),
    }
}

fn into_bytes(body: Body) -> Bytes {
    match body {
        Body::Binary(bytes) => bytes.into(),
        Body::Text(text) => text.into(),
        _ => Bytes::new(),
    }
}

fn refused(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => too_large(),
        // Its text may repeat the form: names of fields, parts of headers.
        _ => malformed("a malformed multipart body"),
    }
}

fn too_large() -> ApiError {
    ErrorCode::ImageTooLarge.into()
}

fn malformed(what: &'static str) -> ApiError {
    ApiError::from(ErrorCode::BadRequest).because(what)
}

#[cfg(test)]
mod tests;
