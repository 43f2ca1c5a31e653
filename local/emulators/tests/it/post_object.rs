//! Uploads by signed forms, good ones and all others.

use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulators::{ACCESS_KEY_ID, Emulators, SECRET_ACCESS_KEY};
use hmac::{Hmac, KeyInit as _, Mac as _};
use s3s::dto::{Timestamp, TimestampFormat};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::clients::{Answer, BUCKET, send, send_to, start};

const KEY: &str = "incoming/5eed/1";
const BOUNDARY: &str = "----WechatBoundary";
const FILE: &str =
    "Content-Disposition: form-data; name=\"file\"; filename=\"tmp_5e7a.jpg\"\r\nContent-Type: image/png";

/// A form that its owner has signed, and that a test may spoil afterwards.
#[derive(Clone)]
struct Form {
    fields: Vec<(String, String)>,
    file_head: String,
    file: Vec<u8>,
    after_file: Vec<(String, String)>,
}

/// What is signed: fields, each with the condition that it is as it is, and further conditions.
struct Policy {
    fields: Vec<(&'static str, String)>,
    conditions: Vec<Value>,
    expiration: String,
    secret: &'static str,
}

/// As the product's tickets are: the exact key and type, a size, 201.
fn ticket() -> Policy {
    Policy {
        fields: vec![
            ("key", KEY.to_owned()),
            ("Content-Type", "image/jpeg".to_owned()),
            ("success_action_status", "201".to_owned()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", format!("{ACCESS_KEY_ID}/20260101/us-east-1/s3/aws4_request")),
            ("x-amz-date", "20260101T000000Z".to_owned()),
        ],
        conditions: vec![json!({ "bucket": BUCKET }), json!(["content-length-range", 1, 1000])],
        expiration: "2126-01-01T00:00:00.000Z".to_owned(),
        secret: SECRET_ACCESS_KEY,
    }
}

impl Policy {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value.to_owned()));
        self
    }

    /// A field with a condition of its own in place of "as it is".
    fn with_condition(mut self, name: &'static str, value: &str, condition: Value) -> Form {
        self.conditions.push(condition);
        self.fields.retain(|(known, _)| *known != name);
        let mut form = self.sign();
        form.set(name, value);
        form
    }

    fn sign(self) -> Form {
        let mut conditions = self.conditions;
        conditions.extend(self.fields.iter().map(|(name, value)| json!({ *name: value })));
        let document = json!({ "expiration": self.expiration, "conditions": conditions });
        let mut form = Form {
            fields: self.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            file_head: FILE.to_owned(),
            file: b"photo".to_vec(),
            after_file: Vec::new(),
        };
        form.sign(&document.to_string(), self.secret);
        form
    }
}

