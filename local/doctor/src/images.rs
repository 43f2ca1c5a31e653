//! The way to a picture: redirect, bytes, and how long its address lives.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use platform::clock;
use uuid::Uuid;

use crate::address::Address;
use crate::client::{Answer, Client, Request};
use crate::finding::{Checked, Trouble};

/// A redirect must not outlive its address: so many seconds are held back (docs/semantics.md).
const RESERVE_SECONDS: i64 = 60;
/// What the requests themselves may take.
const SLACK_SECONDS: i64 = 5;
/// Default images are to be replaced by the real ones soon.
const DEFAULT_IMAGE_SECONDS: i64 = 60;

/// How pictures are delivered, as their addresses show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Presigned,
    CloudFront,
    Public,
}

/// Where an unknown image leads.
#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) location: Address,
    pub(crate) delivery: Delivery,
    max_age: i64,
    answered_at: Timestamp,
}

pub(crate) async fn redirect(client: &Client, front: &Address) -> Result<Redirect, Trouble> {
    let unknown = format!("/images/{}.jpg", Uuid::new_v4().simple());
    let answer = client.send(Request::get(front.below(&unknown)?)).await?;
    if answer.status != 302 {
        let seen = format!("expected 302 for an unknown image, got {}", answer.summary());
        return Err(Trouble::fail(seen, "look at the log of image-redirect"));
    }
    let location = answer.header("location").unwrap_or_default();
    let location: Address = location.parse().map_err(|_| {
        let advice = "look at IMAGE_BASE_URL and S3_PUBLIC_ENDPOINT of image-redirect";
        Trouble::fail(format!("302 without an address to go to: {location:?}"), advice)
    })?;
    let max_age = answer.max_age().ok_or_else(|| {
        Trouble::fail("302 without max-age in Cache-Control", "see what before the API takes Cache-Control away")
    })?;
    let answered_at = answer.date().unwrap_or_else(clock::now);
    Ok(Redirect { delivery: Delivery::of(&location), location, max_age, answered_at })
}

impl Delivery {
    fn of(address: &Address) -> Self {
        if address.parameter("X-Amz-Signature").is_some() {
            Self::Presigned
        } else if address.parameter("Signature").is_some() {
            Self::CloudFront
        } else {
            Self::Public
        }
    }
}

impl Redirect {
    /// When the address ends, where it says so.
    fn end(&self) -> Option<Timestamp> {
        if let Some(end) = self.location.parameter("Expires") {
            return Timestamp::from_second(end.parse().ok()?).ok();
        }
        let date = DateTime::strptime("%Y%m%dT%H%M%SZ", self.location.parameter("X-Amz-Date")?).ok()?;
        let seconds = self.location.parameter("X-Amz-Expires")?.parse().ok()?;
        let start = TimeZone::UTC.to_timestamp(date).ok()?;
        Timestamp::from_second(start.as_second().saturating_add(seconds)).ok()
    }
}

/// The bytes behind a redirect.
pub(crate) async fn picture(client: &Client, redirect: &Redirect) -> Checked {
    let answer = open(client, redirect).await?;
    let kind = answer.header("content-type").unwrap_or_default();
    if content_type_of(&answer.body) != Some(kind) {
        return Err(Trouble::fail(
            format!("the bytes are called {kind:?} and are something else"),
            "put the default images again: make deploy, or PutObject with Content-Type image/png",
        ));
    }
    if answer.header("cache-control").is_none() {
        return Err(Trouble::fail("the picture has no Cache-Control", "put the default images again: make deploy"));
    }
    if redirect.max_age > DEFAULT_IMAGE_SECONDS {
        let seen = format!("302 may be kept for {} s, more than {DEFAULT_IMAGE_SECONDS}", redirect.max_age);
        return Err(Trouble::fail(seen, "see what before the API changes Cache-Control"));
    }
    let is_of_cloudfront = answer.header("x-amz-cf-id").is_some();
    if is_of_cloudfront && answer.header("x-content-type-options") != Some("nosniff") {
        let advice = "give the distribution a response headers policy with X-Content-Type-Options";
        return Err(Trouble::warn(format!("{kind}, but without nosniff"), advice));
    }
    Ok(format!("302 to {kind} of {} bytes", answer.body.len()))
}

/// Whether an address lives as long as the redirect to it may be kept, and can be opened late.
pub(crate) async fn life(client: &Client, redirect: &Redirect, patient: bool) -> Checked {
    if redirect.delivery == Delivery::Public {
        return Ok("public delivery: addresses do not end".to_owned());
    }
    let Some(end) = redirect.end() else {
        return Err(Trouble::fail("the address does not say when it ends", "look at the log of image-redirect"));
    };
    let left = end.as_second() - redirect.answered_at.as_second();
    let promised = redirect.max_age;
    if left + SLACK_SECONDS < promised + RESERVE_SECONDS {
        let seen = format!("the redirect may be kept for {promised} s, its address lives for {left} s");
        return Err(Trouble::fail(
            seen,
            "look at the clock of the back end and at what before it changes Cache-Control",
        ));
    }
    if patient {
        tokio::time::sleep(Duration::from_secs(promised.unsigned_abs())).await;
    }
    open(client, redirect).await?;
    let waited = if patient { format!(", opens after {promised} s") } else { ", opens again".to_owned() };
    Ok(format!("lives for another {left} s, the redirect may be kept for {promised} s{waited}"))
}

async fn open(client: &Client, redirect: &Redirect) -> Result<Answer, Trouble> {
    let answer = client.send(Request::get(redirect.location.clone())).await?;
    let host = redirect.location.authority();
    match answer.status {
        200 => Ok(answer),
        404 => Err(Trouble::fail(
            format!("{host} has no such picture (404)"),
            "put the default images under defaults/: make deploy does",
        )),
        403 => Err(Trouble::fail(
            format!("{host} refuses the address: {}", answer.summary()),
            "see that defaults/ has its images (S3 answers 403 for a missing one to whoever may not list), and what the \
             policy of image-redirect allows",
        )),
        _ => Err(Trouble::fail(format!("{host} answers {}", answer.summary()), "open the address in a browser")),
    }
}

/// What the bytes are, for the formats that default images may have.
fn content_type_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
