/// What a row says of its image. The state alone decides what exists. It is seen in `rows` only: everybody else asks the row, so
/// that no `match` elsewhere can forget a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Being uploaded, or given up on.
    Pending,
    /// Shown.
    Ready,
    /// Refused after it was uploaded, for the row's reason.
    Rejected,
    /// Deleted: a tombstone, so that its upload id does not come back.
    Removed,
    /// Written by a newer version. Nobody is shown the image, and nothing of it is changed or deleted.
    Unknown,
}

impl State {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "pending" => Self::Pending,
            "ready" => Self::Ready,
            "rejected" => Self::Rejected,
            "removed" => Self::Removed,
            _ => Self::Unknown,
        }
    }

    /// As it is stored. No row has the unknown state's: a write that expects it is refused.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
            Self::Removed => "removed",
            Self::Unknown => "",
        }
    }
}

/// Whether a row in this stored state is shown to anybody who knows its name.
pub(crate) fn is_shown(state: &str) -> bool {
    match State::parse(state) {
        State::Ready => true,
        State::Pending | State::Rejected | State::Removed | State::Unknown => false,
    }
}

/// What the change of a row asks of the objects of its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectsAfterChange {
    Stay,
    Go,
    /// A newer version knows.
    Unknown,
}

impl ObjectsAfterChange {
    /// By the stored state of the row after the change.
    pub(crate) fn of(state: &str) -> Self {
        match State::parse(state) {
            State::Pending | State::Ready | State::Rejected => Self::Stay,
            State::Removed => Self::Go,
            State::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_is_written_and_any_other_is_unknown() {
        for state in [State::Pending, State::Ready, State::Rejected, State::Removed] {
            assert_eq!(State::parse(state.name()), state);
        }
        for newer in ["", "reviewing", "hidden", "unknown", "Ready", "ready "] {
            assert_eq!(State::parse(newer), State::Unknown, "{newer:?}");
        }
        assert_eq!(State::Unknown.name(), "");
    }

    #[test]
    fn the_change_to_a_tombstone_alone_ends_objects() {
        let after = |state| ObjectsAfterChange::of(state);
        assert_eq!(["pending", "ready", "rejected"].map(after), [ObjectsAfterChange::Stay; 3]);
        assert_eq!(after("removed"), ObjectsAfterChange::Go);
        assert_eq!(["reviewing", "hidden", ""].map(after), [ObjectsAfterChange::Unknown; 3]);
    }
}
