//! A scan over a store's tables in memory and the backend below them, as if they were one.

use std::{collections::VecDeque, iter::Peekable};

use bytes::Bytes;

use super::table::{Ordered, Table};
use crate::{Backend, Range, StateError, StoreId, bounds::Bounds};

/// The most entries asked of the backend at once, whatever the limit of the scan.
const MOST_FETCHED: usize = 1024;
/// Asked for beside what is still missing, for those that a table hides.
const SPARE: usize = 8;

/// Scans the tables, newest first, over the backend: the newest change of a key counts, and a deleted key is not there.
pub(super) fn scan<'t>(
    tables: impl IntoIterator<Item = &'t Table>,
    backend: &dyn Backend,
    store: StoreId,
    range: Range<'_>,
    limit: usize,
) -> Result<Vec<(Bytes, Bytes)>, StateError> {
    let bounds = Bounds::of(range);
    if limit == 0 || bounds.is_empty() {
        return Ok(Vec::new());
    }
    let mut changes: Vec<_> = tables
        .into_iter()
        .filter_map(|table| table.ordered(&bounds, range.backwards))
        .map(Iterator::peekable)
        .filter_map(|mut entries| entries.peek().is_some().then_some(entries))
        .collect();
    if changes.is_empty() {
        return backend.scan(store, range, limit);
    }
    let mut below = Below { backend, store, range, last: None, fetched: VecDeque::new(), ended: false };
    let mut found = Vec::new();
    while found.len() < limit {
        let stored = below.peek(limit - found.len())?;
        let first = earliest(&mut changes, stored, range.backwards);
        let Some(key) = first.map(Bytes::copy_from_slice) else { break };
        let stored = if stored == Some(&*key) { below.fetched.pop_front() } else { None };
        let changed = newest(&mut changes, &key);
        match (changed, stored) {
            (Some(Some(value)), _) => found.push((key, value.clone())),
            (Some(None), _) => {}
            (None, Some(entry)) => found.push(entry),
            (None, None) => break,
        }
    }
    Ok(found)
}

/// The key that comes first of all that are at hand.
fn earliest<'a>(
    changes: &'a mut [Peekable<Ordered<'_>>],
    stored: Option<&'a [u8]>,
    backwards: bool,
) -> Option<&'a [u8]> {
    let keys = changes.iter_mut().filter_map(|entries| entries.peek().map(|(key, _)| *key)).chain(stored);
    if backwards { keys.max() } else { keys.min() }
}

/// What the newest table says of this key, past which all tables step.
fn newest<'a>(changes: &mut [Peekable<Ordered<'a>>], key: &[u8]) -> Option<Option<&'a Bytes>> {
    let mut newest = None;
    for entries in changes {
        if let Some((_, value)) = entries.next_if(|(candidate, _)| *candidate == key) {
            newest = newest.or(Some(value));
        }
    }
    newest
}

/// The backend's entries, fetched as they are needed.
struct Below<'a> {
    backend: &'a dyn Backend,
    store: StoreId,
    range: Range<'a>,
    last: Option<Bytes>,
    fetched: VecDeque<(Bytes, Bytes)>,
    ended: bool,
}

impl Below<'_> {
    fn peek(&mut self, missing: usize) -> Result<Option<&[u8]>, StateError> {
        if self.fetched.is_empty() && !self.ended {
            let wanted = missing.saturating_add(SPARE).min(MOST_FETCHED);
            let after = self.last.as_deref().or(self.range.after);
            self.fetched = self.backend.scan(self.store, Range { after, ..self.range }, wanted)?.into();
            self.ended = self.fetched.len() < wanted;
            if let Some((key, _)) = self.fetched.back() {
                self.last = Some(key.clone());
            }
        }
        Ok(self.fetched.front().map(|(key, _)| &**key))
    }
}
