use web::{ApiError, ErrorCode};
use wechat::WeChatError;

/// WeChat counts exchanges by the minute.
const WECHAT_QUOTA_SECONDS: u32 = 60;

/// What the client is answered when the exchange of its code failed.
pub(crate) fn of(error: WeChatError) -> ApiError {
    let refusal = match &error {
        WeChatError::CodeInvalid(_) => ErrorCode::CodeInvalid.into(),
        WeChatError::Blocked(_) => ErrorCode::LoginBlocked.into(),
        WeChatError::Busy(_) => ApiError::from(ErrorCode::Busy).retry_after(WECHAT_QUOTA_SECONDS),
        WeChatError::NoSecret(_) => ErrorCode::Busy.into(),
        WeChatError::SecretRefused(_) | WeChatError::Unavailable(_) => ErrorCode::WechatUnavailable.into(),
    };
    refusal.because(error)
}
