//! Secrets, which are in Secrets Manager and nowhere else.

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret("s3cret".into())), "Secret(…)");
    }
}
