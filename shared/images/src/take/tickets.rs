use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use imaging::{Format, Refused};
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use serde::Serialize;
use session::Caller;
use web::IdempotencyKey;

use crate::config::{Config, TicketConfig};
use crate::error::ImageError;
use crate::rows::keys::incoming_key_of;
use crate::rows::lives::FORM_LIFE;
use crate::rows::name::Target;
use crate::rows::row::{Begun, ImageRow};
use crate::rows::table::ImageRows;
use crate::rows::tasks::{Task, Tasks};
use crate::show::answer::Image;
use crate::show::delivery::Delivery;
use crate::take::claim::{Claim, claim};
use crate::take::post_policy::{Fields, Upload};
use crate::take::task_list::TaskList;

/// Types of which `imaging` would say so once it saw the bytes.
const HEIC: [&str; 5] = ["image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence", "image/avif"];

/// The photo that a ticket is asked for.
#[derive(Debug)]
pub struct Announced {
    format: Format,
    bytes: u64,
    upload_id: Option<IdempotencyKey>,
}

impl Announced {
    /// A photo of this type and of so many bytes. `image/jpg` is no registered type, but what many clients call a JPEG.
    ///
    /// # Errors
    /// `image_unsupported`.
    pub fn new(content_type: &str, bytes: u64, upload_id: Option<IdempotencyKey>) -> Result<Self, ImageError> {
        let content_type = if content_type == "image/jpg" { "image/jpeg" } else { content_type };
        match Format::from_content_type(content_type) {
            Some(format) => Ok(Self { format, bytes, upload_id }),
            None if HEIC.contains(&content_type) => Err(Refused::Heic.into()),
            None => Err(Refused::Unsupported.into()),
        }
    }

    /// What one upload id stands for: nobody has seen the bytes yet.
    fn content_hash(&self) -> String {
        format!("ticket:{}:{}", self.format.content_type(), self.bytes)
    }
}

/// What a ticket is answered with.
pub enum Ticket {
    /// The photo may be sent.
    Form(Form),
    /// It was sent before, and looked at.
    Done(Done),
}

/// A form that takes the photo into the bucket.
#[derive(Serialize)]
pub struct Form {
    name: String,
    url: String,
    fields: Fields,
    expires_at: Timestamp,
}

/// The image that came of an earlier form.
#[derive(Serialize)]
pub struct Done {
    name: String,
    image: Image,
}

/// Lets photos into the bucket that are too large to come through the API.
#[derive(Clone, Debug)]
pub struct Tickets {
    rows: ImageRows,
    list: TaskList,
    delivery: Delivery,
    aws: Aws,
    bucket: String,
    public_endpoint: Option<String>,
}

impl Tickets {
    /// Tickets for at most `max_task_images` of one task.
    pub fn new(config: &Config, tickets: &TicketConfig, max_task_images: usize, tasks: Tasks, aws: &Aws) -> Self {
        Self {
            rows: ImageRows::new(&config.table, aws.dynamodb()),
            list: TaskList::new(&config.storage(), max_task_images, tasks, aws),
            delivery: Delivery::new(config, aws),
            aws: aws.clone(),
            bucket: config.bucket.clone(),
            public_endpoint: tickets.public_endpoint.clone(),
        }
    }

    /// Opens a connection to the table and gets what URLs need, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.delivery.prepare());
    }

    /// A form for one photo into a task of the caller's. The ticket takes the photo's place in the task. The same upload id
    /// gives another form for the same photo, until it was sent and looked at. Two round trips: claim · append.
    ///
    /// # Errors
    /// `task_not_found`, `not_found` (deleted), `task_full`, `upload_id_reused`, `busy`.
    pub async fn issue(
        &self,
        caller: &Caller,
        task: &Task,
        announced: &Announced,
        now: Timestamp,
    ) -> Result<Ticket, ImageError> {
        let url = self.url().await?;
        let row = match claim(&self.rows, &draft(caller, task, announced, now), now).await? {
            Claim::Ours(row) => row,
            Claim::Done(row) => {
                let image = Image::of(&row, &self.delivery, now).await?;
                return Ok(Ticket::Done(Done { name: row.name.to_string(), image }));
            }
        };
        self.list.enlist(&caller.user_id, &task.id, &row.name, now).await?;
        Ok(Ticket::Form(self.form(url, &row, announced, now)))
    }

    fn form(&self, url: String, row: &ImageRow, announced: &Announced, now: Timestamp) -> Form {
        // Of the row as it is now, which keeps whole seconds.
        let end = Timestamp::from_second((now + FORM_LIFE).as_second()).unwrap_or(now);
        let upload = Upload {
            bucket: &self.bucket,
            key: &row.object_key,
            content_type: row.name.format.content_type(),
            max_bytes: announced.bytes,
            end,
        };
        Form {
            name: row.name.to_string(),
            url,
            fields: upload.sign(self.aws.credentials(), self.aws.region(), now),
            // What a role signed ends with the role's keys.
            expires_at: self.aws.credentials_end().map_or(end, |credentials| credentials.min(end)),
        }
    }

    /// Where forms are sent. Another S3 than AWS's has its buckets in the path; a public address of AWS's is the door to
    /// this very bucket: a distribution, whose origin it is.
    async fn url(&self) -> Result<String, Failure> {
        let public = self.public_endpoint.as_deref();
        if let Some(own) = self.aws.s3_address() {
            return Ok(format!("{}/{}", public.unwrap_or(own), self.bucket));
        }
        if let Some(door) = public {
            return Ok(format!("{door}/"));
        }
        let unknown = |_| Failure::unavailable("S3.ResolveEndpoint", "the bucket has no address");
        let bucket = Params::builder().bucket(&self.bucket).region(self.aws.region()).build();
        let bucket = bucket.map_err(|_| Failure::unavailable("S3.ResolveEndpoint", "the bucket's name"))?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&bucket).await.map_err(unknown)?;
        Ok(format!("{}/", endpoint.url()))
    }
}

/// The row of a photo of which nothing is known but what was announced.
fn draft(caller: &Caller, task: &Task, announced: &Announced, now: Timestamp) -> ImageRow {
    let upload = Begun {
        caller,
        target: Target::Task(task.id.clone()),
        upload_id: announced.upload_id.as_ref(),
        format: announced.format,
        content_hash: announced.content_hash(),
    };
    ImageRow::begin(upload, |name, attempt| incoming_key_of(&name.stem, attempt), now)
}
