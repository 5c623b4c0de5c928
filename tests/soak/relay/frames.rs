//! Kafka's frames, as far as a relay reads them: a length, then what is asked, by whom, under which number.

use std::io::{self, Read, Write};

/// No request or answer of these tests is larger.
const LARGEST: usize = 64 << 20;

/// What a client asks of a broker, by Kafka's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    OffsetFetch = 9,
    JoinGroup = 11,
    Heartbeat = 12,
    LeaveGroup = 13,
    SyncGroup = 14,
    InitProducerId = 22,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
}

/// One frame without its length.
pub struct Frame(Vec<u8>);

/// The head of a request.
pub struct Head {
    pub request: i16,
    pub number: i32,
    pub client: String,
}

impl Frame {
    /// `None` at the end of the connection.
    pub fn read(from: &mut impl Read) -> Option<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length).ok()?;
        let length = usize::try_from(i32::from_be_bytes(length)).ok().filter(|length| *length <= LARGEST)?;
        let mut frame = vec![0; length];
        from.read_exact(&mut frame).ok()?;
        Some(Self(frame))
    }

    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let length = i32::try_from(self.0.len()).map_err(io::Error::other)?;
        to.write_all(&[&length.to_be_bytes(), &self.0[..]].concat())
    }

    /// The head, if this is a request.
    pub fn head(&self) -> Option<Head> {
        let request = i16::from_be_bytes(*self.0.first_chunk()?);
        let number = i32::from_be_bytes(*self.0.get(4..)?.first_chunk()?);
        let length = usize::try_from(i16::from_be_bytes(*self.0.get(8..)?.first_chunk()?)).unwrap_or(0);
        let client = String::from_utf8_lossy(self.0.get(10..10 + length)?).into_owned();
        Some(Head { request, number, client })
    }

    /// The number of the request that this answers, if it is an answer.
    pub fn answers(&self) -> Option<i32> {
        Some(i32::from_be_bytes(*self.0.first_chunk()?))
    }
}
