use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;

use crate::rows::bucket::Bucket;

const OPERATION: &str = "S3.GetObject";

/// URLs of S3 that the function's own credentials sign. Other credentials make other URLs, and each of Lambda's execution
/// environments has its own.
#[derive(Clone, Debug)]
pub(super) struct Presigned {
    signer: aws_sdk_s3::Client,
    bucket: String,
    aws: Aws,
    is_for_head: bool,
}

impl Presigned {
    /// URLs of the bucket under its own address or, where there is one, under the `endpoint` that is seen from outside.
    pub(super) fn new(bucket: &Bucket, endpoint: Option<&str>, aws: &Aws) -> Self {
        let signer = match endpoint {
            Some(endpoint) => aws.s3_at(Some(endpoint)),
            None => bucket.client().clone(),
        };
        Self { signer, bucket: bucket.name.clone(), aws: aws.clone(), is_for_head: false }
    }

    /// URLs for HEAD: the method is a part of what is signed.
    pub(super) fn for_head(&self) -> Self {
        Self { is_for_head: true, ..self.clone() }
    }

    /// The URL of an object for `life` from `start` on.
    pub(super) async fn url(&self, key: &str, start: Timestamp, life: Duration) -> Result<String, Failure> {
        let signing = PresigningConfig::builder()
            .start_time(SystemTime::try_from(start).unwrap_or(SystemTime::UNIX_EPOCH))
            .expires_in(life)
            .build()
            .map_err(|_| Failure::unavailable(OPERATION, "presigning"))?;
        let request = if self.is_for_head {
            let request = self.signer.head_object().bucket(&self.bucket).key(key).presigned(signing).await;
            request.map_err(|error| Failure::of(OPERATION, &error))?
        } else {
            let request = self.signer.get_object().bucket(&self.bucket).key(key).presigned(signing).await;
            request.map_err(|error| Failure::of(OPERATION, &error))?
        };
        Ok(request.uri().to_owned())
    }

    /// When a URL really ends that is to end at `end`: a role's URL dies with the role's credentials.
    pub(super) fn real_end(&self, end: Timestamp) -> Timestamp {
        self.aws.credentials_end().map_or(end, |credentials| credentials.min(end))
    }
}
