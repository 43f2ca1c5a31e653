use web::{ApiError, ErrorCode};

use crate::error::WeChatError;

/// WeChat counts exchanges by the minute.
const QUOTA_SECONDS: u32 = 60;

impl From<WeChatError> for ApiError {
    fn from(error: WeChatError) -> Self {
        let refusal = match &error {
            WeChatError::CodeInvalid(_) => ErrorCode::CodeInvalid.into(),
            WeChatError::Blocked(_) => ErrorCode::LoginBlocked.into(),
            WeChatError::Busy(_) => Self::from(ErrorCode::Busy).retry_after(QUOTA_SECONDS),
            WeChatError::NoSecret(_) => ErrorCode::Busy.into(),
            WeChatError::SecretRefused(_) | WeChatError::Unavailable(_) => ErrorCode::WechatUnavailable.into(),
        };
        refusal.because(error)
    }
}
