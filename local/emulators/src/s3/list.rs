//! `ListObjectsV2`: one page of a bucket, as a pure function of its keys.

use std::ops::Bound;
use std::sync::Arc;

use super::store::{Bucket, Metadata};

/// What a page is asked for.
#[derive(Debug, Default)]
pub(super) struct Listing<'a> {
    pub(super) prefix: &'a str,
    /// Keys that share what stands before the next delimiter are one entry. Empty: no grouping.
    pub(super) delimiter: &'a str,
    /// Only entries behind this one.
    pub(super) after: &'a str,
    pub(super) limit: usize,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Arc<Metadata>>,
    pub(super) common_prefixes: Vec<String>,
    /// The last entry of this page, if there are more.
    pub(super) continue_after: Option<String>,
}

impl Page {
    pub(super) fn entries(&self) -> usize {
        self.objects.len() + self.common_prefixes.len()
    }
}

impl Listing<'_> {
    pub(super) fn page(&self, bucket: &Bucket) -> Page {
        let mut page = Page::default();
        let mut last = None;
        let from_prefix = bucket.range::<str, _>((Bound::Included(self.prefix), Bound::Unbounded));
        for (key, object) in from_prefix.take_while(|(key, _)| key.starts_with(self.prefix)) {
            let group = self.group(key);
            let entry = group.unwrap_or(key);
            if key.as_str() <= self.after || entry == self.after || last == Some(entry) {
                continue;
            }
            if page.entries() == self.limit {
                page.continue_after = last.map(str::to_owned);
                break;
            }
            match group {
                Some(group) => page.common_prefixes.push(group.to_owned()),
                None => page.objects.push(Arc::clone(object)),
            }
            last = Some(entry);
        }
        page
    }

    /// The common prefix that `key` falls under.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = key.get(self.prefix.len()..)?.find(self.delimiter)?;
        key.get(..self.prefix.len() + at + self.delimiter.len())
    }
}
