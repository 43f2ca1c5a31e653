#![no_main]

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use lambda_http::Body;
use web::{ErrorCode, ImageForm, image_form};

const MAX_IMAGE_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_KEY_BYTES: usize = 64;

/// The content type that the input's first line gives, if it gives one, and the body behind it.
fn request(input: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let own = input.strip_prefix(b"Content-Type: ").and_then(|rest| {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        Some((&rest[..end], &rest[end + 2..]))
    });
    match own {
        Some((content_type, body)) => (Some(content_type), body),
        None => (None, input),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_legal(key: &str) -> bool {
    let mut bytes = key.bytes();
    (1..=MAX_KEY_BYTES).contains(&key.len()) && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn check(form: &ImageForm, body: &[u8]) {
    assert!((1..=MAX_IMAGE_BYTES).contains(&form.image.len()), "an image of {} bytes", form.image.len());
    let framed = [b"\r\n\r\n", &form.image[..], b"\r\n--"].concat();
    assert!(contains(body, &framed), "the image is no part's content");
    if let Some(task_id) = &form.task_id {
        assert!(task_id.len() <= MAX_TEXT_BYTES, "a task id of {} bytes", task_id.len());
        assert!(contains(body, [b"\r\n\r\n", task_id.as_bytes(), b"\r\n--"].concat().as_slice()));
    }
    if let Some(key) = &form.upload_id {
        assert!(is_legal(key.as_str()), "an upload id {key:?}");
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (own, body) = request(input);
    let Ok(content_type) = HeaderValue::from_bytes(own.unwrap_or(b"multipart/form-data; boundary=B")) else { return };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);

    match image_form(&headers, Body::Binary(body.to_vec()), MAX_IMAGE_BYTES as u64) {
        Ok(form) => {
            check(&form, body);
            assert!(own.is_some() || !contains(&form.image, b"\r\n--B"), "an image across a boundary");
        }
        Err(refused) => assert!(matches!(refused.code(), ErrorCode::BadRequest | ErrorCode::ImageTooLarge)),
    }
});
