use http::HeaderValue;
use proptest::prelude::*;

use std::ops::Add;

use super::*;

const MAX: u64 = 1000;

fn form_of(content_type: &str, body: &[u8]) -> Result<ImageForm, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::try_from(content_type).unwrap());
    read_with(&headers, body)
}

fn read_with(headers: &HeaderMap, body: &[u8]) -> Result<ImageForm, ApiError> {
    image_form(headers, Body::Binary(body.to_vec()), MAX)
}

fn form(body: &str) -> Result<ImageForm, ApiError> {
    form_of("multipart/form-data; boundary=B", body.replace('\n', "\r\n").as_bytes())
}

#[track_caller]
fn assert_image(form: Result<ImageForm, ApiError>, image: &[u8], task_id: Option<&str>) {
    let form = form.unwrap();
    assert_eq!((&form.image[..], form.task_id.as_deref()), (image, task_id));
}

#[track_caller]
fn assert_refused(form: Result<ImageForm, ApiError>, code: ErrorCode) {
    assert_eq!(form.unwrap_err().code(), code);
}

const IMAGE: &str =
    "--B\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\nContent-Type: image/jpeg\n\nPIXELS\n";
const TASK: &str = "--B\nContent-Disposition: form-data; name=\"task_id\"\n\nt1\n";

#[test]
fn the_file_may_come_before_or_after_the_fields() {
    assert_image(form(&format!("{TASK}{IMAGE}--B--\n")), b"PIXELS", Some("t1"));
    assert_image(form(&format!("{IMAGE}{TASK}--B--\n")), b"PIXELS", Some("t1"));
}

#[test]
fn odd_but_legal_forms_are_read() {
    let third_header = "--B\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\nContent-Type: image/jpeg\nContent-Length: 6\n\nPIXELS\n--B--\n";
    let transfer = "--B\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\nPIXELS\n--B--\n";
    let bare = "--B\nContent-Disposition: form-data; name=image; filename=a.jpg\n\nPIXELS\n--B--\n";
    let no_type = "--B\ncontent-disposition: form-data; name=\"image\"; filename=\"a.jpg\"\n\nPIXELS\n--B--\n";
    let file_name_first = "--B\nContent-Disposition: form-data; filename=\"a.jpg\"; name=\"image\"\n\nPIXELS\n--B--\n";
    let utf8_name = "--B\nContent-Disposition: form-data; name=\"image\"; filename=\"照片 1.jpg\"\n\nPIXELS\n--B--\n";
    let star = "--B\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"; filename*=UTF-8''%e7%85%a7.jpg\n\nPIXELS\n--B--\n";
    let odd_file_name =
        "--B\nContent-Disposition: form-data; filename=\"x; name=other\"; name=\"image\"\n\nPIXELS\n--B--\n";
    let preamble = "ignore me\n--B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\nand me\n";
    let padding = "--B  \nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n";
    let no_last_line_end = "--B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--";
    for body in [
        third_header,
        transfer,
        bare,
        no_type,
        file_name_first,
        utf8_name,
        star,
        odd_file_name,
        preamble,
        padding,
        no_last_line_end,
    ] {
        assert_image(form(body), b"PIXELS", None);
    }
}

#[test]
fn a_field_without_letters_in_its_name_is_ignored_like_other_unknown_ones() {
    let nameless = TASK.replace("task_id", "");
    assert_image(form(&format!("{nameless}{IMAGE}--B--\n")), b"PIXELS", None);
}

