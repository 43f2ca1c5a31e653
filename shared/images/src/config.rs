use std::time::Duration;

use platform::config::{Variable, Variables};

static IMAGES_TABLE: Variable =
    Variable { name: "IMAGES_TABLE", meaning: "Table of images and avatar pointers.", default: None };
static IMAGES_BUCKET: Variable = Variable { name: "IMAGES_BUCKET", meaning: "Bucket of the images.", default: None };
static IMAGE_DELIVERY: Variable = Variable {
    name: "IMAGE_DELIVERY",
    meaning: "How images reach their viewers: `presigned` (URLs signed for S3), `cloudfront` (signed for CloudFront) or `public` (not signed).",
    default: Some("presigned"),
};
static IMAGE_URL_SECONDS: Variable = Variable {
    name: "IMAGE_URL_SECONDS",
    meaning: "Life of an image's URL: 1 to 3600 seconds. It stays the same for half of that.",
    default: Some("3600"),
};
static IMAGE_BASE_URL: Variable = Variable {
    name: "IMAGE_BASE_URL",
    meaning: "Where the bucket can be read in `cloudfront` and `public` delivery; keys are put behind it.",
    default: None,
};
static CLOUDFRONT_KEY_PAIR_ID: Variable = Variable {
    name: "CLOUDFRONT_KEY_PAIR_ID",
    meaning: "Id of the public key by which CloudFront verifies `cloudfront` delivery's URLs.",
    default: None,
};
static CLOUDFRONT_KEY_SECRET: Variable = Variable {
    name: "CLOUDFRONT_KEY_SECRET",
    meaning: "ARN of the Secrets Manager secret whose text is the private key to it: RSA of 2048 bits or more, as PEM; never the key itself.",
    default: None,
};
static S3_PUBLIC_ENDPOINT: Variable = Variable {
    name: "S3_PUBLIC_ENDPOINT",
    meaning: "Address of S3 in URLs and forms, where it differs from the one that the function uses. With S3 on AWS: of a distribution whose origin is the bucket.",
    default: None,
};
static TASKS_TABLE: Variable = Variable { name: "TASKS_TABLE", meaning: "Table of tasks.", default: None };
static MAX_IMAGE_BYTES: Variable = Variable {
    name: "MAX_IMAGE_BYTES",
    meaning: "Largest image taken through the API: 1 to 4194304 bytes (an event of Lambda has at most 6 MB).",
    default: Some("4194304"),
};
static MAX_DIRECT_BYTES: Variable = Variable {
    name: "MAX_DIRECT_BYTES",
    meaning: "Largest direct upload, with a ticket's form: 1 to 20971520 bytes.",
    default: Some("20971520"),
};
static MAX_IMAGE_PIXELS: Variable = Variable {
    name: "MAX_IMAGE_PIXELS",
    meaning: "Most pixels of a JPEG: 1 to 60000000; other formats have the smaller of it and 25 million.",
    default: Some("60000000"),
};
static MAX_TASK_IMAGES: Variable =
    Variable { name: "MAX_TASK_IMAGES", meaning: "Most images of one task: 1 to 100.", default: Some("50") };

/// Where images are kept and how they are delivered.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where they are kept.
    pub storage: StorageConfig,
    pub(crate) delivery: DeliveryMode,
    pub(crate) url_life: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryMode {
    Presigned { endpoint: Option<String> },
    CloudFront { base: String, key_pair_id: String, key_secret: String },
    Public { base: String },
}

#[derive(Clone, Copy)]
enum Mode {
    Presigned,
    CloudFront,
    Public,
}

