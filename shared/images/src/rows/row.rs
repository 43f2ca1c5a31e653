use aws_sdk_dynamodb::types::AttributeValue;
use imaging::Format;
use jiff::Timestamp;
use platform::Failure;
use platform::row::{self, Reader, Row};
use session::{Caller, UserId};
use web::IdempotencyKey;

use crate::rows::keys::{INCOMING, Object, Upload};
use crate::rows::lives::ROW_LIFE;
use crate::rows::name::{Attempt, ImageName, Stem, Target};
use crate::rows::reason::Reason;
use crate::rows::state::State;
use crate::rows::variant::{Size, Variant, Variants};

/// One row of the images table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageRow {
    pub(crate) name: ImageName,
    pub(super) state: State,
    pub(crate) owner_id: UserId,
    pub(crate) target: Target,
    /// What one upload id stands for: SHA-256 of the bytes as received; of a ticket, what was announced.
    pub(crate) content_hash: String,
    pub(crate) attempt: Attempt,
    pub(crate) object_key: String,
    pub(crate) bytes: Option<u64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// Nothing until they were made.
    pub(crate) variants: Option<Variants>,
    /// Why it was refused, where the state is `rejected`.
    pub(crate) reason: Option<Reason>,
    pub(crate) touched_at: Timestamp,
}

/// What an upload is known by before its bytes are stored.
pub(crate) struct Begun<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) target: Target,
    pub(crate) upload_id: Option<&'a IdempotencyKey>,
    pub(crate) format: Format,
    pub(crate) content_hash: String,
}

impl ImageRow {
    /// The row of an upload that begins now, under an attempt of its own. `object_of` says what its bytes become first.
    pub(crate) fn begin(begun: Begun<'_>, object_of: impl Fn(Upload, Format) -> Object, now: Timestamp) -> Self {
        let Begun { caller, target, upload_id, format, content_hash } = begun;
        let name = ImageName { stem: Stem::of(&caller.user_seed, &target, upload_id), format };
        let attempt = Attempt::random();
        let upload = Upload { stem: name.stem.clone(), attempt: attempt.clone() };
        Self {
            object_key: object_of(upload, format).key(),
            name,
            state: State::Pending,
            owner_id: caller.user_id.clone(),
            target,
            content_hash,
            attempt,
            bytes: None,
            width: None,
            height: None,
            variants: None,
            reason: None,
            touched_at: now,
        }
    }

    /// The row as it is once it was made ready.
    pub(crate) fn into_ready(self) -> Self {
        Self { state: State::Ready, ..self }
    }

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
            state: stored.text("state").map(State::parse)?,
            owner_id: stored.get("owner_id", |value| UserId::parse(value.as_s().ok()?))?,
            target: stored.get("target", |value| Target::parse(value.as_s().ok()?))?,
            content_hash: stored.text("content_hash")?.to_owned(),
            attempt: Attempt::stored(stored.text("attempt")?),
            object_key: stored.text("object_key")?.to_owned(),
            bytes: number("bytes")?,
            width: narrow(number("width")?),
            height: narrow(number("height")?),
            variants: row.get("variants").and_then(|value| value.as_m().ok()).map(read_variants).transpose()?,
            reason: row.get("reason").and_then(|value| Reason::parse(value.as_s().ok()?)),
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

/// What was made of a direct upload.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) object_key: String,
    pub(crate) bytes: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) variants: Option<Variants>,
}

/// A user's avatar, as the pointer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AvatarPointer {
    pub(crate) object_key: String,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::rows) const OWNER: &str = "5e550000-0000-4000-8000-00000000a11c";

    pub(in crate::rows) fn attempt(n: u32) -> Attempt {
        Attempt::parse(&format!("5eed000000004000800000000000{n:04x}")).unwrap()
    }

    /// A row in this state under the n-th attempt, last touched when time began.
    pub(in crate::rows) fn row(state: State, n: u32) -> ImageRow {
        let name = ImageName::parse("5eed0000000040008000000000000001.jpg").unwrap();
        let upload = Upload { stem: name.stem.clone(), attempt: attempt(n) };
        ImageRow {
            object_key: Object::Original(upload.folder(), name.format).key(),
            name,
            state,
            owner_id: UserId::parse(OWNER).unwrap(),
            target: Target::Avatar,
            content_hash: "of the bytes".to_owned(),
            attempt: attempt(n),
            bytes: Some(1),
            width: Some(1),
            height: Some(1),
            variants: None,
            reason: None,
            touched_at: Timestamp::UNIX_EPOCH,
        }
    }

    impl ImageRow {
        pub(in crate::rows) fn into_ticket(self) -> Self {
            Self { object_key: format!("{INCOMING}{}", self.object_key), ..self }
        }
    }

    #[test]
    fn a_row_is_read_as_it_is_written_and_a_newer_versions_state_is_no_fault() {
        let written = row(State::Pending, 1);
        let mut stored = written.write();
        assert_eq!(ImageRow::read(&stored), Ok(written));

        stored.insert("state".to_owned(), row::text("reviewing"));
        assert_eq!(ImageRow::read(&stored).unwrap().state, State::Unknown);

        stored.remove("state");
        assert!(ImageRow::read(&stored).is_err(), "a row without a state is none of any version");
    }
}