#[test]
fn boundaries_as_clients_write_them_are_read() {
    for (written, boundary) in [
        ("boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("boundary=------------------------d74496d66958873e", "------------------------d74496d66958873e"),
        ("boundary=\"quoted boundary:/=?\"", "quoted boundary:/=?"),
        ("boundary=Boundary+B8F2D", "Boundary+B8F2D"),
        ("charset=utf-8; boundary=0aa'b", "0aa'b"),
        ("boundary=x;", "x"),
    ] {
        let body = IMAGE.replace("--B", &format!("--{boundary}")) + &format!("--{boundary}--\n");
        let body = body.replace('\n', "\r\n");
        assert_image(form_of(&format!("multipart/form-data; {written}"), body.as_bytes()), b"PIXELS", None);
    }
    let body = format!("{IMAGE}--B--\n").replace('\n', "\r\n");
    assert_image(form_of("Multipart/Form-Data; Boundary=B", body.as_bytes()), b"PIXELS", None);
}

#[test]
fn bytes_that_look_like_a_boundary_stay_in_the_image() {
    let body = "--B\nContent-Disposition: form-data; name=\"image\"\n\n--B x --BB\n-B\n--b\n--B--\n";
    let body = body.replace('\n', "\r\n");
    assert_image(form_of("multipart/form-data; boundary=B", body.as_bytes()), b"--B x --BB\r\n-B\r\n--b", None);
}

#[test]
fn an_image_at_the_limit_is_taken_and_one_byte_more_is_too_large() {
    let of = |length: usize| form(&IMAGE.replace("PIXELS", &"x".repeat(length)).add("--B--\n"));
    assert_image(of(1000), "x".repeat(1000).as_bytes(), None);
    assert_refused(of(1001), ErrorCode::ImageTooLarge);
}

#[test]
fn a_giant_is_refused_before_it_is_parsed() {
    assert_refused(form_of("text/plain", &vec![b'x'; 70_000]), ErrorCode::ImageTooLarge);
}

#[test]
fn forms_without_exactly_one_image_are_refused() {
    assert_refused(form(&format!("{TASK}--B--\n")), ErrorCode::BadRequest);
    assert_refused(form(&format!("{IMAGE}{IMAGE}--B--\n")), ErrorCode::BadRequest);
    assert_refused(form(&format!("{}--B--\n", IMAGE.replace("PIXELS", ""))), ErrorCode::BadRequest);
    assert_refused(form("--B--\n"), ErrorCode::BadRequest);
}

#[test]
fn doubled_long_and_undecodable_fields_are_refused() {
    assert_refused(form(&format!("{TASK}{TASK}{IMAGE}--B--\n")), ErrorCode::BadRequest);
    assert_refused(form(&format!("{}{IMAGE}--B--\n", TASK.replace("t1", &"t".repeat(1025)))), ErrorCode::BadRequest);
    let mut body = format!("{TASK}{IMAGE}--B--\n").replace('\n', "\r\n").into_bytes();
    let at = body.windows(2).position(|pair| pair == b"t1").unwrap();
    body[at] = 0xff;
    assert_refused(form_of("multipart/form-data; boundary=B", &body), ErrorCode::BadRequest);
}

#[test]
fn malformed_bodies_are_refused() {
    let whole = format!("{TASK}{IMAGE}--B--\n");
    for cut in 0..whole.replace('\n', "\r\n").len() - 4 {
        let body = &whole.replace('\n', "\r\n").into_bytes()[..cut];
        assert_refused(form_of("multipart/form-data; boundary=B", body), ErrorCode::BadRequest);
    }
    for body in [
        "",
        "PIXELS",
        "{\"image\": 1}",
        "--C\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--C--\n",
        "--B\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data\n\nPIXELS\n--B--\n",
        "--B\nContent-Type: image/jpeg\n\nPIXELS\n--B--\n",
        "--B\nContent Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image\"\nPIXELS\n--B--\n",
        "--BContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image\"\n folded: yes\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"im\0age\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; filename=\"image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"Image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image[]\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B-\n",
        "--B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B",
        "--B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS--B--\n",
        "--B--\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n",
        "--B\n\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Type: multipart/mixed; boundary=C\n\n--C\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--C--\n--B--\n",
        "--B\nContent-Disposition: attachment; name=\"image\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"image\"; name=\"task_id\"\n\nPIXELS\n--B--\n",
        "--B\nContent-Disposition: form-data; name=\"task_id\"\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n--B--\n",
        "image=PIXELS&task_id=t1",
        "-B\nContent-Disposition: form-data; name=\"image\"\n\nPIXELS\n-B--\n",
    ] {
        assert_refused(form(body), ErrorCode::BadRequest);
    }
    let line_feeds_only = format!("{IMAGE}--B--\n");
    assert_refused(form_of("multipart/form-data; boundary=B", line_feeds_only.as_bytes()), ErrorCode::BadRequest);
}

#[test]
fn other_content_types_are_refused() {
    let body = format!("{IMAGE}--B--\n").replace('\n', "\r\n");
    let long = "x".repeat(71);
    for content_type in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=B",
        "application/x-www-form-urlencoded",
        "",
        &format!("multipart/form-data; boundary={long}"),
        "multipart/form-data; boundary=B; boundary=B",
        "multipart/form-data; boundary=C; Boundary=B",
        "multipart/form-data; boundary=\"B",
    ] {
        assert_refused(form_of(content_type, body.as_bytes()), ErrorCode::BadRequest);
    }
    assert_refused(read_with(&HeaderMap::new(), body.as_bytes()), ErrorCode::BadRequest);

    let mut doubled = HeaderMap::new();
    doubled.append(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=B"));
    doubled.append(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=B"));
    assert_refused(read_with(&doubled, body.as_bytes()), ErrorCode::BadRequest);
}

#[test]
fn a_compressed_form_is_refused() {
    let headers = [("content-type", "multipart/form-data; boundary=B"), ("content-encoding", "gzip")];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    let body = format!("{IMAGE}--B--\n").replace('\n', "\r\n");
    assert_refused(read_with(&HeaderMap::from_iter(headers), body.as_bytes()), ErrorCode::BadRequest);
}

#[test]
fn floods_of_parts_and_of_part_headers_are_refused() {
    let parts = "--B\nContent-Disposition: form-data; name=\"x\"\n\n1\n".repeat(17);
    assert_refused(form(&format!("{parts}{IMAGE}--B--\n")), ErrorCode::BadRequest);

    let headers = "X-Flood: 1\n".repeat(200);
    let flood = IMAGE.replace("Content-Type", &format!("{headers}Content-Type"));
    assert_refused(form(&format!("{flood}--B--\n")), ErrorCode::BadRequest);

    let long_header = IMAGE.replace("a.jpg", &"a".repeat(67_000));
    assert_refused(form(&format!("{long_header}--B--\n")), ErrorCode::ImageTooLarge);

    let long_header = IMAGE.replace("a.jpg", &"a".repeat(9_000));
    assert_refused(form(&format!("{long_header}--B--\n")), ErrorCode::BadRequest);

    let other_file = TASK.replace("task_id", "other").replace("t1", &"x".repeat(65_500));
    assert_refused(form(&format!("{other_file}{IMAGE}--B--\n")), ErrorCode::BadRequest);

    // CVE-2023-46136: a line end and then nothing but bytes that may begin a boundary.
    let almost = format!("{}--B--\n", IMAGE.replace("PIXELS", &"\r".repeat(900)));
    assert!(form(&almost).is_ok());
}

#[test]
fn the_upload_id_is_the_headers_or_the_forms_and_never_two_different_ones() {
    let with = |header: Option<&str>, field: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=B"));
        if let Some(header) = header {
            headers.insert("idempotency-key", HeaderValue::try_from(header).unwrap());
        }
        let field = field.map_or(String::new(), |id| TASK.replace("task_id", "upload_id").replace("t1", id));
        read_with(&headers, format!("{field}{IMAGE}--B--\n").replace('\n', "\r\n").as_bytes())
    };
    let id = |form: Result<ImageForm, ApiError>| form.unwrap().upload_id.map(|id| id.as_str().to_owned());

    assert_eq!(id(with(None, None)), None);
    assert_eq!(id(with(Some("a-1_B"), None)), Some("a-1_B".into()));
    assert_eq!(id(with(None, Some("a-1_B"))), Some("a-1_B".into()));
    assert_eq!(id(with(Some("same"), Some("same"))), Some("same".into()));
    assert_refused(with(Some("one"), Some("other")), ErrorCode::BadRequest);
    for odd in ["a b", "a/b", "é", &"x".repeat(65)] {
        assert_refused(with(None, Some(odd)), ErrorCode::BadRequest);
    }
    assert_refused(with(Some("a,b"), None), ErrorCode::BadRequest);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = form_of("multipart/form-data; boundary=B", &body);
    }

    #[test]
    fn a_changed_form_is_read_or_refused_but_never_more_than_sent(at in 0usize..220, byte in any::<u8>()) {
        let mut body = format!("{TASK}{IMAGE}--B--\n").replace('\n', "\r\n").into_bytes();
        let at = at % body.len();
        body[at] = byte;
        if let Ok(form) = form_of("multipart/form-data; boundary=B", &body) {
            prop_assert!(form.image.len() < body.len());
        }
    }

    #[test]
    fn any_image_comes_back_byte_for_byte(image in proptest::collection::vec(any::<u8>(), 1..900)) {
        let mut body = b"--qwertyuiop\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n".to_vec();
        body.extend_from_slice(&image);
        body.extend_from_slice(b"\r\n--qwertyuiop--\r\n");
        let form = form_of("multipart/form-data; boundary=qwertyuiop", &body).unwrap();
        prop_assert_eq!(&form.image[..], &image[..]);
    }
}
