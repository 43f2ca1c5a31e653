//! Every life and deadline of this crate.

use jiff::SignedDuration;

/// How long pending rows and tombstones live after they were last touched.
pub(crate) const ROW_LIFE: SignedDuration = SignedDuration::from_hours(15 * 24);

/// After this time an untouched pending row frees its slot in the task's list. API calls end long before.
pub(crate) const ABANDONED: SignedDuration = SignedDuration::from_mins(15);

/// How long a ticket's form is valid. A prune assumes that nothing more is sent with an older one.
pub(crate) const FORM_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How long after it stored its object an upload through the API has surely ended: it is ready, or only a retry can make it
/// so, which stores the object again.
pub(crate) const UPLOAD_ENDS: SignedDuration = SignedDuration::from_secs(5);

/// A redirect must not outlive its URL on a slow phone: this much of the URL's life is held back.
pub(crate) const REDIRECT_RESERVE_SECONDS: i64 = 60;
