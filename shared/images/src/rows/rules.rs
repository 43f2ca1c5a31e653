//! What may be done with a row: every question whose answer depends on its state. Deleting needs a state that says so; a state
//! of a newer version never does.

use jiff::Timestamp;

use crate::rows::lives::{ABANDONED, FORM_LIFE};
use crate::rows::name::Attempt;
use crate::rows::row::ImageRow;
use crate::rows::state::State;

/// What an upload can do that finds a row under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is this upload's own row.
    Own,
    /// An earlier upload of the same content did not finish: this one can.
    Unfinished,
    /// An earlier upload of the same content has ended: its image is the answer.
    Finished,
    /// The name stands for other content.
    OtherContent,
    /// The image was deleted, whatever bytes come now.
    Deleted,
    /// A newer version knows.
    Unknown,
}

/// What is to become of objects, by the row that could lead to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The row leads to them.
    Kept,
    /// The upload that put them may still finish.
    Undecided,
    /// No row leads to them, nor ever will: an attempt is never used twice.
    Unwanted,
    /// A newer version knows.
    Unknown,
}

/// What the owner's DELETE does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The row becomes a tombstone.
    Due,
    /// It is one.
    Done,
    /// The image was never shown to its owner.
    NotFound,
    /// A newer version knows.
    Unknown,
}

impl ImageRow {
    /// What `draft` can do where this row has its name. The order counts: a deleted upload stays deleted whatever bytes come,
    /// and its own row is never in an upload's way.
    pub(crate) fn taken_from(&self, draft: &Self) -> Taken {
        match self.state {
            State::Unknown => Taken::Unknown,
            State::Pending | State::Ready | State::Rejected | State::Removed if self.attempt == draft.attempt => {
                Taken::Own
            }
            State::Removed => Taken::Deleted,
            State::Pending | State::Ready | State::Rejected if self.content_hash != draft.content_hash => {
                Taken::OtherContent
            }
            State::Pending => Taken::Unfinished,
            State::Ready | State::Rejected => Taken::Finished,
        }
    }

    /// What becomes of what `attempt` put below `prefix`, by the row as it is found now.
    pub(crate) fn fate_of(found: Option<&Self>, attempt: &Attempt, prefix: &str) -> Fate {
        let Some(row) = found else {
            return Fate::Unwanted;
        };
        match row.state {
            State::Unknown => Fate::Unknown,
            State::Pending | State::Ready | State::Rejected if row.attempt != *attempt => Fate::Unwanted,
            State::Pending => Fate::Undecided,
            State::Ready | State::Rejected if row.object_key.starts_with(prefix) => Fate::Kept,
            State::Ready | State::Rejected | State::Removed => Fate::Unwanted,
        }
    }

    /// What the owner's DELETE does to it.
    pub(crate) fn deletion(&self) -> Deletion {
        match self.state {
            State::Pending if !self.is_ticket() => Deletion::NotFound,
            State::Pending | State::Ready | State::Rejected => Deletion::Due,
            State::Removed => Deletion::Done,
            State::Unknown => Deletion::Unknown,
        }
    }

    /// Whether an upload may still be at work on it.
    pub(crate) fn is_pending(&self) -> bool {
        match self.state {
            State::Pending => true,
            State::Ready | State::Rejected | State::Removed | State::Unknown => false,
        }
    }

    /// Whether a newer version knows what it is.
    pub(crate) fn is_unknown(&self) -> bool {
        match self.state {
            State::Unknown => true,
            State::Pending | State::Ready | State::Rejected | State::Removed => false,
        }
    }

    /// Whether its original, under this key, is to get variants.
    pub(crate) fn lacks_variants(&self, original: &str) -> bool {
        match self.state {
            State::Ready => self.variants.is_none() && self.object_key == original,
            State::Pending | State::Rejected | State::Removed | State::Unknown => false,
        }
    }

    /// Whether a full list may drop its name: the image was deleted, or nobody has touched its upload for so long that
    /// nobody will. A ticket's upload is another matter: its form lives longer than a request.
    pub(crate) fn is_abandoned(&self, now: Timestamp) -> bool {
        match self.state {
            State::Pending => !self.is_ticket() && now.duration_since(self.touched_at) > ABANDONED,
            State::Removed => true,
            State::Ready | State::Rejected | State::Unknown => false,
        }
    }

