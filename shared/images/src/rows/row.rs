use imaging::Format;
use jiff::Timestamp;
use platform::Failure;
use platform::row::{self, Reader, Row};
use session::UserId;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::rows::keys::{DefaultImage, INCOMING};
use crate::rows::lives::ROW_LIFE;
use crate::rows::name::{Attempt, ImageName, Stem, Target};
use crate::rows::variant::{Size, Variant, Variants};

/// What a row says of its image. The state alone decides what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Being uploaded, or given up on.
    Pending,
    /// Shown.
    Ready,
    /// Refused after it was uploaded, for the row's reason.
    Rejected,
    /// Deleted: a tombstone, so that its upload id does not come back.
    Removed,
}

const STATES: [(State, &str); 4] =
    [(State::Pending, "pending"), (State::Ready, "ready"), (State::Rejected, "rejected"), (State::Removed, "removed")];

impl State {
    pub(crate) fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        STATES.iter().find(|(_, name)| *name == text).map(|(state, _)| *state)
    }
}

/// One row of the images table.
#[derive(Clone, Debug)]
pub(crate) struct ImageRow {
    pub(crate) name: ImageName,
    pub(crate) state: State,
    pub(crate) owner_id: UserId,
    pub(crate) target: Target,
    /// What one upload id stands for: SHA-256 of the bytes as received; of a ticket, what was announced.
    pub(crate) content_hash: String,
    pub(crate) attempt: Attempt,
    pub(crate) object_key: String,
    pub(crate) bytes: Option<u64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// Once they were made.
    pub(crate) variants: Option<Variants>,
    /// An error's name, where the state is `rejected`.
    pub(crate) reason: Option<String>,
    pub(crate) touched_at: Timestamp,
}

impl ImageRow {
    /// Whether its bytes go directly to S3, and have not become an image yet.
    pub(crate) fn is_ticket(&self) -> bool {
        self.object_key.starts_with(INCOMING)
    }

    pub(super) fn read(row: &Row) -> Result<Self, Failure> {
        let stored = Reader::new("images", row);
        let number = |attribute| row.contains_key(attribute).then(|| stored.number::<u64>(attribute)).transpose();
        let narrow = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        Ok(Self {
            name: ImageName {
                stem: stored.get("stem", |value| Stem::parse(value.as_s().ok()?))?,
                format: stored.get("extension", |value| Format::from_extension(value.as_s().ok()?))?,
            },
            state: stored.get("state", |value| State::parse(value.as_s().ok()?))?,
            owner_id: stored.get("owner_id", |value| UserId::parse(value.as_s().ok()?))?,
            target: stored.get("target", |value| Target::parse(value.as_s().ok()?))?,
            content_hash: stored.text("content_hash")?.to_owned(),
            attempt: Attempt::stored(stored.text("attempt")?),
            object_key: stored.text("object_key")?.to_owned(),
            bytes: number("bytes")?,
            width: narrow(number("width")?),
            height: narrow(number("height")?),
            variants: row.get("variants").and_then(|value| value.as_m().ok()).map(read_variants).transpose()?,
            reason: row.get("reason").and_then(|value| value.as_s().ok()).cloned(),
            touched_at: stored
                .get("touched_at", |value| Timestamp::from_second(value.as_n().ok()?.parse().ok()?).ok())?,
        })
    }

    pub(super) fn write(&self) -> Row {
        let numbers =
            [("bytes", self.bytes), ("width", self.width.map(u64::from)), ("height", self.height.map(u64::from))];
        let known = numbers.into_iter().filter_map(|(attribute, value)| Some((attribute, row::number(value?))));
        [
            ("stem", row::text(self.name.stem.as_str())),
            ("extension", row::text(self.name.format.extension())),
            ("state", row::text(self.state.name())),
            ("owner_id", row::text(self.owner_id.as_str())),
            ("target", row::text(self.target.to_string())),
            ("content_hash", row::text(&self.content_hash)),
            ("attempt", row::text(self.attempt.as_str())),
            ("object_key", row::text(&self.object_key)),
            ("touched_at", row::number(self.touched_at.as_second())),
            ("expires_at", row::ttl(self.touched_at + ROW_LIFE)),
        ]
        .into_iter()
        .chain(known)
        .map(|(attribute, value)| (attribute.to_owned(), value))
        .collect()
    }
}

impl ImageRow {
    /// Whether its owner sees it in the task. Anyone else who knows its name sees it once it is ready.
    pub(crate) fn is_shown_to_owner(&self) -> bool {
        match self.state {
            State::Pending => self.is_ticket(),
            State::Ready | State::Rejected => true,
            State::Removed => false,
        }
    }

    /// The picture that stands for it while it is not ready.
    pub(crate) fn stand_in(&self) -> DefaultImage {
        match self.state {
            State::Pending if self.is_ticket() => DefaultImage::InPreparation,
            State::Rejected => DefaultImage::NotAvailable,
            State::Pending | State::Ready | State::Removed => DefaultImage::Missing,
        }
    }

    /// The object that is shown in this size.
    pub(crate) fn key_of(&self, size: Size) -> &str {
        self.variant(size).map_or(&self.object_key, |variant| &variant.object_key)
    }

    /// Width and height of what is shown in this size.
    pub(crate) fn sides_of(&self, size: Size) -> (Option<u32>, Option<u32>) {
        match self.variant(size) {
            Some(variant) => (Some(variant.width), Some(variant.height)),
            None => (self.width, self.height),
        }
    }

    fn variant(&self, size: Size) -> Option<&Variant> {
        self.variants.as_ref()?.get(size)
    }
}

fn read_variants(row: &Row) -> Result<Variants, Failure> {
    let stored = Reader::new("images", row);
    let variant = |size| row.get(size).and_then(|value| value.as_m().ok()).map(read_variant).transpose();
    Ok(Variants {
        thumb: variant("thumb")?,
        medium: variant("medium")?,
        placeholder: stored.get("placeholder", |value| Some(value.as_b().ok()?.as_ref().to_vec()))?,
    })
}

fn read_variant(row: &Row) -> Result<Variant, Failure> {
    let stored = Reader::new("images", row);
    Ok(Variant {
        object_key: stored.text("object_key")?.to_owned(),
        width: stored.number("width")?,
        height: stored.number("height")?,
    })
}

pub(super) fn write_variants(variants: &Variants) -> AttributeValue {
    let variant = |variant: &Variant| {
        AttributeValue::M(Row::from([
            ("object_key".to_owned(), row::text(&variant.object_key)),
            ("width".to_owned(), row::number(variant.width)),
            ("height".to_owned(), row::number(variant.height)),
        ]))
    };
    let sizes = [("thumb", &variants.thumb), ("medium", &variants.medium)];
    let mut written: Row =
        sizes.into_iter().filter_map(|(size, made)| Some((size.to_owned(), variant(made.as_ref()?)))).collect();
    written.insert("placeholder".to_owned(), row::bytes(&variants.placeholder));
    AttributeValue::M(written)
}

/// What was made of a ticket's picture.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) object_key: String,
    pub(crate) bytes: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) variants: Option<Variants>,
}

/// A user's avatar, as the pointer row names it.
#[derive(Clone, Debug)]
pub(crate) struct AvatarPointer {
    pub(crate) object_key: String,
}
