use std::fmt;

use crate::address::MalformedAddress;
use crate::client::Unreachable;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but something is to be known; also a check that could not be made.
    Warn,
    /// A mini-program would meet trouble here.
    Fail,
}

/// One line of the report: what was checked, what was seen, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do; nothing where all is well.
    pub advice: Option<String>,
}

/// What a check comes back with: what it saw when all is well, or the trouble.
pub(crate) type Checked = Result<String, Trouble>;

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    verdict: Verdict,
    seen: String,
    advice: String,
}

impl Trouble {
    pub(crate) fn fail(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, seen: seen.into(), advice: advice.into() }
    }

    pub(crate) fn warn(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, ..Self::fail(seen, advice) }
    }

    pub(crate) fn not_checked(because: &str, advice: impl Into<String>) -> Self {
        Self::warn(format!("not checked: {because}"), advice)
    }
}

impl From<Unreachable> for Trouble {
    fn from(unreachable: Unreachable) -> Self {
        Self::fail(unreachable.to_string(), "try again; if it stays so, look at what stands before the back end")
    }
}

impl From<MalformedAddress> for Trouble {
    fn from(malformed: MalformedAddress) -> Self {
        Self::fail(malformed.to_string(), "give the address as it is in the stack's outputs")
    }
}

impl Finding {
    pub(crate) fn of(check: &'static str, checked: Checked) -> Self {
        match checked {
            Ok(seen) => Self { check, verdict: Verdict::Ok, seen, advice: None },
            Err(Trouble { verdict, seen, advice }) => Self { check, verdict, seen, advice: Some(advice) },
        }
    }
}

/// The line as it is printed, its columns aligned with those of the others.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        write!(f, "{verdict:4}  {:17}  {}", self.check, self.seen)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, " -> {advice}"))
    }
}
