//! Whether somebody with keys has allowed exactly this form.

use hmac::{Hmac, KeyInit as _, Mac as _};
use s3s::dto::Timestamp;
use s3s::post_policy::{PostPolicy, PostPolicyCondition};
use s3s::{S3Result, s3_error};
use sha2::Sha256;

use super::super::store::hex;
use super::form::Form;
use crate::{AccessKey, REGION};

/// What a form may have without a condition for it.
const WITHOUT_CONDITION: [&str; 2] = ["policy", "x-amz-signature"];
const IGNORED: &str = "x-ignore-";

/// Judges signature, expiration, conditions and size, in this order.
///
/// # Errors
/// As S3's: 403 for what is not, or no longer, allowed; 400 for what cannot be understood and for files of other sizes.
pub(super) fn judge(form: &Form, bucket: &str, access_key: &AccessKey, came: Timestamp) -> S3Result<()> {
    if form.field("policy").is_none() && form.field("x-amz-signature").is_none() {
        return Err(s3_error!(AccessDenied, "Access Denied"));
    }
    form.key()?;
    let encoded = form.required("policy")?;
    judge_signature(form, encoded, access_key)?;
    let policy = PostPolicy::from_base64(encoded)
        .map_err(|error| s3_error!(InvalidPolicyDocument, "Invalid Policy: {error}"))?;
    if policy.expiration < came {
        return Err(s3_error!(AccessDenied, "Invalid according to Policy: Policy expired."));
    }
    let fields = Fields { form, bucket };
    policy.conditions.iter().try_for_each(|condition| fields.judge(condition))?;
    fields.judge_extra(&policy.conditions)?;
    policy.conditions.iter().try_for_each(|condition| judge_size(condition, form.file.len() as u64))
}

/// The policy is signed as it is sent, in base64.
fn judge_signature(form: &Form, policy: &str, access_key: &AccessKey) -> S3Result<()> {
    let signature = form.required("x-amz-signature")?;
    if form.required("x-amz-algorithm")? != "AWS4-HMAC-SHA256" {
        return Err(s3_error!(InvalidArgument, "x-amz-algorithm only supports \"AWS4-HMAC-SHA256\""));
    }
    let date = form.required("x-amz-date")?;
    let scope: Vec<_> = form.required("x-amz-credential")?.split('/').collect();
    let [id, day, region, "s3", "aws4_request"] = scope[..] else {
        return Err(s3_error!(InvalidArgument, "The credential is not of the form id/date/region/s3/aws4_request"));
    };
    if day.len() != 8 || date.split_once('T').is_none_or(|(of_date, _)| of_date != day) {
        return Err(s3_error!(InvalidArgument, "The credential's date is not that of x-amz-date"));
    }
    if region != REGION {
        let message = format!("the region '{region}' is wrong; expecting '{REGION}'");
        return Err(s3_error!(AuthorizationHeaderMalformed, "{message}"));
    }
    if id != access_key.id {
        return Err(s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."));
    }
    let first = format!("AWS4{}", access_key.secret).into_bytes();
    let key = [day, region, "s3", "aws4_request"].iter().fold(first, |key, part| hmac(&key, part));
    if hex(&hmac(&key, policy)) == signature {
        Ok(())
    } else {
        Err(s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided."
        ))
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// What conditions speak of.
struct Fields<'a> {
    form: &'a Form,
    bucket: &'a str,
}

impl Fields<'_> {
    /// A form need not repeat the bucket that it is sent to.
    fn value(&self, field: &str) -> &str {
        if field == "bucket" { self.bucket } else { self.form.field(field).unwrap_or_default() }
    }

    fn judge(&self, condition: &PostPolicyCondition) -> S3Result<()> {
        let (met, condition) = match condition {
            PostPolicyCondition::Eq { field, value } => {
                (self.value(field) == value, format!("[\"eq\", \"${field}\", \"{value}\"]"))
            }
            PostPolicyCondition::StartsWith { field, prefix } => {
                let value = self.value(field);
                // Several types in one field would else pass by the first.
                let mut values = value.split(|character| character == ',' && field == "content-type");
                (values.all(|one| one.starts_with(prefix)), format!("[\"starts-with\", \"${field}\", \"{prefix}\"]"))
            }
            PostPolicyCondition::ContentLengthRange { .. } => return Ok(()),
        };
        if met {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "Invalid according to Policy: Policy Condition failed: {condition}"))
    }

    fn judge_extra(&self, conditions: &[PostPolicyCondition]) -> S3Result<()> {
        let names = self.form.fields().map(|(name, _)| name);
        let mut named = names.filter(|name| !WITHOUT_CONDITION.contains(name) && !name.starts_with(IGNORED));
        match named.find(|name| !conditions.iter().any(|condition| field_of(condition) == Some(*name))) {
            None => Ok(()),
            Some(extra) => Err(s3_error!(AccessDenied, "Invalid according to Policy: Extra input fields: {extra}")),
        }
    }
}

fn field_of(condition: &PostPolicyCondition) -> Option<&str> {
    match condition {
        PostPolicyCondition::Eq { field, .. } | PostPolicyCondition::StartsWith { field, .. } => Some(field),
        PostPolicyCondition::ContentLengthRange { .. } => None,
    }
}

fn judge_size(condition: &PostPolicyCondition, bytes: u64) -> S3Result<()> {
    match *condition {
        PostPolicyCondition::ContentLengthRange { max, .. } if bytes > max => {
            Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"))
        }
        PostPolicyCondition::ContentLengthRange { min, .. } if bytes < min => {
            Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"))
        }
        _ => Ok(()),
    }
}
