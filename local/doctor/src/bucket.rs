//! What the bucket refuses to a stranger: listing, reading without a signature, and forms that we did not sign.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use platform::clock;
use uuid::Uuid;

use crate::address::Address;
use crate::client::{Answer, Client, Request};
use crate::finding::{Checked, Trouble};
use crate::images::{Delivery, Redirect};

const DEFAULTS: &str = "/defaults/";
const BOUNDARY: &str = "doctors-form";

/// The bucket, and its region where that is known.
#[derive(Debug)]
pub(crate) struct Bucket {
    address: Address,
    region: Option<String>,
}

/// The bucket that was named, else the one that a signed redirect leads into.
pub(crate) fn address(named: Option<&Address>, redirect: Option<&Redirect>) -> Result<Bucket, Trouble> {
    let signed = redirect.filter(|redirect| redirect.delivery == Delivery::Presigned);
    let signed_for = signed.and_then(|redirect| redirect.location.parameter("X-Amz-Credential")).and_then(region_of);
    let address = match (named, signed) {
        (Some(named), _) => Some(named.clone()),
        (None, Some(signed)) => bucket_of(&signed.location),
        (None, None) => None,
    };
    let unknown = || {
        Trouble::not_checked(
            "the bucket's address is not known",
            "name it: --bucket https://BUCKET.s3.REGION.amazonaws.com",
        )
    };
    let address = address.ok_or_else(unknown)?;
    let region = signed_for.or_else(|| region_in(address.host())).map(str::to_owned);
    Ok(Bucket { address, region })
}

/// The bucket that a default image lies in: its name is in the host, or begins the path.
fn bucket_of(image: &Address) -> Option<Address> {
    let (bucket, _) = image.path().rsplit_once(DEFAULTS)?;
    format!("{}{bucket}", image.origin()).parse().ok()
}

/// The third part of `key/date/region/s3/aws4_request`, whose slashes are encoded.
fn region_of(credential: &str) -> Option<&str> {
    credential.split("%2F").nth(2)
}

/// `REGION` of `BUCKET.s3.REGION.amazonaws.com`.
fn region_in(host: &str) -> Option<&str> {
    let (_, rest) = host.split_once(".s3.")?;
    rest.split_once(".amazonaws.").map(|(region, _)| region)
}

pub(crate) async fn listing(client: &Client, bucket: &Bucket) -> Checked {
    let answer = client.send(Request::get(bucket.address.below("/?list-type=2&max-keys=1")?)).await?;
    refused(&answer, "everybody can list the bucket", "take public access away: block it for the bucket (all four)")
}

pub(crate) async fn unsigned_read(client: &Client, redirect: &Redirect) -> Checked {
    let advice = match redirect.delivery {
        Delivery::Public => return Ok("public delivery: pictures are read without a signature".to_owned()),
        Delivery::Presigned => "take public access away: block it for the bucket (all four)",
        Delivery::CloudFront => {
            "let the distribution's behaviors for images/* and defaults/* trust its key group alone"
        }
    };
    let answer = client.send(Request::get(redirect.location.without_query()?)).await?;
    refused(&answer, "pictures are read without a signature", advice)
}

/// A form without a signature, and one with a signature of nobody. S3 looks at a signature's region first, so that the second
/// takes the right one.
pub(crate) async fn bad_forms(client: &Client, bucket: &Bucket) -> Checked {
    let key = format!("incoming/doctor-{}", Uuid::new_v4().simple());
    post(client, bucket, &key, vec![("key", key.clone())]).await?;
    let Some(region) = &bucket.region else {
        return Ok(
            "403 to a form without a signature (a forged one takes the bucket's region, which is not known)".to_owned()
        );
    };
    post(client, bucket, &key, forged(&key, region)).await?;
    Ok("403 to a form without a signature, and to one with a forged one".to_owned())
}

async fn post(client: &Client, bucket: &Bucket, key: &str, fields: Vec<(&'static str, String)>) -> Checked {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let answer = client.send(Request::post(bucket.address.below("/")?, &content_type, form(&fields))).await?;
    let accepted = format!("it takes a form that nobody signed: there is now an object {key}");
    refused(&answer, &accepted, "remove that object, and take public access away: block it for the bucket (all four)")
}

fn refused(answer: &Answer, granted: &str, advice: &str) -> Checked {
    match answer.status {
        403 => Ok("403".to_owned()),
        200..=204 | 303 => Err(Trouble::fail(format!("{granted} ({})", answer.status), advice)),
        301 | 302 | 307 | 308 => {
            let to = answer.header("location").or(answer.header("x-amz-bucket-region")).unwrap_or("another region");
            let seen = format!("expected 403, got {} to {to}", answer.status);
            Err(Trouble::fail(seen, "see that the bucket's address has the bucket's own region in it"))
        }
        404 => Err(Trouble::fail(format!("no such bucket: {}", answer.summary()), "see that IMAGES_BUCKET is right")),
        _ => Err(Trouble::fail(format!("expected 403, got {}", answer.summary()), "see that this is S3's own address")),
    }
}

/// Everything that S3 asks of a signed form, under a key that AWS's manuals use for examples.
fn forged(key: &str, region: &str) -> Vec<(&'static str, String)> {
    let now = clock::now();
    let end = now.saturating_add(SignedDuration::from_mins(5)).unwrap_or(now);
    let credential = format!("AKIAIOSFODNN7EXAMPLE/{}/{region}/s3/aws4_request", now.strftime("%Y%m%d"));
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let policy = serde_json::json!({
        "expiration": end.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        "conditions": [
            {"key": key},
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": credential},
            {"x-amz-date": date},
        ],
    });
    vec![
        ("key", key.to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
        ("policy", STANDARD.encode(policy.to_string())),
        ("x-amz-signature", "0".repeat(64)),
    ]
}

/// A form as `wx.uploadFile` sends it: the file comes last.
fn form(fields: &[(&str, String)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"doctor.txt\"\r\nContent-Type: text/plain";
    format!("{body}--{BOUNDARY}\r\n{file}\r\n\r\ndoctor\r\n--{BOUNDARY}--\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_in_a_buckets_name_or_in_what_was_signed() {
        assert_eq!(region_in("photos.s3.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        assert_eq!(region_in("photos.s3.amazonaws.com"), None);
        assert_eq!(region_in("img.example.com"), None);
        assert_eq!(region_of("AKIA%2F20260101%2Feu-central-1%2Fs3%2Faws4_request"), Some("eu-central-1"));
    }

    #[test]
    fn a_bucket_is_in_the_host_or_begins_the_path() {
        let bucket_of = |image: &str| bucket_of(&image.parse().unwrap()).map(|bucket| bucket.to_string());

        let in_the_host = "https://photos.s3.eu-central-1.amazonaws.com/defaults/missing?X-Amz-Signature=1";
        assert_eq!(bucket_of(in_the_host).as_deref(), Some("https://photos.s3.eu-central-1.amazonaws.com"));
        assert_eq!(
            bucket_of("http://127.0.0.1:8789/photos/defaults/missing").as_deref(),
            Some("http://127.0.0.1:8789/photos")
        );
        assert_eq!(bucket_of("https://img.example.com/images/1.jpg"), None);
    }
}
