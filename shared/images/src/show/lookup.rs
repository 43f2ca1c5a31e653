use jiff::Timestamp;
use platform::Failure;
use session::{Caller, UserId};

use crate::rows::keys::DefaultImage;
use crate::rows::name::ImageName;
use crate::rows::sight::{Sight, Viewer, sight, sight_of_avatar};
use crate::rows::store::Store;
use crate::rows::table::ImageRows;
use crate::rows::tasks::Task;
use crate::rows::variant::Size;
use crate::show::answer::{Image, Resolved, link_of};
use crate::show::delivery::{Delivery, Link};

/// What a redirect leads to.
#[derive(Debug)]
pub enum Found {
    /// The image.
    Image(Link),
    /// The default image in its place.
    StandIn(DefaultImage),
}

/// What may be shown of the images table, and under which URL.
#[derive(Clone, Debug)]
pub struct Images {
    rows: ImageRows,
    delivery: Delivery,
}

impl Images {
    /// Images of this store, delivered so.
    pub fn new(store: Store, delivery: Delivery) -> Self {
        Self { rows: store.rows, delivery }
    }

    /// The same images, under URLs that answer HEAD.
    #[must_use]
    pub fn for_head(&self) -> Self {
        Self { delivery: self.delivery.for_head(), ..self.clone() }
    }

    /// Opens a connection to the table and reads the key that URLs are signed with, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.delivery.prepare());
    }

    /// The URL of an image in this size, or the next larger one there is; a default image for a name that is malformed,
    /// unknown, of another extension, or not ready. One read, none for a malformed name.
    ///
    /// # Errors
    /// While the table fails: an outage is not a missing image.
    pub async fn find(&self, name: &str, size: Size, now: Timestamp) -> Result<Found, Failure> {
        let row = match ImageName::parse(name) {
            Some(name) => self.rows.find(&name.stem).await?.filter(|row| row.name == name),
            None => None,
        };
        match sight(row.as_ref(), Viewer::Anyone) {
            Sight::Image(row) => Ok(Found::Image(self.delivery.link(row.key_of(size), now).await?)),
            Sight::StandIn { image, .. } => Ok(Found::StandIn(image)),
        }
    }

    /// The URL of a user's avatar; the default one for a malformed or unknown user, or one without an avatar. One read.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn find_avatar(&self, user_id: &str, now: Timestamp) -> Result<Found, Failure> {
        let pointer = match UserId::parse(user_id) {
            Some(user_id) => self.rows.find_avatar(&user_id).await?,
            None => None,
        };
        match sight_of_avatar(pointer.as_ref()) {
            Sight::Image(pointer) => Ok(Found::Image(self.delivery.link(&pointer.object_key, now).await?)),
            Sight::StandIn { image, .. } => Ok(Found::StandIn(image)),
        }
    }

    /// The URL of a default image.
    ///
    /// # Errors
    /// Without credentials to sign with.
    pub async fn default(&self, kind: DefaultImage, now: Timestamp) -> Result<Link, Failure> {
        self.delivery.default(kind, now).await
    }

    /// A task's images in order, as its owner sees them: ready, awaited from a ticket, or rejected. Any other listed name is left
    /// out.
    ///
    /// # Errors
    /// While the table fails, or gives half of the rows.
    pub async fn of_task(&self, task: &Task, now: Timestamp) -> Result<Vec<Image>, Failure> {
        let names: Vec<_> = task.images.iter().filter_map(|name| ImageName::parse(name)).collect();
        let rows = self.rows.find_all(names.iter().map(|name| &name.stem)).await?;
        let owner = Viewer::User(&task.owner_id);
        let mut images = Vec::with_capacity(names.len());
        for name in &names {
            let row = rows.get(&name.stem).filter(|row| row.name == *name);
            if let Some(row) = row.filter(|_| sight(row, owner).is_listed()) {
                images.push(Image::of(row, &self.delivery, now).await?);
            }
        }
        Ok(images)
    }

    /// One entry per name, in order, doubles kept, in this size; a default image for what the caller cannot see. Of their own
    /// images callers are told the state, too.
    ///
    /// # Errors
    /// While the table fails, or gives half of the rows.
    pub async fn resolve(
        &self,
        caller: &Caller,
        names: Vec<String>,
        size: Size,
        now: Timestamp,
    ) -> Result<Vec<Resolved>, Failure> {
        let parsed: Vec<_> = names.iter().map(|name| ImageName::parse(name)).collect();
        let rows = self.rows.find_all(parsed.iter().flatten().map(|name| &name.stem)).await?;
        let mut resolved = Vec::with_capacity(names.len());
        for (name, parsed) in names.into_iter().zip(parsed) {
            let row = parsed.and_then(|name| rows.get(&name.stem).filter(|row| row.name == name));
            let sight = sight(row, Viewer::User(&caller.user_id));
            let link = link_of(&sight, size, &self.delivery, now).await?;
            resolved.push(Resolved { name, url: link.url, expires_at: link.expires_at, state: sight.state() });
        }
        Ok(resolved)
    }
}
