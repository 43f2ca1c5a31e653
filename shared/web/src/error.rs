use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::Method;
use lambda_http::lambda_runtime::Diagnostic;
use platform::Failure;

/// Every error that a client can be answered with. The numbers of the rows are fixed, since old mini-programs
/// compare them: a new row takes one that no row of its status has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    BadRequest,
    SessionInvalid,
    CodeInvalid,
    LoginBlocked,
    TaskNotFound,
    NotFound,
    MethodNotAllowed,
    TaskFull,
    UploadIdReused,
    ImageTooLarge,
    ImageUnsupported,
    ImageInvalid,
    ImageIncomplete,
    TooManyRequests,
    WechatUnavailable,
    Busy,
    Internal,
}

/// Seconds after which a retry makes sense while something behind us is down.
const RETRY_AFTER_OUTAGE: u32 = 2;

impl ErrorCode {
    /// All rows of the table, in the order of `docs/errors.md`.
    pub const ALL: [Self; 17] = [
        Self::BadRequest,
        Self::SessionInvalid,
        Self::CodeInvalid,
        Self::LoginBlocked,
        Self::TaskNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TaskFull,
        Self::UploadIdReused,
        Self::ImageTooLarge,
        Self::ImageUnsupported,
        Self::ImageInvalid,
        Self::ImageIncomplete,
        Self::TooManyRequests,
        Self::WechatUnavailable,
        Self::Busy,
        Self::Internal,
    ];

    /// Status, number within that status, name for programs, text for the user.
    const fn row(self) -> (u16, u32, &'static str, &'static str) {
        match self {
            Self::BadRequest => (400, 1, "bad_request", "请求格式错误"),
            Self::SessionInvalid => (401, 1, "session_invalid", "没有建立会话或者会话信息出错"),
            Self::CodeInvalid => (401, 2, "code_invalid", "登录凭证无效，请重新登录"),
            Self::LoginBlocked => (403, 1, "login_blocked", "登录被微信拦截"),
            Self::TaskNotFound => (404, 1, "task_not_found", "任务id错误，无该任务"),
            Self::NotFound => (404, 2, "not_found", "资源不存在"),
            Self::MethodNotAllowed => (405, 1, "method_not_allowed", "请求方法不支持"),
            Self::TaskFull => (409, 1, "task_full", "任务图片数量已达上限"),
            Self::UploadIdReused => (409, 2, "upload_id_reused", "upload_id已用于其他图片"),
            Self::ImageTooLarge => (413, 1, "image_too_large", "图片太大"),
            Self::ImageUnsupported => (415, 1, "image_unsupported", "不支持的图片格式"),
            Self::ImageInvalid => (422, 1, "image_invalid", "无法识别的图片"),
            Self::ImageIncomplete => (422, 4, "image_incomplete", "图片不完整，请重新选择"),
            Self::TooManyRequests => (429, 1, "too_many_requests", "请求过于频繁"),
            Self::WechatUnavailable => (503, 1, "wechat_unavailable", "微信服务暂时不可用"),
            Self::Busy => (503, 2, "busy", "系统繁忙，请稍后再试"),
            Self::Internal => (500, 1, "internal", "系统错误"),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The number that old mini-programs compare: status × 100 + the row's number within its status.
    pub const fn errcode(self) -> u32 {
        self.row().0 as u32 * 100 + self.row().1
    }

    /// The name that programs compare.
    pub const fn name(self) -> &'static str {
        self.row().2
    }

    /// The text that may be shown to the user.
    pub const fn text(self) -> &'static str {
        self.row().3
    }

    /// Seconds until a retry makes sense, where one does whatever the cause.
    pub const fn retry_after(self) -> Option<u32> {
        match self.status() {
            503 => Some(RETRY_AFTER_OUTAGE),
            _ => None,
        }
    }
}

/// A refused or failed request: the code goes to the phone, the cause goes to the log and nowhere else.
#[derive(Debug)]
pub struct ApiError {
    pub(crate) code: ErrorCode,
    pub(crate) text: &'static str,
    pub(crate) retry_after: Option<u32>,
    pub(crate) allow: Option<String>,
    pub(crate) detail: Option<Cow<'static, str>>,
    pub(crate) cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// 400 with one English sentence for developers, which goes to the client as `detail` and to the log. It says what a
    /// request must be and never repeats what was sent: that may be a secret.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..ErrorCode::BadRequest.into() }
    }

    /// The cause that is logged and never answered.
    #[must_use]
    pub fn because(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// Another text for the user, where one code has several.
    #[must_use]
    pub fn saying(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// Another time to wait, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The cause as it is logged; of a 400 without another one, its detail.
    pub(crate) fn logged_cause(&self) -> Option<String> {
        let cause = self.cause.as_ref().map(ToString::to_string);
        cause.or_else(|| self.detail.as_deref().map(str::to_owned))
    }

    /// 405 with its `Allow` header; HEAD comes with GET.
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let names: Vec<_> = allowed
            .iter()
            .flat_map(|method| if method == Method::GET { vec!["GET", "HEAD"] } else { vec![method.as_str()] })
            .collect();
        let error = Self { allow: Some(names.join(", ")), ..ErrorCode::MethodNotAllowed.into() };
        if allowed == [Method::POST] { error.saying("没有使用POST请求") } else { error }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { code, text: code.text(), retry_after: code.retry_after(), allow: None, detail: None, cause: None }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let code = if failure.is_retryable() { ErrorCode::Busy } else { ErrorCode::Internal };
        Self::from(code).because(failure)
    }
}

impl From<ApiError> for Diagnostic {
    /// How a function fails that is not called over HTTP: with the code, and without the cause, which is the log's.
    fn from(error: ApiError) -> Self {
        Self { error_type: error.code.name().to_owned(), error_message: error.text.to_owned() }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        match self.logged_cause() {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_name_and_number() {
        for (at, one) in ErrorCode::ALL.into_iter().enumerate() {
            for other in ErrorCode::ALL.into_iter().skip(at + 1) {
                assert_ne!(one.name(), other.name());
                assert_ne!(one.errcode(), other.errcode());
            }
        }
    }

    #[test]
    fn the_numbers_are_the_contracts() {
        let numbers = [
            ErrorCode::SessionInvalid,
            ErrorCode::CodeInvalid,
            ErrorCode::TaskNotFound,
            ErrorCode::ImageInvalid,
            ErrorCode::ImageIncomplete,
            ErrorCode::Busy,
        ];
        assert_eq!(numbers.map(ErrorCode::errcode), [40101, 40102, 40401, 42201, 42204, 50302]);
    }

    #[test]
    fn a_route_that_only_takes_post_says_so_in_the_words_of_the_old_back_end() {
        let post = ApiError::method_not_allowed(&[Method::POST]);
        let several = ApiError::method_not_allowed(&[Method::GET, Method::POST]);

        assert_eq!((post.text, post.allow.as_deref()), ("没有使用POST请求", Some("POST")));
        assert_eq!((several.text, several.allow.as_deref()), ("请求方法不支持", Some("GET, HEAD, POST")));
    }
}