    /// Whether it is a ticket that nothing came of yet and whose form has ended: forms are signed when the row is touched.
    pub(crate) fn is_expired_ticket(&self, now: Timestamp) -> bool {
        self.is_pending() && self.is_ticket() && now.duration_since(self.touched_at) > FORM_LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::row::tests::{attempt, row};

    const KNOWN: [State; 4] = [State::Pending, State::Ready, State::Rejected, State::Removed];

    #[test]
    fn what_an_upload_finds_under_its_name_decides_what_it_can_do() {
        let draft = row(State::Pending, 1);
        for (state, other_attempt, other_content) in [
            (State::Pending, Taken::Unfinished, Taken::OtherContent),
            (State::Ready, Taken::Finished, Taken::OtherContent),
            (State::Rejected, Taken::Finished, Taken::OtherContent),
            (State::Removed, Taken::Deleted, Taken::Deleted),
            (State::Unknown, Taken::Unknown, Taken::Unknown),
        ] {
            let mut found = row(state, 2);
            assert_eq!(found.taken_from(&draft), other_attempt, "{state:?}");
            found.content_hash = "of other bytes".to_owned();
            assert_eq!(found.taken_from(&draft), other_content, "{state:?}, other content");
        }
        for state in KNOWN {
            assert_eq!(row(state, 1).taken_from(&draft), Taken::Own, "{state:?}");
        }
    }

    #[test]
    fn objects_are_unwanted_only_where_a_known_state_says_so() {
        let key = row(State::Ready, 1).object_key;
        for (state, own, of_another_attempt, of_another_key) in [
            (State::Pending, Fate::Undecided, Fate::Unwanted, Fate::Undecided),
            (State::Ready, Fate::Kept, Fate::Unwanted, Fate::Unwanted),
            (State::Rejected, Fate::Kept, Fate::Unwanted, Fate::Unwanted),
            (State::Removed, Fate::Unwanted, Fate::Unwanted, Fate::Unwanted),
            (State::Unknown, Fate::Unknown, Fate::Unknown, Fate::Unknown),
        ] {
            let found = row(state, 1);
            let fates = [(&attempt(1), key.as_str()), (&attempt(2), &key), (&attempt(1), "images/elsewhere/")]
                .map(|(attempt, prefix)| ImageRow::fate_of(Some(&found), attempt, prefix));
            assert_eq!(fates, [own, of_another_attempt, of_another_key], "{state:?}");
        }
        assert_eq!(ImageRow::fate_of(None, &attempt(1), &key), Fate::Unwanted, "the row is gone");
    }

    #[test]
    fn only_what_was_shown_to_its_owner_can_be_deleted() {
        for (state, of_api, of_ticket) in [
            (State::Pending, Deletion::NotFound, Deletion::Due),
            (State::Ready, Deletion::Due, Deletion::Due),
            (State::Rejected, Deletion::Due, Deletion::Due),
            (State::Removed, Deletion::Done, Deletion::Done),
            (State::Unknown, Deletion::Unknown, Deletion::Unknown),
        ] {
            let (api, ticket) = (row(state, 1), row(state, 1).into_ticket());
            assert_eq!([api.deletion(), ticket.deletion()], [of_api, of_ticket], "{state:?}");
        }
    }

    #[test]
    fn a_full_list_drops_deleted_and_abandoned_names_only() {
        let now = Timestamp::UNIX_EPOCH + ABANDONED * 2;
        for (state, old) in [
            (State::Pending, true),
            (State::Ready, false),
            (State::Rejected, false),
            (State::Removed, true),
            (State::Unknown, false),
        ] {
            let mut found = row(state, 1);
            assert_eq!(found.is_abandoned(now), old, "{state:?}");
            found = found.into_ticket();
            assert_eq!(found.is_abandoned(now), state == State::Removed, "{state:?} of a ticket");
            assert_eq!(found.is_expired_ticket(now), state == State::Pending, "{state:?} of a ticket");
            found.touched_at = now;
            assert!(!found.is_expired_ticket(now), "{state:?} of a fresh ticket");
        }
    }
}
