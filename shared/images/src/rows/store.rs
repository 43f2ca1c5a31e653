use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_s3::Client as S3;

use crate::config::StorageConfig;
use crate::rows::bucket::Bucket;
use crate::rows::table::ImageRows;

/// The images table and the bucket. A function makes one, so that all rooms share one client of each service.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) rows: ImageRows,
    pub(crate) bucket: Bucket,
}

impl Store {
    /// The configured table and bucket.
    pub fn new(config: &StorageConfig, dynamodb: DynamoDb, s3: S3) -> Self {
        Self { rows: ImageRows::new(&config.table, dynamodb), bucket: Bucket::new(&config.bucket, s3) }
    }
}
