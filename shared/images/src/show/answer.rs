//! What clients see of images and tasks.

use jiff::Timestamp;
use serde::Serialize;
use web::ApiError;

use crate::rows::row::{ImageRow, State};
use crate::rows::tasks::{ListedTask, Task};
use crate::rows::variant::Size;
use crate::show::delivery::{Delivery, Link};

/// An image.
#[derive(Debug, Serialize)]
pub struct Image {
    /// `<stem>.<extension>`.
    pub name: String,
    url: String,
    url_expires_at: Option<Timestamp>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    content_type: &'static str,
    /// Of the stored original.
    bytes: Option<u64>,
    /// As displayed.
    width: Option<u32>,
    height: Option<u32>,
    pub(crate) placeholder: Option<String>,
    pub(crate) variants: ShownVariants,
}

/// Smaller sizes of an image: all, or none where they were not made. Where the image is no larger than a size, the next
/// larger one stands for it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ShownVariants {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumb: Option<ShownVariant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) medium: Option<ShownVariant>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ShownVariant {
    pub(crate) url: String,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
}

impl Image {
    pub(crate) fn new(row: &ImageRow, link: Link) -> Self {
        Self {
            name: row.name.to_string(),
            url: link.url,
            url_expires_at: link.expires_at,
            state: row.state.name(),
            reason: row.reason.clone(),
            content_type: row.name.format.content_type(),
            bytes: row.bytes,
            width: row.width,
            height: row.height,
            placeholder: None,
            variants: ShownVariants::default(),
        }
    }
}

impl Delivery {
    /// The URL under which a row's image is seen: that of a default one unless it is ready.
    pub(crate) async fn link_of(&self, row: &ImageRow, size: Size, now: Timestamp) -> Result<Link, ApiError> {
        match row.state {
            State::Ready => self.link(row.key_of(size), now).await,
            _ => self.default(row.stand_in(), now).await,
        }
    }

    /// A row's image as clients see it.
    pub(crate) async fn image(&self, row: &ImageRow, now: Timestamp) -> Result<Image, ApiError> {
        let mut image = self.image_alone(row, now).await?;
        if let Some(variants) = row.variants.as_ref().filter(|_| row.state == State::Ready) {
            image.placeholder = Some(variants.placeholder_text());
            let (thumb, medium) =
                (self.variant(row, Size::Thumb, now).await?, self.variant(row, Size::Medium, now).await?);
            image.variants = ShownVariants { thumb: Some(thumb), medium: Some(medium) };
        }
        Ok(image)
    }

    /// A row's image without variants and placeholder. So uploads are answered: these are made behind the answer, and a
    /// retry is to be answered as the first call was.
    pub(crate) async fn image_alone(&self, row: &ImageRow, now: Timestamp) -> Result<Image, ApiError> {
        Ok(Image::new(row, self.link_of(row, Size::Original, now).await?))
    }

    async fn variant(&self, row: &ImageRow, size: Size, now: Timestamp) -> Result<ShownVariant, ApiError> {
        let (width, height) = row.sides_of(size);
        Ok(ShownVariant { url: self.link_of(row, size, now).await?.url, width, height })
    }
}

/// A task, with its images where they were asked for.
#[derive(Debug, Serialize)]
pub struct TaskAnswer<'a> {
    task_id: &'a str,
    owner_id: &'a str,
    title: Option<&'a str>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<Vec<Image>>,
}

impl<'a> TaskAnswer<'a> {
    /// A task with these images.
    pub fn with_images(task: &'a Task, images: Vec<Image>) -> Self {
        Self {
            task_id: task.id.as_str(),
            owner_id: task.owner_id.as_str(),
            title: task.title.as_deref(),
            created_at: task.created_at,
            images: Some(images),
        }
    }

    /// A task of this owner's list.
    pub fn listed(task: &'a ListedTask, owner_id: &'a str) -> Self {
        Self {
            task_id: task.id.as_str(),
            owner_id,
            title: task.title.as_deref(),
            created_at: task.created_at,
            images: None,
        }
    }
}

/// A name, resolved to what may be shown for it.
#[derive(Debug, Serialize)]
pub struct Resolved {
    /// As asked for.
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) state: &'static str,
}
