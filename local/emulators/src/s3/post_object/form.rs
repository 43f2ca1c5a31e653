use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream;
use multer::{Field, Multipart};
use s3s::{S3Result, s3_error};

/// What the fields before the file may have together (bytes).
const MAX_FIELDS_BYTES: usize = 20 * 1024;

/// A form: what stands before its file, and the file.
pub(super) struct Form {
    /// By names in lower case, as S3 compares them.
    fields: BTreeMap<String, String>,
    pub(super) file: Bytes,
}

impl Form {
    /// Reads as far as the file; S3 ignores what follows it.
    ///
    /// # Errors
    /// Where the body is no well-formed `multipart/form-data`, has no file, or has a field twice.
    pub(super) async fn read(content_type: &str, body: Bytes) -> S3Result<Self> {
        let boundary = multer::parse_boundary(content_type).map_err(|_| {
            s3_error!(PreconditionFailed, "Bucket POST must be of the enclosure-type multipart/form-data")
        })?;
        let whole = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let mut parts = Multipart::new(whole, boundary);
        let mut fields = BTreeMap::new();
        let mut length = 0;
        while let Some(part) = parts.next_field().await.map_err(malformed)? {
            let name = part.name().unwrap_or_default().to_ascii_lowercase();
            if name == "file" {
                return Self::with_file(fields, part).await;
            }
            let value = part.bytes().await.map_err(malformed)?;
            length += name.len() + value.len();
            if length > MAX_FIELDS_BYTES {
                return Err(s3_error!(
                    MaxPostPreDataLengthExceededError,
                    "Your POST request fields preceding the upload file were too large."
                ));
            }
            let value = String::from_utf8(value.into()).map_err(|_| s3_error!(MalformedPOSTRequest))?;
            // S3's manual does not say which of two counts, so nobody may rely on either.
            if fields.insert(name.clone(), value).is_some() {
                return Err(s3_error!(InvalidArgument, "The field {name} is there twice"));
            }
        }
        Err(s3_error!(InvalidArgument, "POST requires exactly one file upload per request."))
    }

    async fn with_file(mut fields: BTreeMap<String, String>, file: Field<'_>) -> S3Result<Self> {
        let name = file.file_name().unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        // Before the policy is looked at, which is judged by what comes out.
        fields.values_mut().for_each(|value| *value = value.replace("${filename}", &name));
        Ok(Self { fields, file: file.bytes().await.map_err(malformed)? })
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field by its name in lower case.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// # Errors
    /// Where there is none: the text is S3's, which names the usual reason.
    pub(super) fn required(&self, name: &str) -> S3Result<&str> {
        self.field(name).ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "Bucket POST must contain a field named '{name}'. If it is specified, please check the order of the fields."
            )
        })
    }

    /// # Errors
    /// Where there is none, or an empty one, or one of more than the 1024 bytes that S3 takes.
    pub(super) fn key(&self) -> S3Result<&str> {
        match self.required("key")? {
            "" => Err(s3_error!(InvalidArgument, "User key must have a length greater than 0.")),
            key if key.len() > 1024 => Err(s3_error!(KeyTooLongError, "Your key is too long")),
            key => Ok(key),
        }
    }
}

fn malformed(_: multer::Error) -> s3s::S3Error {
    s3_error!(MalformedPOSTRequest, "The body of your POST request is not well-formed multipart/form-data.")
}
