//! The one place where the errors of this crate become answers.

use imaging::Refused;
use web::{ApiError, ErrorCode};

use crate::error::ImageError;
use crate::rows::reason::Reason;

impl From<ImageError> for ApiError {
    fn from(error: ImageError) -> Self {
        let code = match error {
            ImageError::Content(refusal) => return of_content(refusal),
            ImageError::Failure(failure) => return failure.into(),
            ImageError::TaskNotFound => ErrorCode::TaskNotFound,
            ImageError::NotFound => ErrorCode::NotFound,
            ImageError::TaskFull => ErrorCode::TaskFull,
            ImageError::UploadIdReused => ErrorCode::UploadIdReused,
            ImageError::MalformedTitle | ImageError::MalformedCursor => return Self::bad_request(error.to_string()),
            ImageError::Unconfirmed(_) | ImageError::UnknownState => ErrorCode::Busy,
            ImageError::Broken(_) => ErrorCode::Internal,
        };
        Self::from(code).because(error)
    }
}

fn of_content(refusal: Refused) -> ApiError {
    let error = ApiError::from(code_of(Reason::of(&refusal)));
    // Phones make such images, and their users can choose another format.
    let error =
        if refusal == Refused::Heic { error.saying("不支持HEIC图片，请选择压缩图或JPEG") } else { error };
    error.because(refusal)
}

const fn code_of(reason: Reason) -> ErrorCode {
    match reason {
        Reason::TooLarge => ErrorCode::ImageTooLarge,
        Reason::Unsupported => ErrorCode::ImageUnsupported,
        Reason::Incomplete => ErrorCode::ImageIncomplete,
        Reason::Invalid => ErrorCode::ImageInvalid,
        Reason::TaskFull => ErrorCode::TaskFull,
        Reason::TaskNotFound => ErrorCode::TaskNotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_reason_has_the_name_of_an_error_code() {
        for reason in Reason::ALL {
            assert_eq!(reason.name(), code_of(reason).name());
        }
    }
}
