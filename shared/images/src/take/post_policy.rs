//! Forms with which whoever has one may put one object into the bucket, without credentials of their own:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html>.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The one object that a form lets in.
pub(crate) struct Upload<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) content_type: &'a str,
    /// It has at least one byte, and at most so many.
    pub(crate) max_bytes: u64,
    /// When S3 stops taking it.
    pub(crate) end: Timestamp,
}

/// The fields that stand in a form before its file, as they are. They open the bucket for one object: there is no `Debug`, so
/// that no log can show them.
#[derive(Serialize)]
pub(crate) struct Fields {
    key: String,
    #[serde(rename = "Content-Type")]
    content_type: String,
    success_action_status: &'static str,
    #[serde(rename = "x-amz-algorithm")]
    algorithm: &'static str,
    #[serde(rename = "x-amz-credential")]
    credential: String,
    #[serde(rename = "x-amz-date")]
    date: String,
    /// Of a role's temporary credentials.
    #[serde(rename = "x-amz-security-token", skip_serializing_if = "Option::is_none")]
    session_token: Option<String>,
    policy: String,
    #[serde(rename = "x-amz-signature")]
    signature: String,
}

impl Upload<'_> {
    /// The form, signed as of `now`. The same arguments make the same form.
    pub(crate) fn sign(&self, credentials: &Credentials, region: &str, now: Timestamp) -> Fields {
        let mut fields = Fields {
            key: self.key.to_owned(),
            content_type: self.content_type.to_owned(),
            success_action_status: "201",
            algorithm: ALGORITHM,
            credential: format!("{}/{}/{region}/s3/aws4_request", credentials.access_key_id(), now.strftime("%Y%m%d")),
            date: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
            session_token: credentials.session_token().map(str::to_owned),
            policy: String::new(),
            signature: String::new(),
        };
        fields.policy = STANDARD.encode(self.policy(&fields).to_string());
        fields.signature = signature(&fields.policy, credentials, region, now);
        fields
    }

    /// Every field has its condition: S3 refuses a form with one that has none, so nothing can be added.
    fn policy(&self, fields: &Fields) -> serde_json::Value {
        let mut conditions = vec![
            json!({"bucket": self.bucket}),
            json!(["eq", "$key", fields.key]),
            json!(["eq", "$Content-Type", fields.content_type]),
            json!(["content-length-range", 1, self.max_bytes]),
            json!({"success_action_status": fields.success_action_status}),
            json!({"x-amz-algorithm": fields.algorithm}),
            json!({"x-amz-credential": fields.credential}),
            json!({"x-amz-date": fields.date}),
        ];
        conditions.extend(fields.session_token.iter().map(|token| json!({"x-amz-security-token": token})));
        json!({"expiration": self.end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "conditions": conditions})
    }
}

/// What is signed is the policy in base64, as it is sent.
fn signature(policy: &str, credentials: &Credentials, region: &str, now: Timestamp) -> String {
    let now = SystemTime::try_from(now).unwrap_or(SystemTime::UNIX_EPOCH);
    let key = generate_signing_key(credentials.secret_access_key(), now, region, "s3");
    calculate_signature(key, policy.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn keys(token: Option<&str>) -> Credentials {
        Credentials::new(ID, SECRET, token.map(str::to_owned), None, "test")
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn signed(token: Option<&str>) -> Value {
        let upload = Upload {
            bucket: "photos",
            key: "incoming/5eed/1",
            content_type: "image/jpeg",
            max_bytes: 15024,
            end: at("2026-11-26T09:10:00.9Z"),
        };
        serde_json::to_value(upload.sign(&keys(token), "eu-central-1", at("2026-11-26T09:00:00.9Z"))).unwrap()
    }

    fn policy_of(fields: &Value) -> Value {
        serde_json::from_slice(&STANDARD.decode(fields["policy"].as_str().unwrap()).unwrap()).unwrap()
    }

    /// The example of <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>.
    #[test]
    fn the_signature_is_that_of_the_published_example() {
        const POLICY: &str = concat!(
            "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tl",
            "dCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAg",
            "ICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhh",
            "bXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwg",
            "IiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAg",
            "ICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXot",
            "bWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkv",
            "dXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwN",
            "CiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9",
        );
        let signature = signature(POLICY, &keys(None), "us-east-1", at("2015-12-29T00:00:00Z"));
        assert_eq!(signature, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
    }

    #[test]
    fn a_form_lets_in_one_key_of_one_type_and_size_until_its_end() {
        let fields = signed(None);
        insta::assert_snapshot!(
            policy_of(&fields),
            @r#"{"conditions":[{"bucket":"photos"},["eq","$key","incoming/5eed/1"],["eq","$Content-Type","image/jpeg"],["content-length-range",1,15024],{"success_action_status":"201"},{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"AKIAIOSFODNN7EXAMPLE/20261126/eu-central-1/s3/aws4_request"},{"x-amz-date":"20261126T090000Z"}],"expiration":"2026-11-26T09:10:00Z"}"#
        );
        let names: Vec<_> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        insta::assert_snapshot!(
            names.join(" "),
            @"Content-Type key policy success_action_status x-amz-algorithm x-amz-credential x-amz-date x-amz-signature"
        );
    }

    #[test]
    fn every_field_has_a_condition_and_the_value_that_it_asks_for() {
        let fields = signed(Some("of a role"));
        let policy = policy_of(&fields);
        let asked = |condition: &Value| match condition {
            Value::Array(three) => Some((three[1].as_str()?.strip_prefix('$')?.to_owned(), three[2].clone())),
            one => one.as_object()?.iter().next().map(|(name, value)| (name.clone(), value.clone())),
        };
        let asked: Vec<_> = policy["conditions"].as_array().unwrap().iter().filter_map(asked).collect();
        for (name, value) in fields.as_object().unwrap() {
            if name != "policy" && name != "x-amz-signature" {
                assert!(asked.contains(&(name.clone(), value.clone())), "{name}");
            }
        }
        assert_eq!(fields["x-amz-security-token"], "of a role");
    }

    #[test]
    fn another_key_secret_region_or_day_is_another_signature() {
        let sign = |policy, secret, region, time| {
            signature(policy, &Credentials::new(ID, secret, None, None, "test"), region, at(time))
        };
        let mut signatures = vec![
            sign("a policy", SECRET, "eu-central-1", "2026-11-26T09:00:00Z"),
            sign("another", SECRET, "eu-central-1", "2026-11-26T09:00:00Z"),
            sign("a policy", "another", "eu-central-1", "2026-11-26T09:00:00Z"),
            sign("a policy", SECRET, "eu-west-1", "2026-11-26T09:00:00Z"),
            sign("a policy", SECRET, "eu-central-1", "2026-11-27T09:00:00Z"),
        ];
        signatures.sort();
        signatures.dedup();
        assert_eq!(signatures.len(), 5);
    }
}
