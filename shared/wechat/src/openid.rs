use std::fmt;

const MAX_CHARACTERS: usize = 128;

/// Who somebody is at WeChat, for one mini-program. It never leaves the back end.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenId(String);

impl OpenId {
    /// WeChat's openids have 28 characters today; what is empty, huge or no visible ASCII is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_openid = (1..=MAX_CHARACTERS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_openid.then(|| Self(text.to_owned()))
    }

    /// The openid itself, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenId(…)")
    }
}
