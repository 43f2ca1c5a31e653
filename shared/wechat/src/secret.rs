use platform::Failure;
use platform::secret::{Secret, SecretLocation};
use tokio::sync::Mutex;

/// The app secret as Secrets Manager has it, read once and kept. The lock is held while it is read: logins that come
/// meanwhile wait for the same answer.
pub(crate) struct AppSecret {
    location: SecretLocation,
    app_id: String,
    current: Mutex<Option<Secret>>,
}

impl AppSecret {
    pub(crate) fn new(location: SecretLocation, app_id: String) -> Self {
        Self { location, app_id, current: Mutex::new(None) }
    }

    /// The kept secret, or else the one that Secrets Manager gives now.
    pub(crate) async fn get(&self) -> Result<Secret, Failure> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(secret) => Ok(secret.clone()),
            None => Ok(current.insert(self.location.read_of(&self.app_id).await?).clone()),
        }
    }

    /// Reads the secret anew, unless another login has done so since `refused` was got. While that fails there is none:
    /// the next login reads it before it sends its code.
    pub(crate) async fn renew(&self, refused: &Secret) {
        let mut current = self.current.lock().await;
        if current.as_ref() == Some(refused) {
            *current = None;
            *current = self.location.read_of(&self.app_id).await.ok();
        }
    }
}
