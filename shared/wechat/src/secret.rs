use std::fmt;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use platform::Failure;
use tokio::sync::Mutex;

const OPERATION: &str = "SecretsManager.GetSecretValue";

/// The app secret. It goes into one URL and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AppSecret(Arc<str>);

impl AppSecret {
    /// The secret itself, for the URL.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(…)")
    }
}

/// The app secret as Secrets Manager has it, read once and kept. The lock is held while it is read: logins that come
/// meanwhile wait for the same answer.
pub(crate) struct SecretStore {
    client: Client,
    arn: String,
    current: Mutex<Option<AppSecret>>,
}

impl SecretStore {
    pub(crate) fn new(client: Client, arn: String) -> Self {
        Self { client, arn, current: Mutex::new(None) }
    }

    /// The kept secret, or else the one that Secrets Manager gives now.
    pub(crate) async fn get(&self) -> Result<AppSecret, Failure> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(secret) => Ok(secret.clone()),
            None => Ok(current.insert(self.read().await?).clone()),
        }
    }

    /// Reads the secret anew, unless another login has done so since `refused` was got. While that fails there is none:
    /// the next login reads it before it sends its code.
    pub(crate) async fn renew(&self, refused: &AppSecret) {
        let mut current = self.current.lock().await;
        if current.as_ref() == Some(refused) {
            *current = None;
            *current = self.read().await.ok();
        }
    }

    async fn read(&self) -> Result<AppSecret, Failure> {
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
            Some(text) => Ok(AppSecret(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", AppSecret("s3cret".into())), "AppSecret(…)");
    }
}
