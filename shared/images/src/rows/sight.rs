//! The one answer to "who sees it": what the owner, another signed-in user and anybody else get of an image.

use session::UserId;

use crate::rows::keys::DefaultImage;
use crate::rows::row::{AvatarPointer, ImageRow};
use crate::rows::state::State;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Viewer<'a> {
    /// A signed-in user. They are answered in JSON.
    User(&'a UserId),
    /// Whoever knows the name. They are redirected, without a session: the owner, too.
    Anyone,
}

/// What a viewer gets of something that leads to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight<'a, T> {
    /// The image.
    Image(&'a T),
    /// A default image in its place.
    StandIn {
        image: DefaultImage,
        /// What JSON calls the state of the image that is asked for.
        state: &'static str,
    },
}

const MISSING: (DefaultImage, &str) = (DefaultImage::Missing, "missing");

/// What a viewer gets of the image of this row, if there is one of the name that was asked for.
pub(crate) fn sight<'a>(row: Option<&'a ImageRow>, viewer: Viewer<'_>) -> Sight<'a, ImageRow> {
    let Some(row) = row else {
        return stand_in(MISSING);
    };
    // The stand-in that says what is going on. To other users JSON says as little as of a name that never was.
    let telling = match row.state {
        State::Ready => return Sight::Image(row),
        State::Pending if row.is_ticket() => (DefaultImage::InPreparation, "pending"),
        State::Pending => (DefaultImage::Missing, "pending"),
        State::Rejected => (DefaultImage::NotAvailable, "rejected"),
        State::Removed | State::Unknown => MISSING,
    };
    match viewer {
        Viewer::User(user) if *user == row.owner_id => stand_in(telling),
        Viewer::User(_) => stand_in(MISSING),
        Viewer::Anyone => stand_in((telling.0, MISSING.1)),
    }
}

/// What anybody gets of a user's avatar. The row is not looked at: a pointer names a ready row, since the transaction that
/// makes the row ready sets it, and a row is made a tombstone only once the pointer names another.
pub(crate) fn sight_of_avatar(pointer: Option<&AvatarPointer>) -> Sight<'_, AvatarPointer> {
    match pointer {
        Some(pointer) => Sight::Image(pointer),
        None => stand_in((DefaultImage::Avatar, MISSING.1)),
    }
}

fn stand_in<'a, T>((image, state): (DefaultImage, &'static str)) -> Sight<'a, T> {
    Sight::StandIn { image, state }
}

impl<T> Sight<'_, T> {
    /// What JSON calls the state of the image.
    pub(crate) fn state(&self) -> &'static str {
        match self {
            Self::Image(_) => "ready",
            Self::StandIn { state, .. } => state,
        }
    }

    /// Whether a task's page lists the image. What is missing is left out, and so is an upload through the API that is not
    /// finished: its sender has no answer yet.
    pub(crate) fn is_listed(&self) -> bool {
        !matches!(self, Self::StandIn { image: DefaultImage::Missing, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::row::tests::{OWNER, row};

    /// The default image and the state in JSON; none for the image itself.
    type Seen = Option<(DefaultImage, &'static str)>;

    fn seen(row: &ImageRow, viewer: Viewer<'_>) -> Seen {
        match sight(Some(row), viewer) {
            Sight::Image(shown) => {
                assert!(std::ptr::eq(shown, row));
                None
            }
            Sight::StandIn { image, state } => Some((image, state)),
        }
    }

    #[test]
    fn every_state_has_one_answer_for_the_owner_another_user_and_anybody() {
        use DefaultImage::{InPreparation, Missing, NotAvailable};

        let owner = UserId::parse(OWNER).unwrap();
        let other = UserId::parse("0b5ee0d6-0000-4000-8000-0000000000ff").unwrap();
        let missing = Some((Missing, "missing"));
        let redirected = |image| Some((image, "missing"));
        let api = |state| row(state, 1);
        let ticket = |state| row(state, 1).into_ticket();
        let table: [(ImageRow, [Seen; 3], bool); 7] = [
            (api(State::Ready), [None, None, None], true),
            (api(State::Pending), [Some((Missing, "pending")), missing, missing], false),
            (ticket(State::Pending), [Some((InPreparation, "pending")), missing, redirected(InPreparation)], true),
            (ticket(State::Rejected), [Some((NotAvailable, "rejected")), missing, redirected(NotAvailable)], true),
            (api(State::Removed), [missing; 3], false),
            (api(State::Unknown), [missing; 3], false),
            (ticket(State::Unknown), [missing; 3], false),
        ];
        for (row, expected, is_listed) in table {
            let viewers = [Viewer::User(&owner), Viewer::User(&other), Viewer::Anyone];
            assert_eq!(viewers.map(|viewer| seen(&row, viewer)), expected, "{:?}", row.state);
            assert_eq!(sight(Some(&row), viewers[0]).is_listed(), is_listed, "{:?} on its owner's page", row.state);
        }
    }

    #[test]
    fn a_name_without_a_row_is_missing_to_everybody() {
        let owner = UserId::parse(OWNER).unwrap();
        for viewer in [Viewer::User(&owner), Viewer::Anyone] {
            let seen = sight(None, viewer);
            assert_eq!(seen, Sight::StandIn { image: DefaultImage::Missing, state: "missing" });
            assert!(!seen.is_listed());
        }
    }

    #[test]
    fn an_avatar_is_what_its_pointer_names() {
        let pointer = AvatarPointer { object_key: "images/of/it".to_owned() };
        assert_eq!(sight_of_avatar(Some(&pointer)), Sight::Image(&pointer));
        assert_eq!(sight_of_avatar(None), Sight::StandIn { image: DefaultImage::Avatar, state: "missing" });
    }
}
