use crate::{Cleaned, Limits, Refused};
pub(crate) fn clean(_bytes: &[u8], _limits: &Limits) -> Result<Cleaned, Refused> {
    Err(Refused::Unsupported)
}
