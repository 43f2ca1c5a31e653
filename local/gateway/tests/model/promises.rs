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
}

impl Promises {
    /// An upload was answered well.
    pub(crate) fn acknowledge(&mut self, name: &str, picture: Picture) {
        let known = self.acknowledged.insert(name.to_owned(), picture);
        assert!(known.is_none_or(|known| known == picture), "{name} was acknowledged for another picture");
        assert!(!self.gone.contains(name), "{name} was removed, and is acknowledged again");
    }

    /// Somebody asked to remove it.
    pub(crate) fn begin_removal(&mut self, name: &str) {
        self.going.insert(name.to_owned());
    }

    /// It was answered: it is gone.
    pub(crate) fn removed(&mut self, name: &str) {
        self.gone.insert(name.to_owned());
        self.acknowledged.remove(name);
    }

    /// The tombstone ended: a name can come again.
    pub(crate) fn forget(&mut self, name: &str) {
        self.acknowledged.remove(name);
        self.going.remove(name);
        self.gone.remove(name);
    }

    /// Whether "not found" would be a lie.
    pub(crate) fn must_be_there(&self, name: &str) -> bool {
        self.acknowledged.contains_key(name) && !self.going.contains(name)
    }

    /// Names that a caller knows.
    pub(crate) fn known(&self) -> Vec<&String> {
        self.acknowledged.keys().collect()
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
        }
    }
}
