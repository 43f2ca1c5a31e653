//! What clients see of images and tasks.

use jiff::Timestamp;
use platform::Failure;
use serde::Serialize;

use crate::rows::reason::Reason;
use crate::rows::row::ImageRow;
use crate::rows::sight::{Sight, Viewer, sight};
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
    reason: Option<&'static str>,
    content_type: &'static str,
    /// Of the stored original.
    bytes: Option<u64>,
    /// As displayed.
    width: Option<u32>,
    height: Option<u32>,
    placeholder: Option<String>,
    variants: ShownVariants,
}

/// Smaller sizes of an image: all of them, or none before they were made. Where the image is no larger than a size, the next
/// larger one takes its place.
#[derive(Debug, Default, Serialize)]
struct ShownVariants {
    #[serde(skip_serializing_if = "Option::is_none")]
    thumb: Option<ShownVariant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<ShownVariant>,
}

#[derive(Debug, Serialize)]
struct ShownVariant {
    url: String,
    width: Option<u32>,
    height: Option<u32>,
}

impl Image {
    /// The image of this row, as its owner sees it.
    pub(crate) async fn of(row: &ImageRow, delivery: &Delivery, now: Timestamp) -> Result<Self, Failure> {
        let mut image = Self::without_variants(row, delivery, now).await?;
        if let (Sight::Image(row), Some(variants)) = (as_owner(row), &row.variants) {
            image.placeholder = Some(variants.placeholder_text());
            image.variants = ShownVariants {
                thumb: Some(ShownVariant::of(row, Size::Thumb, delivery, now).await?),
                medium: Some(ShownVariant::of(row, Size::Medium, delivery, now).await?),
            };
        }
        Ok(image)
    }

    /// The same without variants and placeholder. So uploads are answered: these are made after the answer, and a retry is
    /// answered as the first call was.
    pub(crate) async fn without_variants(row: &ImageRow, delivery: &Delivery, now: Timestamp) -> Result<Self, Failure> {
        let sight = as_owner(row);
        let link = link_of(&sight, Size::Original, delivery, now).await?;
        Ok(Self {
            name: row.name.to_string(),
            url: link.url,
            url_expires_at: link.expires_at,
            state: sight.state(),
            reason: row.reason.map(Reason::name),
            content_type: row.name.format.content_type(),
            bytes: row.bytes,
            width: row.width,
            height: row.height,
            placeholder: None,
            variants: ShownVariants::default(),
        })
    }
}

impl ShownVariant {
    async fn of(row: &ImageRow, size: Size, delivery: &Delivery, now: Timestamp) -> Result<Self, Failure> {
        let (width, height) = row.sides_of(size);
        Ok(Self { url: delivery.link(row.key_of(size), now).await?.url, width, height })
    }
}

fn as_owner(row: &ImageRow) -> Sight<'_, ImageRow> {
    sight(Some(row), Viewer::User(&row.owner_id))
}

/// The URL of what is seen, in this size.
pub(crate) async fn link_of(
    sight: &Sight<'_, ImageRow>,
    size: Size,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<Link, Failure> {
    match sight {
        Sight::Image(row) => delivery.link(row.key_of(size), now).await,
        Sight::StandIn { image, .. } => delivery.default(*image, now).await,
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

/// A name, resolved to what the caller may see.
#[derive(Debug, Serialize)]
pub struct Resolved {
    /// As asked for.
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) state: &'static str,
}