impl Form {
    fn sign(&mut self, document: &str, secret: &str) {
        let policy = STANDARD.encode(document);
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in ["20260101", "us-east-1", "s3", "aws4_request"] {
            key = hmac(&key, part);
        }
        let signature: String = hmac(&key, &policy).iter().map(|byte| format!("{byte:02x}")).collect();
        self.set("policy", &policy);
        self.set("x-amz-signature", &signature);
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    fn body(&self) -> Vec<u8> {
        let field = |(name, value): &(String, String)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let before: String = self.fields.iter().map(field).collect();
        let after: String = self.after_file.iter().map(field).collect();
        let head = format!("{before}--{BOUNDARY}\r\n{}\r\n\r\n", self.file_head);
        [head.as_bytes(), &self.file, b"\r\n", after.as_bytes(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }

    async fn send(&self, emulators: &Emulators) -> Answer {
        self.send_to(&format!("{}/{BUCKET}", emulators.s3_url())).await
    }

    async fn send_to(&self, url: &str) -> Answer {
        send("POST", url, &[("Content-Type", &content_type())], &self.body()).await
    }
}

#[expect(clippy::disallowed_methods, reason = "forms are judged by the emulator's real clock")]
fn in_a_while(a_while: Duration) -> String {
    let mut time = Vec::new();
    Timestamp::from(SystemTime::now() + a_while).format(TimestampFormat::DateTime, &mut time).unwrap();
    String::from_utf8(time).unwrap()
}

fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

#[track_caller]
fn assert_refused(answer: &Answer, emulators: &Emulators, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{}", answer.text());
    assert!(emulators.objects().is_empty(), "a refused form leaves nothing behind");
}

mod good {
    use super::*;

    #[tokio::test]
    async fn a_signed_form_stores_its_file_under_its_key_with_the_type_of_its_field() {
        let emulators = start().await;

        let answer = ticket().sign().send(&emulators).await;

        let location = format!("{}/{BUCKET}/{KEY}", emulators.s3_url());
        let etag = "\"5ae0c1c8a5260bc7b6648f6fbd115c35\"";
        let head = ["location", "etag"].map(|name| answer.header(name).unwrap_or_default().to_owned());
        assert_eq!((answer.status, head), (201, [location.clone(), etag.to_owned()]));
        assert_eq!(
            answer.text(),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location>\
                 <Bucket>{BUCKET}</Bucket><Key>{KEY}</Key><ETag>{etag}</ETag></PostResponse>"
            )
        );
        let stored = emulators.object(KEY).unwrap();
        assert_eq!((stored.bytes.as_ref(), stored.content_type.as_deref()), (&b"photo"[..], Some("image/jpeg")));
        let created = emulators.take_created();
        assert_eq!(created.len(), 1);
        assert_eq!(
            (created[0].key.as_str(), &created[0].event()["Records"][0]["eventName"]),
            (KEY, &json!("ObjectCreated:Post"))
        );
    }

    /// Made with boto3 1.43.11 (`signature_version="s3v4"`):
    /// `generate_presigned_post("images-bucket", "incoming/boto3", Fields={"Content-Type": "image/jpeg",
    /// "success_action_status": "201"}, Conditions=[["content-length-range", 1, 1000], {"Content-Type": "image/jpeg"},
    /// {"success_action_status": "201"}], ExpiresIn=3153600000)`.
    #[tokio::test]
    async fn a_form_that_boto3_signed_is_taken() {
        let emulators = start().await;
        let policy = "eyJleHBpcmF0aW9uIjogIjIxMjYtMTEtMDFUMDk6MjI6NDZaIiwgImNvbmRpdGlvbnMiOiBbWyJjb250ZW50LWxlbmd0aC1y\
                      YW5nZSIsIDEsIDEwMDBdLCB7IkNvbnRlbnQtVHlwZSI6ICJpbWFnZS9qcGVnIn0sIHsic3VjY2Vzc19hY3Rpb25fc3RhdHVz\
                      IjogIjIwMSJ9LCB7ImJ1Y2tldCI6ICJpbWFnZXMtYnVja2V0In0sIHsia2V5IjogImluY29taW5nL2JvdG8zIn0sIHsieC1h\
                      bXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwgeyJ4LWFtei1jcmVkZW50aWFsIjogIkFLSURMT0NBTFNUQUNL\
                      LzIwMjYxMTI1L3VzLWVhc3QtMS9zMy9hd3M0X3JlcXVlc3QifSwgeyJ4LWFtei1kYXRlIjogIjIwMjYxMTI1VDA5MjI0Nloi\
                      fV19";
        let form = ticket()
            .sign()
            .with("key", "incoming/boto3")
            .with("x-amz-credential", "AKIDLOCALSTACK/20261125/us-east-1/s3/aws4_request")
            .with("x-amz-date", "20261125T092246Z")
            .with("policy", policy)
            .with("x-amz-signature", "d9306a569a85e4caa6b42c5bfb5789456591d31ad2d6be01fc6e7248f3633014");

        assert_eq!(form.send(&emulators).await.status, 201);

        let spoiled = form.with("key", "incoming/boto4").send(&emulators).await;
        assert_eq!(spoiled.status, 403);
        assert_eq!(emulators.objects(), ["incoming/boto3"]);
    }

    #[tokio::test]
    async fn the_form_says_which_success_it_wants() {
        let emulators = start().await;
        for (wanted, status) in [("200", 200), ("201", 201), ("204", 204), ("303", 204), ("", 204)] {
            let answer = ticket().with("success_action_status", wanted).sign().send(&emulators).await;

            assert_eq!(answer.status, status, "{wanted}");
            assert_eq!(answer.body.is_empty(), status != 201, "{wanted}");
            assert!(answer.header("etag").is_some(), "{wanted}");
        }
    }

    #[tokio::test]
    async fn a_path_may_end_in_a_slash_and_a_bucket_may_be_a_host() {
        let emulators = start().await;
        assert_eq!(ticket().sign().send_to(&format!("{}/{BUCKET}/", emulators.s3_url())).await.status, 201);

        let server = emulators.s3_url().strip_prefix("http://").unwrap().parse().unwrap();
        let headers = [("Content-Type", content_type())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let host = "images-bucket.localhost:9000";
        let answer = send_to(server, "POST", host, "/", &headers, &ticket().sign().body()).await;

        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("location"), Some(&*format!("http://{host}/{KEY}")));
    }

    #[tokio::test]
    async fn a_file_part_may_have_any_headers_and_fields_in_capitals() {
        let emulators = start().await;
        let mut form = ticket().sign();
        form.file_head = format!("{FILE}\r\nContent-Length: 5\r\nContent-Transfer-Encoding: binary");
        form.fields.iter_mut().for_each(|(name, _)| *name = name.to_uppercase());

        assert_eq!(form.send(&emulators).await.status, 201);
        assert_eq!(emulators.object(KEY).unwrap().content_type.as_deref(), Some("image/jpeg"));
    }

    #[tokio::test]
    async fn what_follows_the_file_is_ignored() {
        let emulators = start().await;
        let mut form = ticket().sign();
        form.after_file = vec![("key".to_owned(), "images/elsewhere".to_owned()), ("file".to_owned(), "x".to_owned())];

        assert_eq!(form.send(&emulators).await.status, 201);
        assert_eq!(emulators.object(KEY).unwrap().bytes.as_ref(), b"photo");
        assert_eq!(emulators.objects(), [KEY]);
    }

    #[tokio::test]
    async fn the_file_s_name_without_its_folders_stands_where_the_form_wants_it() {
        let emulators = start().await;
        let condition = json!(["starts-with", "$key", "incoming/"]);
        let mut form = ticket().with_condition("key", "incoming/${filename}", condition);
        form.file_head =
            "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\\\photos/照片 1.jpg\"".to_owned();

        assert_eq!(form.send(&emulators).await.status, 201);
        assert_eq!(emulators.objects(), ["incoming/照片 1.jpg"]);
    }

    #[tokio::test]
    async fn headers_and_metadata_are_fields() {
        let emulators = start().await;
        let form = ticket().with("Cache-Control", "max-age=60").with("x-amz-meta-kind", "x").sign();

        assert_eq!(form.send(&emulators).await.status, 201);
        assert_eq!(emulators.object(KEY).unwrap().cache_control.as_deref(), Some("max-age=60"));
        let head = crate::clients::s3(&emulators).head_object().bucket(BUCKET).key(KEY).send().await.unwrap();
        assert_eq!(head.metadata().unwrap()["kind"], "x");
    }

    #[tokio::test]
    async fn a_form_without_a_type_stores_bytes_of_no_type() {
        let emulators = start().await;
        let mut policy = ticket();
        policy.fields.retain(|(name, _)| *name != "Content-Type");

        assert_eq!(policy.sign().send(&emulators).await.status, 201);
        assert_eq!(emulators.object(KEY).unwrap().content_type.as_deref(), Some("binary/octet-stream"));
    }

    #[tokio::test]
    async fn a_form_can_be_used_again_while_it_lives() {
        let emulators = start().await;
        let mut form = ticket().sign();
        assert_eq!(form.send(&emulators).await.status, 201);

        form.file = b"another".to_vec();

        assert_eq!(form.send(&emulators).await.status, 201);
        assert_eq!(emulators.object(KEY).unwrap().bytes.as_ref(), b"another");
    }

    #[tokio::test]
    async fn the_sizes_at_both_ends_of_the_range_are_in_it() {
        let emulators = start().await;
        for bytes in [1, 1000] {
            let mut form = ticket().sign();
            form.file = vec![7; bytes];

            assert_eq!(form.send(&emulators).await.status, 201, "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_session_token_that_the_policy_names_may_come_along() {
        let emulators = start().await;

        assert_eq!(ticket().with("x-amz-security-token", "token").sign().send(&emulators).await.status, 201);
        assert_eq!(ticket().sign().with("x-ignore-me", "1").send(&emulators).await.status, 201);
    }

    #[tokio::test]
    async fn a_form_that_runs_out_on_its_way() {
        let emulators = start().await;
        let mut a_while = Duration::from_secs(2);
        // A machine that is too busy to begin before the form has run out begins again, with a form for longer.
        while !send_late(&emulators, a_while).await {
            a_while *= 2;
        }
        assert_eq!(emulators.object(KEY).unwrap().bytes, "photo");
    }

    /// Begins to send while a form is good for this while, and ends afterwards; says whether it began in time.
    async fn send_late(emulators: &Emulators, a_while: Duration) -> bool {
        let begin = Instant::now();
        let form = Policy { expiration: in_a_while(a_while), ..ticket() }.sign();
        let (content_type, body) = (content_type(), form.body());
        let host = emulators.s3_url().strip_prefix("http://").unwrap();
        let length = body.len();
        let head = format!(
            "POST /{BUCKET} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        );
        let mut connection = TcpStream::connect(host).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).await.unwrap();
        assert_eq!(go_on, *b"HTTP/1.1 100 Continue\r\n\r\n");
        // The form names whole seconds.
        let began_in_time = begin.elapsed() + Duration::from_secs(1) < a_while;

        tokio::time::sleep(a_while).await;
        connection.write_all(&body).await.unwrap();

        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(!began_in_time || answer.starts_with("HTTP/1.1 201 "), "{answer}");
        began_in_time
    }
}

mod refused {
    use super::*;

    #[tokio::test]
    async fn a_file_of_another_size_than_agreed() {
        let emulators = start().await;
        for (bytes, code) in [(0, "EntityTooSmall"), (1001, "EntityTooLarge"), (3_000_000, "EntityTooLarge")] {
            let mut form = ticket().sign();
            form.file = vec![7; bytes];

            assert_refused(&form.send(&emulators).await, &emulators, 400, code);
        }
    }

    #[tokio::test]
    async fn a_field_that_is_not_as_it_was_signed() {
        let emulators = start().await;
        for (field, value) in [
            ("key", "images/5eed/1"),
            ("Content-Type", "text/html"),
            ("success_action_status", "204"),
            ("x-amz-date", "20260101T000001Z"),
        ] {
            let answer = ticket().sign().with(field, value).send(&emulators).await;

            assert_refused(&answer, &emulators, 403, "AccessDenied");
        }
        for field in ["Content-Type", "success_action_status"] {
            let answer = ticket().sign().without(field).send(&emulators).await;

            assert_refused(&answer, &emulators, 403, "AccessDenied");
        }
    }

    #[tokio::test]
    async fn a_field_outside_its_prefix() {
        let emulators = start().await;
        let condition = json!(["starts-with", "$key", "incoming/"]);
        let answer = ticket().with_condition("key", "images/1", condition).send(&emulators).await;
        assert_refused(&answer, &emulators, 403, "AccessDenied");

        let condition = json!(["starts-with", "$Content-Type", "image/"]);
        let answer = ticket().with_condition("Content-Type", "image/jpeg,text/html", condition).send(&emulators).await;
        assert_refused(&answer, &emulators, 403, "AccessDenied");
    }

    #[tokio::test]
    async fn a_field_that_nobody_signed() {
        let emulators = start().await;
        for (field, value) in [("x-amz-security-token", "token"), ("acl", "public-read"), ("x-amz-meta-kind", "x")] {
            let answer = ticket().sign().with(field, value).send(&emulators).await;

            assert_refused(&answer, &emulators, 403, "AccessDenied");
            assert!(answer.text().contains("Extra input fields"), "{}", answer.text());
        }
    }

    #[tokio::test]
    async fn a_form_for_another_bucket() {
        let emulators = start().await;
        crate::clients::s3(&emulators).create_bucket().bucket("another").send().await.unwrap();

        let answer = ticket().sign().send_to(&format!("{}/another", emulators.s3_url())).await;
        assert_refused(&answer, &emulators, 403, "AccessDenied");

        let answer = ticket().sign().send_to(&format!("{}/nowhere", emulators.s3_url())).await;
        assert_refused(&answer, &emulators, 404, "NoSuchBucket");
    }

    #[tokio::test]
    async fn a_form_whose_time_is_over() {
        let emulators = start().await;

        let answer = Policy { expiration: "2026-01-01T00:10:00Z".to_owned(), ..ticket() }.sign().send(&emulators).await;

        assert_refused(&answer, &emulators, 403, "AccessDenied");
        assert!(answer.text().contains("Policy expired"), "{}", answer.text());
    }

    #[tokio::test]
    async fn a_signature_of_somebody_else() {
        let emulators = start().await;
        let answer = Policy { secret: "guessed", ..ticket() }.sign().send(&emulators).await;
        assert_refused(&answer, &emulators, 403, "SignatureDoesNotMatch");

        let credential = "AKIDSTRANGER/20260101/us-east-1/s3/aws4_request";
        let answer = ticket().with("x-amz-credential", credential).sign().send(&emulators).await;
        assert_refused(&answer, &emulators, 403, "InvalidAccessKeyId");
    }

    #[tokio::test]
    async fn a_policy_that_was_changed_after_it_was_signed() {
        let emulators = start().await;
        let form = ticket().sign();
        let mut generous = ticket();
        generous.conditions[1] = json!(["content-length-range", 1, 1_000_000]);
        let (_, policy) = generous.sign().fields.into_iter().find(|(name, _)| name == "policy").unwrap();

        assert_refused(&form.with("policy", &policy).send(&emulators).await, &emulators, 403, "SignatureDoesNotMatch");
    }

    #[tokio::test]
    async fn a_form_that_nobody_signed() {
        let emulators = start().await;
        let form = ticket().sign();

        let unsigned = form.clone().without("policy").without("x-amz-signature");
        assert_refused(&unsigned.send(&emulators).await, &emulators, 403, "AccessDenied");
        for missing in ["policy", "x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "key"] {
            let answer = form.clone().without(missing).send(&emulators).await;

            assert_refused(&answer, &emulators, 400, "InvalidArgument");
            assert!(answer.text().contains(missing), "{}", answer.text());
        }
    }

    #[tokio::test]
    async fn a_credential_for_another_day_place_or_service() {
        let emulators = start().await;
        for (credential, code) in [
            ("20260102/us-east-1/s3/aws4_request", "InvalidArgument"),
            ("20260101/eu-central-1/s3/aws4_request", "AuthorizationHeaderMalformed"),
            ("20260101/us-east-1/dynamodb/aws4_request", "InvalidArgument"),
            ("20260101", "InvalidArgument"),
        ] {
            let form = ticket().with("x-amz-credential", &format!("{ACCESS_KEY_ID}/{credential}")).sign();

            assert_refused(&form.send(&emulators).await, &emulators, 400, code);
        }
        let answer = ticket().with("x-amz-algorithm", "AWS4-HMAC-MD5").sign().send(&emulators).await;
        assert_refused(&answer, &emulators, 400, "InvalidArgument");
    }

    #[tokio::test]
    async fn a_policy_that_is_none() {
        let emulators = start().await;
        for document in ["no JSON", "{}", r#"{"expiration":"soon","conditions":[]}"#] {
            let mut form = ticket().sign();
            form.sign(document, SECRET_ACCESS_KEY);

            assert_refused(&form.send(&emulators).await, &emulators, 400, "InvalidPolicyDocument");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_no_whole_form() {
        let emulators = start().await;
        let url = format!("{}/{BUCKET}", emulators.s3_url());
        let form = ticket().sign();
        let body = form.body();
        let content_type = content_type();

        let cut = send("POST", &url, &[("Content-Type", &content_type)], &body[..body.len() - 30]).await;
        assert_refused(&cut, &emulators, 400, "MalformedPOSTRequest");
        let untyped = send("POST", &url, &[], &body).await;
        assert_refused(&untyped, &emulators, 412, "PreconditionFailed");
        let mut nameless = form.clone();
        nameless.file_head = FILE.replace("\"file\"", "\"photo\"");
        assert_refused(&nameless.send(&emulators).await, &emulators, 400, "InvalidArgument");
        let mut doubled = form.clone();
        doubled.fields.push(("KEY".to_owned(), "incoming/2".to_owned()));
        assert_refused(&doubled.send(&emulators).await, &emulators, 400, "InvalidArgument");
        let long = form.with("x-ignore-me", &"x".repeat(30_000));
        assert_refused(&long.send(&emulators).await, &emulators, 400, "MaxPostPreDataLengthExceededError");
        let keyless = ticket().with("key", "").sign();
        assert_refused(&keyless.send(&emulators).await, &emulators, 400, "InvalidArgument");
        let answer = ticket().with("success_action_redirect", "http://localhost/").sign().send(&emulators).await;
        assert_refused(&answer, &emulators, 501, "NotImplemented");
    }

    #[tokio::test]
    async fn a_form_of_unknown_length() {
        let emulators = start().await;
        let body = ticket().sign().body();
        let url = emulators.s3_url().strip_prefix("http://").unwrap();
        let head = format!(
            "POST /{BUCKET} HTTP/1.1\r\nHost: {url}\r\nConnection: close\r\nContent-Type: {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            content_type(),
            body.len()
        );

        let request = [head.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        let answer = crate::clients::exchange(url.parse().unwrap(), &request).await;

        assert_refused(&answer, &emulators, 411, "MissingContentLength");
    }
}
