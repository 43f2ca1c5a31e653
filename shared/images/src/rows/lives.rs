//! Every life and deadline of this crate.

use jiff::SignedDuration;

/// Pending rows and tombstones live so long after they were last touched.
pub(crate) const ROW_LIFE: SignedDuration = SignedDuration::from_hours(15 * 24);

/// A pending row that nobody touched for so long frees its slot in the task's list. API calls end long before.
pub(crate) const ABANDONED: SignedDuration = SignedDuration::from_mins(15);

/// How long a ticket's form is valid. A prune takes it that nothing comes of one that is older.
pub(crate) const FORM_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// An upload through the API has ended so long after it put its object: it is ready, or only a retry can make it so, and
/// that puts the object again.
pub(crate) const UPLOAD_ENDS: SignedDuration = SignedDuration::from_secs(5);

/// A redirect must not outlive its URL on a slow phone: so many seconds are held back.
pub(crate) const REDIRECT_RESERVE_SECONDS: i64 = 60;
