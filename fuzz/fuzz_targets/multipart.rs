#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use lambda_http::Body;
use web::{ApiError, ErrorCode, ImageForm, image_form};

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

/// The body is whole when the form is read, so there is nothing to wait for: who waits would wait until the deadline.
fn at_once(headers: &HeaderMap, body: Body) -> Result<ImageForm, ApiError> {
    let reading = pin!(image_form(headers, body, MAX_IMAGE_BYTES as u64));
    match reading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(form) => form,
        Poll::Pending => panic!("a whole form was waited for"),
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

    match at_once(&headers, Body::Binary(body.to_vec())) {
        Ok(form) => {
            check(&form, body);
            assert!(own.is_some() || !contains(&form.image, b"\r\n--B"), "an image across a boundary");
        }
        Err(refused) => assert!(matches!(refused.code(), ErrorCode::BadRequest | ErrorCode::ImageTooLarge)),
    }
});
