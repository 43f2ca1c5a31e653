#![doc = include_str!("../README.md")]

mod code;
mod code2session;
mod config;
mod error;
mod exchange;
mod openid;
mod refusal;
mod secret;
#[cfg(test)]
mod tests;

pub use code::{Code, MalformedCode};
pub use config::Config;
pub use error::{Fault, Refusal, Rid, WeChatError};
pub use openid::OpenId;

use exchange::Exchange;
use platform::Attention;
use platform::aws::Aws;
use platform::invocation;
use platform::metrics::{self, Metric};
use platform::secret::{Secret, SecretLocation};
use secret::AppSecret;
use tokio::time::Instant;

/// WeChat, as one mini-program sees it.
pub struct WeChat {
    app_id: String,
    secret: AppSecret,
    exchange: Exchange,
}

impl WeChat {
    /// Prepares the two ways out: to Secrets Manager and to WeChat. Opens no connection.
    pub fn new(config: Config, aws: &Aws) -> Self {
        let location = SecretLocation::new(aws.secretsmanager(), config.secret_arn);
        Self {
            secret: AppSecret::new(location, config.app_id.clone()),
            app_id: config.app_id,
            exchange: Exchange::new(aws.http(), &config.api_base, aws.patience().exchange),
        }
    }

    /// The mini-program that openids belong to.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Reads the app secret before it is needed. A failure is ignored: the first login tries again.
    pub async fn warm(&self) {
        let _ = self.secret.get().await;
    }

    /// Exchanges a code for the openid of the user it was made for.
    ///
    /// # Errors
    /// See [`WeChatError`]. Only after [`WeChatError::NoSecret`] is the code certain to be unused.
    pub async fn openid(&self, code: Code) -> Result<OpenId, WeChatError> {
        let secret = self.secret.get().await.map_err(WeChatError::NoSecret)?;
        let started = Instant::now();
        let openid = self.exchange(code, &secret).await;
        metrics::add_time(Metric::WeChatDuration, started.elapsed());
        match &openid {
            Err(WeChatError::SecretRefused(refusal)) => {
                let rid = refusal.rid.as_ref().map(tracing::field::display);
                tracing::error!(wechat.errcode = refusal.errcode, wechat.rid = rid, "wechat refuses app id or secret");
                invocation::note_attention(Attention::WeChatSecret);
                metrics::count(Metric::WeChatSecretRefused);
                self.secret.renew(&secret).await;
            }
            Err(WeChatError::Unavailable(_) | WeChatError::Busy(_)) => metrics::count(Metric::WeChatFailures),
            _ => {}
        }
        openid
    }

    async fn exchange(&self, code: Code, secret: &Secret) -> Result<OpenId, WeChatError> {
        let target = code2session::target(&self.app_id, secret.expose(), &code.into_text());
        code2session::read(&self.exchange.get(&target).await?)
    }
}
