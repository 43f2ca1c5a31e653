mod cloudfront;
mod presigned;

use std::sync::Arc;
use std::time::Duration;

use cloudfront::CloudFront;
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use platform::secret::SecretLocation;
use presigned::Presigned;

use crate::config::{Config, DeliveryMode};
use crate::rows::keys::{DefaultImage, Object};
use crate::rows::lives::REDIRECT_RESERVE_SECONDS;
use crate::rows::store::Store;

/// Makes the URLs under which images are seen: the one place that does.
#[derive(Clone, Debug)]
pub struct Delivery {
    mode: Mode,
    life: Duration,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per process")]
enum Mode {
    Presigned(Presigned),
    CloudFront(Arc<CloudFront>),
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
    /// For how many seconds a redirect to it may be kept: what is left of its life less a minute, and at most `most`.
    pub fn max_age(&self, now: Timestamp, most: u32) -> u32 {
        let left = match self.expires_at {
            Some(end) => end.as_second() - now.as_second() - REDIRECT_RESERVE_SECONDS,
            None => i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX),
        };
        u32::try_from(left.max(0)).unwrap_or(u32::MAX).min(most)
    }
}

impl Delivery {
    /// The configured delivery.
    pub fn new(config: &Config, store: &Store, aws: &Aws) -> Self {
        let mode = match &config.delivery {
            DeliveryMode::Presigned { endpoint } => {
                Mode::Presigned(Presigned::new(&store.bucket, endpoint.as_deref(), aws))
            }
            DeliveryMode::CloudFront { base, key_pair_id, key_secret } => {
                let secret = SecretLocation::new(aws.secretsmanager(), key_secret.clone());
                Mode::CloudFront(Arc::new(CloudFront::new(base, key_pair_id, secret)))
            }
            DeliveryMode::Public { base } => Mode::Public { base: base.clone() },
        };
        Self { mode, life: config.url_life }
    }

    /// The same delivery, by URLs that answer HEAD. Only S3's own know a method.
    pub(crate) fn for_head(&self) -> Self {
        let mode = match &self.mode {
            Mode::Presigned(presigned) => Mode::Presigned(presigned.for_head()),
            mode @ (Mode::CloudFront(_) | Mode::Public { .. }) => mode.clone(),
        };
        Self { mode, life: self.life }
    }

    /// Reads the key that [`link`](Self::link) signs with, so that a missing one is found before an image is stored.
    pub(crate) async fn prepare(&self) -> Result<(), Failure> {
        match &self.mode {
            Mode::CloudFront(cloudfront) => cloudfront.prepare().await,
            Mode::Presigned(_) | Mode::Public { .. } => Ok(()),
        }
    }

    /// The URL of an object. Within one window of half its life it is the same, signed as of the window's start. It takes no
    /// round trip, and does not check whether the object is there.
    pub(crate) async fn link(&self, key: &str, now: Timestamp) -> Result<Link, Failure> {
        let start = window_start(now, self.life);
        let end = start.saturating_add(self.life).unwrap_or(start);
        let (url, expires_at) = match &self.mode {
            Mode::Presigned(presigned) => (presigned.url(key, start, self.life).await?, Some(presigned.real_end(end))),
            Mode::CloudFront(cloudfront) => (cloudfront.url(key, end).await?, Some(end)),
            Mode::Public { base } => (format!("{base}/{key}"), None),
        };
        Ok(Link { url, expires_at, life: self.life })
    }

    /// The URL of a default image.
    pub(crate) async fn default(&self, kind: DefaultImage, now: Timestamp) -> Result<Link, Failure> {
        self.link(&Object::Default(kind).key(), now).await
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
    fn a_window_is_half_of_a_life_and_has_one_start() {
        let life = Duration::from_secs(3600);
        assert_eq!(window_start(at(1800), life), at(1800));
        assert_eq!(window_start(at(3599), life), at(1800));
        assert_eq!(window_start(at(3600), life), at(3600));
        assert_eq!(window_start(at(7), Duration::from_secs(1)), at(7));
    }

    #[test]
    fn a_redirect_may_be_kept_until_a_minute_before_its_url_ends() {
        let link = Link { url: String::new(), expires_at: Some(at(1000)), life: Duration::from_secs(600) };
        assert_eq!(link.max_age(at(400), u32::MAX), 540);
        assert_eq!(link.max_age(at(400), 60), 60);
        assert_eq!(link.max_age(at(950), u32::MAX), 0);
        assert_eq!(link.max_age(at(2000), u32::MAX), 0);
    }
}
