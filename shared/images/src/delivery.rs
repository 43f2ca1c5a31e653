use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use web::ApiError;

use crate::answer::Image;
use crate::config::{Config, DeliveryMode};
use crate::image_rows::{ImageRow, State};
use crate::object::DefaultImage;

/// A redirect must not outlive its URL by a slow phone: so many seconds are held back.
const RESERVE_SECONDS: i64 = 60;

/// Makes the URLs under which pictures are seen: the one place that does.
#[derive(Clone, Debug)]
pub struct Delivery {
    mode: Mode,
    life: Duration,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per process")]
enum Mode {
    Presigned { signer: aws_sdk_s3::Client, bucket: String, aws: Aws },
    Public { base: String },
}

/// A URL and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The URL.
    pub url: String,
    /// When it stops working; never, in `public` delivery.
    pub expires_at: Option<Timestamp>,
    life: Duration,
}

impl Link {
    /// How many seconds a redirect to it may be kept: what is left of it less a minute, and at most `most`.
    pub fn max_age(&self, now: Timestamp, most: u32) -> u32 {
        let left = match self.expires_at {
            Some(end) => end.as_second() - now.as_second() - RESERVE_SECONDS,
            None => i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX),
        };
        u32::try_from(left.max(0)).unwrap_or(u32::MAX).min(most)
    }
}

impl Delivery {
    /// The configured delivery.
    pub fn new(config: &Config, aws: &Aws) -> Self {
        let mode = match &config.delivery {
            DeliveryMode::Presigned { endpoint } => Mode::Presigned {
                signer: aws.s3_at(endpoint.as_deref()),
                bucket: config.bucket.clone(),
                aws: aws.clone(),
            },
            DeliveryMode::Public { base } => Mode::Public { base: base.clone() },
        };
        Self { mode, life: config.url_life }
    }

    /// The URL of an object. Within one window of half its life it is the same: signed as of the window's start. No round
    /// trip, and no look whether the object is there.
    pub(crate) async fn link(&self, key: &str, now: Timestamp) -> Result<Link, ApiError> {
        match &self.mode {
            Mode::Public { base } => Ok(Link { url: format!("{base}/{key}"), expires_at: None, life: self.life }),
            Mode::Presigned { signer, bucket, aws } => {
                let start = window_start(now, self.life);
                let signing = PresigningConfig::builder()
                    .start_time(SystemTime::try_from(start).unwrap_or(SystemTime::UNIX_EPOCH))
                    .expires_in(self.life)
                    .build()
                    .map_err(|_| Failure::unavailable("S3.GetObject", "presigning"))?;
                let request = signer
                    .get_object()
                    .bucket(bucket)
                    .key(key)
                    .presigned(signing)
                    .await
                    .map_err(|error| Failure::of("S3.GetObject", &error))?;
                let end = start.saturating_add(self.life).unwrap_or(start);
                // A role's URL dies with the role's credentials.
                let expires_at = aws.credentials_end().map_or(end, |credentials| credentials.min(end));
                Ok(Link { url: request.uri().to_owned(), expires_at: Some(expires_at), life: self.life })
            }
        }
    }

    /// The URL of the picture that stands for one that cannot be shown.
    pub(crate) async fn default(&self, kind: DefaultImage, now: Timestamp) -> Result<Link, ApiError> {
        self.link(kind.key(), now).await
    }

    /// The URL under which a row's image is seen: that of a default one unless it is ready.
    pub(crate) async fn link_of(&self, row: &ImageRow, now: Timestamp) -> Result<Link, ApiError> {
        match row.state {
            State::Ready => self.link(&row.object_key, now).await,
            _ => self.default(DefaultImage::Missing, now).await,
        }
    }

    /// A row's image as clients see it.
    pub(crate) async fn image(&self, row: &ImageRow, now: Timestamp) -> Result<Image, ApiError> {
        Ok(Image::new(row, self.link_of(row, now).await?))
    }
}

/// The start of the window that `now` lies in: windows are half of a URL's life, so that every URL lives on for at least
/// as long again.
fn window_start(now: Timestamp, life: Duration) -> Timestamp {
    let window = i64::try_from(life.as_secs() / 2).unwrap_or(i64::MAX).max(1);
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(window)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_window_is_half_of_a_life_and_starts_are_the_same_within_it() {
        let life = Duration::from_secs(3600);
        assert_eq!(window_start(at(1800), life), at(1800));
        assert_eq!(window_start(at(3599), life), at(1800));
        assert_eq!(window_start(at(3600), life), at(3600));
        assert_eq!(window_start(at(7), Duration::from_secs(1)), at(7));
    }

    #[test]
    fn a_redirect_is_kept_for_what_is_left_of_its_url_less_a_minute() {
        let link = Link { url: String::new(), expires_at: Some(at(1000)), life: Duration::from_secs(600) };
        assert_eq!(link.max_age(at(400), u32::MAX), 540);
        assert_eq!(link.max_age(at(400), 60), 60);
        assert_eq!(link.max_age(at(950), u32::MAX), 0);
        assert_eq!(link.max_age(at(2000), u32::MAX), 0);
    }
}
