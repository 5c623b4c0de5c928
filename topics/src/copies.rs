//! Copies of many small things in few allocations.

use bytes::{Bytes, BytesMut};

/// Large enough that an allocation serves hundreds of records, small enough not to be kept for long by one that stays.
const CHUNK: usize = 64 << 10;
/// What is larger has an allocation of its own.
const LARGE: usize = CHUNK / 8;

/// Copies bytes one after the other into chunks that they share. A chunk is given back with the last of its copies: for
/// things that go soon, and together.
pub struct Copies {
    chunk: BytesMut,
    large: usize,
}

impl Default for Copies {
    fn default() -> Self {
        Self { chunk: BytesMut::new(), large: LARGE }
    }
}

impl Copies {
    /// Each for itself: for things that stay.
    pub fn apart() -> Self {
        Self { chunk: BytesMut::new(), large: 0 }
    }

    pub fn of(&mut self, bytes: &[u8]) -> Bytes {
        self.joined([bytes])
    }

    /// The parts, one after the other.
    pub fn joined<const N: usize>(&mut self, parts: [&[u8]; N]) -> Bytes {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length == 0 {
            return Bytes::new();
        }
        if length > self.large {
            return parts.concat().into();
        }
        if self.chunk.capacity() < length {
            self.chunk = BytesMut::with_capacity(CHUNK);
        }
        parts.iter().for_each(|part| self.chunk.extend_from_slice(part));
        self.chunk.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_any_length_are_what_they_were() {
        let mut copies = Copies::default();
        let lengths = [0, 1, 200, LARGE, LARGE + 1, 7, CHUNK, CHUNK * 2, 0, 3];
        let made: Vec<(Vec<u8>, Bytes)> = (0..200_u8)
            .zip(lengths.iter().cycle())
            .map(|(n, &length)| {
                let original = vec![n; length];
                let (head, tail) = original.split_at(length / 2);
                let copy = copies.joined([head, tail]);
                (original, copy)
            })
            .collect();
        assert!(made.iter().all(|(original, copy)| original == copy));
    }
}