impl Config {
    /// Reads table, bucket and delivery.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let storage = StorageConfig::read(variables);
        let mode = variables.choice(
            &IMAGE_DELIVERY,
            &[("presigned", Mode::Presigned), ("cloudfront", Mode::CloudFront), ("public", Mode::Public)],
        );
        let url_life = Duration::from_secs(variables.number(&IMAGE_URL_SECONDS, 1..=3600));
        let base = variables.address(&IMAGE_BASE_URL);
        let key_pair_id = variables.optional(&CLOUDFRONT_KEY_PAIR_ID);
        let key_secret = variables.optional(&CLOUDFRONT_KEY_SECRET);
        let endpoint = variables.address(&S3_PUBLIC_ENDPOINT);
        let mut needed = |variable, value: Option<String>| {
            if value.is_none() {
                variables.problem(variable, "must be set for this IMAGE_DELIVERY");
            }
            value.unwrap_or_default()
        };
        let delivery = match mode {
            Some(Mode::CloudFront) => DeliveryMode::CloudFront {
                base: needed(&IMAGE_BASE_URL, base),
                key_pair_id: needed(&CLOUDFRONT_KEY_PAIR_ID, key_pair_id),
                key_secret: needed(&CLOUDFRONT_KEY_SECRET, key_secret),
            },
            Some(Mode::Public) => DeliveryMode::Public { base: needed(&IMAGE_BASE_URL, base) },
            Some(Mode::Presigned) | None => DeliveryMode::Presigned { endpoint },
        };
        Self { storage, delivery, url_life }
    }
}

/// Where the rows of images are kept, for those who touch no object.
#[derive(Clone, Debug)]
pub struct TableConfig {
    pub(crate) table: String,
}

impl TableConfig {
    /// Reads the table.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { table: variables.required(&IMAGES_TABLE) }
    }
}

/// Where images are kept, for those who show none.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    pub(crate) table: String,
    pub(crate) bucket: String,
}

impl StorageConfig {
    /// Reads table and bucket.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { table: variables.required(&IMAGES_TABLE), bucket: variables.required(&IMAGES_BUCKET) }
    }
}

/// Where tasks are kept.
#[derive(Clone, Debug)]
pub struct TasksConfig {
    pub(crate) table: String,
}

impl TasksConfig {
    /// Reads the tasks table.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { table: variables.required(&TASKS_TABLE) }
    }
}

/// The limits of an upload through the API.
#[derive(Clone, Debug)]
pub struct UploadConfig {
    /// Most bytes of an image as received.
    pub max_image_bytes: u64,
    pub(crate) pixels: imaging::Limits,
}

/// The limits of a direct upload, and where it is sent.
#[derive(Clone, Debug)]
pub struct TicketConfig {
    /// Most bytes of an image.
    pub max_direct_bytes: u64,
    pub(crate) public_endpoint: Option<String>,
}

impl TicketConfig {
    /// Reads both.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let max_direct_bytes = read_max_direct_bytes(variables);
        Self { max_direct_bytes, public_endpoint: variables.address(&S3_PUBLIC_ENDPOINT) }
    }
}

impl UploadConfig {
    /// Reads the limits of one image.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let max_image_bytes = variables.number(&MAX_IMAGE_BYTES, 1..=4 * 1024 * 1024);
        Self { max_image_bytes, pixels: read_pixels(variables) }
    }
}

/// The limits of a direct upload.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    pub(crate) max_direct_bytes: u64,
    pub(crate) pixels: imaging::Limits,
    pub(crate) max_task_images: usize,
}

impl IngestConfig {
    /// Reads the limits of an image and of a task.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            max_direct_bytes: read_max_direct_bytes(variables),
            pixels: read_pixels(variables),
            max_task_images: read_max_task_images(variables),
        }
    }
}

/// Reads how many images a task may have.
pub fn read_max_task_images(variables: &mut Variables<'_>) -> usize {
    usize::try_from(variables.number(&MAX_TASK_IMAGES, 1..=100)).unwrap_or(100)
}

fn read_max_direct_bytes(variables: &mut Variables<'_>) -> u64 {
    variables.number(&MAX_DIRECT_BYTES, 1..=20 * 1024 * 1024)
}

fn read_pixels(variables: &mut Variables<'_>) -> imaging::Limits {
    imaging::Limits { max_pixels: variables.number(&MAX_IMAGE_PIXELS, 1..=60_000_000) }
}
