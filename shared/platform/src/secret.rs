//! Secrets, which are in Secrets Manager and nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;

use crate::Failure;

const OPERATION: &str = "SecretsManager.GetSecretValue";

/// The text of a secret. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is meant for `name`: the text itself, or that member of it where it is a JSON object of texts.
    fn of(&self, name: &str) -> Option<Self> {
        if !self.0.starts_with('{') {
            return Some(self.clone());
        }
        let mut texts: BTreeMap<String, String> = serde_json::from_str(&self.0).ok()?;
        texts.remove(name).filter(|text| !text.is_empty()).map(|text| Self(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret lies. Keeps nothing of it.
#[derive(Clone, Debug)]
pub struct SecretLocation {
    client: Client,
    arn: String,
}

impl SecretLocation {
    /// The secret with this ARN.
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Reads the secret as it is now, without the white space around it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], also where the secret has no text.
    pub async fn read(&self) -> Result<Secret, Failure> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.arn)
            .send()
            .await
            .map_err(|error| Failure::of(OPERATION, &error))?;
        // Secrets that are pasted into a console or piped from a file often end with a line feed.
        match answer.secret_string().map(str::trim) {
            None | Some("") => Err(Failure::unavailable(OPERATION, "no text in the secret")),
            Some(text) => Ok(Secret(text.into())),
        }
    }

    /// Reads what the secret has for `name`: all of it, or that member where it is a JSON object of texts.
    ///
    /// # Errors
    /// As [`read`](Self::read), also where such an object lacks the name.
    pub async fn read_of(&self, name: &str) -> Result<Secret, Failure> {
        let secret = self.read().await?;
        secret.of(name).ok_or_else(|| Failure::unavailable(OPERATION, "no text of that name in the secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_text_or_one_for_each_name() {
        let of = |text: &str| Secret(text.into()).of("wx1").map(|secret| secret.expose().to_owned());

        assert_eq!(of("s3cret"), Some("s3cret".to_owned()));
        assert_eq!(of(r#"{"wx0": "other", "wx1": "s3cret"}"#), Some("s3cret".to_owned()));
        for none in [r#"{"wx0": "other"}"#, r#"{"wx1": ""}"#, r#"{"wx1": 1}"#, r#"{"wx1": "s3cret""#] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret("s3cret".into())), "Secret(…)");
    }
}
