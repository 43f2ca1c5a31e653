//! What somebody has to look at. A line that has a name of these rings: one metric filter and one alarm of `template.yaml` are for all
//! of them, so that a new one costs nothing.

/// Why a line rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    Internal,
    WeChatSecret,
    IngestFailed,
    IngestBehind,
    SweepFailed,
    RemovalLate,
}

impl Attention {
    /// All of them, in the order of `docs/metrics.md`.
    pub const ALL: [Self; 6] = [
        Self::Internal,
        Self::WeChatSecret,
        Self::IngestFailed,
        Self::IngestBehind,
        Self::SweepFailed,
        Self::RemovalLate,
    ];

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Internal => ("internal", "a request was answered 500, or an event failed by a fault of ours"),
            Self::WeChatSecret => ("wechat_secret", "WeChat refused our app id or secret: nobody can sign in"),
            Self::IngestFailed => ("ingest_failed", "an object that came to the bucket was not done; it comes again"),
            Self::IngestBehind => ("ingest_behind", "an object had waited for more than 15 minutes"),
            Self::SweepFailed => ("sweep_failed", "records of the images table were not followed; they come again"),
            Self::RemovalLate => {
                ("removal_late", "the removal of an account, promised within 24 hours, takes longer than 12")
            }
        }
    }

    /// What the line says.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// What it says, for `docs/metrics.md`.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }
}
