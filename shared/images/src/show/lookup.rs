use jiff::Timestamp;
use platform::aws::Aws;
use session::{Caller, UserId};
use web::ApiError;

use crate::config::Config;
use crate::rows::keys::DefaultImage;
use crate::rows::name::ImageName;
use crate::rows::row::{ImageRow, State};
use crate::rows::table::ImageRows;
use crate::rows::tasks::Task;
use crate::rows::variant::Size;
use crate::show::answer::{Image, Resolved};
use crate::show::delivery::{Delivery, Link};

/// What is to be shown where an image was asked for.
#[derive(Debug)]
pub enum Found {
    /// The image.
    Image(Link),
    /// There is none that can be shown; this stands for it.
    StandIn(DefaultImage),
}

/// What may be shown of the images table, and under which URL.
#[derive(Clone, Debug)]
pub struct Images {
    rows: ImageRows,
    delivery: Delivery,
}

impl Images {
    /// Images in the configured table and bucket.
    pub fn new(config: &Config, aws: &Aws) -> Self {
        Self { rows: ImageRows::new(&config.table, aws.dynamodb()), delivery: Delivery::new(config, aws) }
    }

    /// Opens a connection to the table and gets what URLs need, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.delivery.prepare());
    }

    /// The URL of an image in this size, or the next larger one there is; a default image for a name that is malformed,
    /// unknown, of another extension, or not ready. One read, none for a malformed name.
    ///
    /// # Errors
    /// `busy` while the table fails: an outage is not a missing image.
    pub async fn find(&self, name: &str, size: Size, now: Timestamp) -> Result<Found, ApiError> {
        let missing = Found::StandIn(DefaultImage::Missing);
        let Some(name) = ImageName::parse(name) else {
            return Ok(missing);
        };
        match self.rows.find(&name.stem).await?.filter(|row| row.name == name) {
            Some(row) if row.state == State::Ready => Ok(Found::Image(self.delivery.link_of(&row, size, now).await?)),
            Some(row) => Ok(Found::StandIn(row.stand_in())),
            None => Ok(missing),
        }
    }

    /// The URL of a user's avatar; the default one for a malformed or unknown user, or one without an avatar. One read.
    ///
    /// # Errors
    /// `busy` while the table fails.
    pub async fn find_avatar(&self, user_id: &str, now: Timestamp) -> Result<Found, ApiError> {
        let none = Found::StandIn(DefaultImage::Avatar);
        let Some(user_id) = UserId::parse(user_id) else {
            return Ok(none);
        };
        match self.rows.find_avatar(&user_id).await? {
            Some(pointer) => Ok(Found::Image(self.delivery.link(&pointer.object_key, now).await?)),
            None => Ok(none),
        }
    }

    /// The URL of the picture that stands for one that cannot be shown.
    ///
    /// # Errors
    /// `busy` without credentials to sign with.
    pub async fn default(&self, kind: DefaultImage, now: Timestamp) -> Result<Link, ApiError> {
        self.delivery.default(kind, now).await
    }

    /// A task's images in order, as its owner sees them: ready, to come by a ticket, or rejected. Any other
    /// listed name is left out.
    ///
    /// # Errors
    /// `busy` while the table fails, or gives half of the rows.
    pub async fn of_task(&self, task: &Task, now: Timestamp) -> Result<Vec<Image>, ApiError> {
        let names: Vec<_> = task.images.iter().filter_map(|name| ImageName::parse(name)).collect();
        let rows = self.rows.find_all(names.iter().map(|name| &name.stem)).await?;
        let mut images = Vec::with_capacity(names.len());
        for name in &names {
            if let Some(row) = rows.get(&name.stem).filter(|row| row.name == *name && row.is_shown_to_owner()) {
                images.push(self.delivery.image(row, now).await?);
            }
        }
        Ok(images)
    }

    /// One entry per name, in order, doubles kept, in this size; a default image for what [`find`](Self::find) would not
    /// find. Of their own images callers are told the state as well.
    ///
    /// # Errors
    /// `busy` while the table fails, or gives half of the rows.
    pub async fn resolve(
        &self,
        caller: &Caller,
        names: Vec<String>,
        size: Size,
        now: Timestamp,
    ) -> Result<Vec<Resolved>, ApiError> {
        let parsed: Vec<_> = names.iter().map(|name| ImageName::parse(name)).collect();
        let rows = self.rows.find_all(parsed.iter().flatten().map(|name| &name.stem)).await?;
        let missing = self.default(DefaultImage::Missing, now).await?;
        let mut resolved = Vec::with_capacity(names.len());
        for (name, parsed) in names.into_iter().zip(parsed) {
            let row = parsed.and_then(|name| rows.get(&name.stem).filter(|row| is_told(row, &name, caller)));
            let (link, state) = match row {
                Some(row) => (self.delivery.link_of(row, size, now).await?, row.state.name()),
                None => (missing.clone(), "missing"),
            };
            resolved.push(Resolved { name, url: link.url, expires_at: link.expires_at, state });
        }
        Ok(resolved)
    }
}

fn is_told(row: &ImageRow, name: &ImageName, caller: &Caller) -> bool {
    let is_unfinished = matches!(row.state, State::Pending | State::Rejected);
    row.name == *name && (row.state == State::Ready || (is_unfinished && row.owner_id == caller.user_id))
}
