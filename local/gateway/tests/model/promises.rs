//! The small model: what callers were told, and what they may therefore expect.

use std::collections::{BTreeMap, BTreeSet};

/// A picture as the callers know it: the bytes that they sent.
pub(crate) type Picture = usize;

/// What was promised to the owner of one task.
#[derive(Default)]
pub(crate) struct Promises {
    /// Acknowledged pictures by their names.
    acknowledged: BTreeMap<String, Picture>,
    /// A removal of these has begun: they may be gone.
    going: BTreeSet<String>,
    /// And these are.
    gone: BTreeSet<String>,
    /// Whatever anybody ever asked to remove.
    ever_going: BTreeSet<String>,
    /// The names that upload ids were answered with.
    names: BTreeMap<&'static str, String>,
    /// What was sent with each upload id, one way or the other.
    sent: BTreeSet<(&'static str, Picture)>,
}

impl Promises {
    /// Somebody sends a picture.
    pub(crate) fn send(&mut self, upload_id: &'static str, picture: Picture) {
        self.sent.insert((upload_id, picture));
    }

    /// An upload was answered well.
    pub(crate) fn acknowledge(&mut self, name: &str, picture: Picture) {
        let known = self.acknowledged.insert(name.to_owned(), picture);
        assert!(known.is_none_or(|known| known == picture), "{name} was acknowledged for another picture");
        assert!(!self.gone.contains(name), "{name} was removed, and is acknowledged again");
    }

    /// An upload id stands for this name.
    pub(crate) fn name(&mut self, upload_id: &'static str, name: &str) {
        let known = self.names.insert(upload_id, name.to_owned());
        assert!(known.is_none_or(|known| known == name), "{upload_id} stands for two names, one of them {name}");
    }

    /// Somebody asked to remove it.
    pub(crate) fn begin_removal(&mut self, name: &str) {
        self.going.insert(name.to_owned());
        self.ever_going.insert(name.to_owned());
    }

    /// It was answered: it is gone.
    pub(crate) fn removed(&mut self, name: &str) {
        self.gone.insert(name.to_owned());
        self.acknowledged.remove(name);
    }

    /// The tombstone ended: a name can come again, unless a removal of it is still at work.
    pub(crate) fn forget(&mut self, name: &str, is_being_removed: bool) {
        self.acknowledged.remove(name);
        self.gone.remove(name);
        if !is_being_removed {
            self.going.remove(name);
        }
    }

    /// Whether "not found" would be a lie.
    pub(crate) fn must_be_there(&self, name: &str) -> bool {
        self.acknowledged.contains_key(name) && !self.going.contains(name)
    }

    /// Names that a caller knows: those of acknowledged pictures, and those of answers.
    pub(crate) fn known(&self) -> BTreeSet<String> {
        self.acknowledged.keys().chain(self.names.values()).cloned().collect()
    }

    /// Whether what came of an upload id was removed, and its tombstone lives.
    pub(crate) fn is_gone(&self, upload_id: &str) -> bool {
        self.names.get(upload_id).is_some_and(|name| self.gone.contains(name))
    }

    /// Whether an upload id may be answered "not found": for what nobody removed, that would be a lie.
    pub(crate) fn was_ever_going(&self, upload_id: &str) -> bool {
        // Who got no answer can have found the name in the task, and removed it.
        self.names.get(upload_id).map_or(!self.ever_going.is_empty(), |name| self.ever_going.contains(name))
    }

    /// Whether somebody asked to remove it, since its tombstone last ended.
    pub(crate) fn may_be_gone(&self, name: &str) -> bool {
        self.going.contains(name)
    }

    /// Holds what a page shows, in its order and with what its objects hold, against what was promised.
    pub(crate) fn hold_against(&self, shown: &[(String, Picture)]) {
        let names: BTreeSet<_> = shown.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), shown.len(), "a name is listed twice: {shown:?}");
        for name in self.acknowledged.keys().filter(|name| self.must_be_there(name)) {
            assert!(names.contains(name), "{name} was acknowledged and is not shown: {shown:?}");
        }
        for (name, picture) in shown {
            assert!(!self.gone.contains(name), "{name} was removed and is shown");
            let promised = self.acknowledged.get(name);
            assert!(promised.is_none_or(|promised| promised == picture), "{name} shows another picture");
            let ids = self.names.iter().filter(|(_, known)| *known == name);
            for (id, _) in ids {
                assert!(self.sent.contains(&(*id, *picture)), "{name} shows what was sent for another");
            }
        }
    }
}
