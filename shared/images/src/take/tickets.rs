use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use imaging::{Format, Refused};
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use serde::Serialize;
use session::Caller;
use web::IdempotencyKey;

use crate::config::TicketConfig;
use crate::error::ImageError;
use crate::rows::keys::Object;
use crate::rows::lives::FORM_LIFE;
use crate::rows::name::Target;
use crate::rows::row::{Begun, ImageRow};
use crate::rows::store::Store;
use crate::rows::table::ImageRows;
use crate::rows::tasks::{Task, Tasks};
use crate::show::answer::Image;
use crate::show::delivery::Delivery;
use crate::take::claim::{Claim, claim};
use crate::take::post_policy::{Fields, Upload};
use crate::take::task_list::TaskList;

/// Types that `imaging` would tell apart once it saw the bytes.
const HEIC: [&str; 5] = ["image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence", "image/avif"];

/// The image that a ticket is asked for.
#[derive(Debug)]
pub struct Announced {
    format: Format,
    bytes: u64,
    upload_id: Option<IdempotencyKey>,
}

impl Announced {
    /// An image of this type and of so many bytes. `image/jpg` is no registered type, but what many clients call a JPEG.
    ///
    /// # Errors
    /// For a type that is not taken.
    pub fn new(content_type: &str, bytes: u64, upload_id: Option<IdempotencyKey>) -> Result<Self, ImageError> {
        let content_type = if content_type == "image/jpg" { "image/jpeg" } else { content_type };
        match Format::from_content_type(content_type) {
            Some(format) => Ok(Self { format, bytes, upload_id }),
            None if HEIC.contains(&content_type) => Err(Refused::Heic.into()),
            None => Err(Refused::Unsupported.into()),
        }
    }

    /// What an upload id stands for while nobody has seen the bytes.
    fn content_hash(&self) -> String {
        format!("ticket:{}:{}", self.format.content_type(), self.bytes)
    }
}

/// The answer to who asks for a ticket.
pub enum Ticket {
    /// The image may be sent.
    Form(Form),
    /// It was sent before, and validated.
    Done(Done),
}

/// A form that takes the image into the bucket.
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

/// Lets images into the bucket that are too large for the API.
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
    pub fn new(
        store: Store,
        tasks: Tasks,
        delivery: Delivery,
        config: &TicketConfig,
        max_task_images: usize,
        aws: Aws,
    ) -> Self {
        Self {
            rows: store.rows.clone(),
            bucket: store.bucket.name.clone(),
            list: TaskList::new(store, tasks, max_task_images),
            delivery,
            aws,
            public_endpoint: config.public_endpoint.clone(),
        }
    }

    /// Opens a connection to the table and reads the key that URLs are signed with, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.delivery.prepare());
    }

    /// A form for one image into a task of the caller's. The ticket holds a slot of the task from now on. The same upload id
    /// gives another form for the same image until it was sent and validated. Two round trips: claim · append.
    ///
    /// # Errors
    /// Where the task is gone or full, the image was deleted, the upload id stands for other content, or the outcome is not
    /// certain.
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
        self.list.add(&caller.user_id, &task.id, &row.name, now).await?;
        Ok(Ticket::Form(self.form(url, &row, announced, now)))
    }

    fn form(&self, url: String, row: &ImageRow, announced: &Announced, now: Timestamp) -> Form {
        // The form ends with the row's `touched_at`, which is kept in whole seconds.
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
            // What a role signed ends with the role's credentials.
            expires_at: self.aws.credentials_end().map_or(end, |credentials| credentials.min(end)),
        }
    }

    /// Where forms are sent. An S3 that is not AWS's has its buckets in the path. A public address for AWS's S3 is that of a
    /// distribution whose origin is this very bucket.
    async fn url(&self) -> Result<String, Failure> {
        let public = self.public_endpoint.as_deref();
        if let Some(own) = self.aws.s3_address() {
            return Ok(format!("{}/{}", public.unwrap_or(own), self.bucket));
        }
        if let Some(distribution) = public {
            return Ok(format!("{distribution}/"));
        }
        let unknown = |_| Failure::unavailable("S3.ResolveEndpoint", "the bucket has no address");
        let bucket = Params::builder().bucket(&self.bucket).region(self.aws.region()).build();
        let bucket = bucket.map_err(|_| Failure::unavailable("S3.ResolveEndpoint", "the bucket's name"))?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&bucket).await.map_err(unknown)?;
        Ok(format!("{}/", endpoint.url()))
    }
}

/// The row of an image of which nothing is known but what was announced.
fn draft(caller: &Caller, task: &Task, announced: &Announced, now: Timestamp) -> ImageRow {
    let begun = Begun {
        caller,
        target: Target::Task(task.id.clone()),
        upload_id: announced.upload_id.as_ref(),
        format: announced.format,
        content_hash: announced.content_hash(),
    };
    ImageRow::begin(begun, |upload, _| Object::Incoming(upload), now)
}
