//! A key as a layer holds it: where most keys fit it lies within the entry, so that finding one costs no further look
//! into memory, and keeping one no allocation.

use std::{borrow::Borrow, cmp::Ordering, ops::Deref};

/// Room for a UUID as text with what a row's key puts before it, and a short row.
const INLINE: usize = 46;

#[derive(Clone)]
pub(super) struct Key(Kept);

#[derive(Clone)]
enum Kept {
    Inline { len: u8, bytes: [u8; INLINE] },
    Apart(Box<[u8]>),
}

impl Key {
    /// Bytes that it takes outside its entry.
    pub fn apart(&self) -> usize {
        match &self.0 {
            Kept::Inline { .. } => 0,
            Kept::Apart(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        Self(match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(key);
                Kept::Inline { len, bytes }
            }
            _ => Kept::Apart(key.into()),
        })
    }
}

impl Deref for Key {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Kept::Apart(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_length_is_what_it_was() {
        for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 255, 256, 1_000] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let key = Key::from(&bytes[..]);
            assert_eq!(&*key, &bytes[..]);
            assert_eq!(key.apart(), if length <= INLINE { 0 } else { length });
        }
    }

    #[test]
    fn keys_sort_as_their_bytes_do() {
        let long = [7; INLINE + 9];
        let keys: [&[u8]; 6] = [b"", b"\0", b"\0\0", &[7], &long, &[7, 8]];
        assert!(keys.windows(2).all(|pair| Key::from(pair[0]) < Key::from(pair[1])));
    }
}
