//! The keys that a [`Range`] spans, as every layer and backend needs them: from one key to before another.

use std::ops::Bound;

use crate::Range;

/// From `lower` to before `upper`; without `upper`, to the last key there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub lower: Vec<u8>,
    pub upper: Option<Vec<u8>>,
}

impl Bounds {
    pub fn of(range: Range<'_>) -> Self {
        let (mut lower, mut upper) = (range.prefix.to_vec(), end_of(range.prefix));
        match range.after {
            Some(after) if range.backwards => {
                upper = Some(upper.map_or(after.to_vec(), |upper| upper.min(after.to_vec())))
            }
            Some(after) if after >= lower.as_slice() => lower = next(after),
            _ => {}
        }
        Self { lower, upper }
    }

    /// Whether no key can lie within. Ordered maps refuse such bounds.
    pub fn is_empty(&self) -> bool {
        self.upper.as_ref().is_some_and(|upper| *upper <= self.lower)
    }

    pub fn as_bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let upper = self.upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(&self.lower), upper)
    }
}

/// The first key after all that begin with the prefix; `None` if there is no such key.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// The key right after this one.
fn next(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(prefix: &[u8], after: Option<&[u8]>, backwards: bool) -> (Vec<u8>, Option<Vec<u8>>) {
        let bounds = Bounds::of(Range { prefix, after, backwards });
        (bounds.lower, bounds.upper)
    }

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(bounds(b"ab", None, false), (b"ab".to_vec(), Some(b"ac".to_vec())));
        assert_eq!(bounds(b"a\xff\xff", None, false), (b"a\xff\xff".to_vec(), Some(b"b".to_vec())));
        assert_eq!(bounds(b"\xff", None, false), (b"\xff".to_vec(), None));
        assert_eq!(bounds(b"", None, true), (vec![], None));
    }

    #[test]
    fn after_narrows_from_the_side_the_scan_comes_from() {
        assert_eq!(bounds(b"a", Some(b"ab"), false), (b"ab\0".to_vec(), Some(b"b".to_vec())));
        assert_eq!(bounds(b"a", Some(b"ab"), true), (b"a".to_vec(), Some(b"ab".to_vec())));
    }

    #[test]
    fn after_outside_of_the_prefix_leaves_all_or_nothing() {
        assert_eq!(bounds(b"b", Some(b"a"), false), bounds(b"b", None, false));
        assert_eq!(bounds(b"b", Some(b"x"), true), bounds(b"b", None, true));
        assert!(Bounds::of(Range { prefix: b"b", after: Some(b"x"), backwards: false }).is_empty());
        assert!(Bounds::of(Range { prefix: b"b", after: Some(b"a"), backwards: true }).is_empty());
    }
}
