use std::fmt;

const MAX_CHARACTERS: usize = 512;

/// What `wx.login` gave the mini-program: good once, for five minutes. It cannot be copied, so it cannot be sent twice.
pub struct Code(String);

/// A text that no code looks like.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a code has 1 to {MAX_CHARACTERS} visible ASCII characters")]
pub struct MalformedCode;

impl Code {
    /// Takes 1 to 512 visible ASCII characters. What they mean is WeChat's to say.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: String) -> Result<Self, MalformedCode> {
        let is_code = (1..=MAX_CHARACTERS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_code { Ok(Self(text)) } else { Err(MalformedCode) }
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_visible_ascii_of_bounded_length() {
        for text in ["0", "dev-alice-1", "a&secret=b#%00", &"c".repeat(512)] {
            assert!(Code::parse(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", " ", "a b", "a\n", "a\0", "\u{7f}", "码", &"c".repeat(513)] {
            assert_eq!(Code::parse(text.to_owned()).unwrap_err(), MalformedCode, "{text:?}");
        }
    }

    #[test]
    fn a_code_cannot_be_printed() {
        assert_eq!(format!("{:?}", Code::parse("dev-alice-1".to_owned()).unwrap()), "Code(…)");
    }
}
