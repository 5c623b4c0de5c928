//! The bytes of a value, read as Avro.

use std::io::{self, Read};

/// Bytes that know whether more was wanted of them than there is: the library takes the end of its input for a null
/// where a string or a union should come, so that a record that was cut short would be read as a shorter one.
pub struct Datum<'a> {
    rest: &'a [u8],
    is_exhausted: bool,
}

impl<'a> Datum<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, is_exhausted: false }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether it ended too early.
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }
}

impl Read for Datum<'_> {
    fn read(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        self.is_exhausted |= wanted.len() > self.rest.len();
        self.rest.read(wanted)
    }
}
