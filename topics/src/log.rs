//! The log: what the platform asks of the thing that carries its topics, and no more.
//!
//! Two implementations stand behind these traits, [`embedded`](crate::embedded) and [`kafka`](crate::kafka), and one
//! contract suite (tests/log) runs against both. Batches cross the interface, not records, so dynamic dispatch costs
//! nothing that could be measured.

use std::{fmt, slice, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;

/// Milliseconds since the Unix epoch, UTC: the time a record carries on the log.
pub type Millis = i64;

/// A position in a partition. Offsets grow but have gaps: never compute "the next record" by adding one to a record's
/// offset and comparing for equality; compare positions with `>=`.
pub type Offset = i64;

/// One partition of one (physical) topic.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: u32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Headers of a record, in order. Values are opaque bytes; names may repeat.
pub type Headers = Vec<(Arc<str>, Bytes)>;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub source: TopicPartition,
    pub offset: Offset,
    pub timestamp: Millis,
    pub key: Option<Bytes>,
    /// `None` is a tombstone.
    pub value: Option<Bytes>,
    pub headers: Headers,
}

impl Record {
    /// The position that has consumed this record: the least that group offsets must say afterwards.
    pub fn after(&self) -> Offset {
        self.offset + 1
    }
}

/// A record to be written. The partition is always explicit: both logs place a key where Java's murmur2 does, and the
/// caller computes it ([`partition_of`](crate::partition_of)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub to: TopicPartition,
    /// Any; but Kafka's client takes 0 for *now*, so the very beginning of 1970 is written as 1 there.
    pub timestamp: Millis,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Headers,
}

/// What a group member hears when it polls.
#[derive(Debug)]
pub enum Polled {
    /// These partitions are now this session's. Nothing is fetched from them until [`Session::start_at`].
    Assigned(Vec<TopicPartition>),
    /// These partitions go to others: finish (commit or abort), then call [`Session::release`]. Until then nobody else
    /// gets them, within the group's session time-out.
    Revoked(Vec<TopicPartition>),
    /// These partitions are already gone (the session was fenced or timed out): drop what is uncommitted, then call
    /// [`Session::release`].
    Lost(Vec<TopicPartition>),
    /// Records of started partitions; within a partition in order of offset.
    Records(Vec<Record>),
}

/// How a worker joins.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    pub group: Arc<str>,
    pub topics: Vec<Arc<str>>,
    /// Fencing identity: a later session with the same one fences an earlier one.
    pub transactional_id: Arc<str>,
    /// Static membership: a member that comes back with it within the session time-out keeps its partitions.
    pub instance_id: Option<Arc<str>>,
    /// A member silent for so long loses its partitions.
    pub session_timeout: Duration,
    /// At most this many records in one [`Polled::Records`].
    pub max_batch: usize,
}

/// A worker's membership in a group, and the one transaction it can have open.
///
/// The transaction opens by itself with the first [`append`](Session::append) or [`commit`](Session::commit) after the
/// last one ended.
pub trait Session: Send {
    /// Waits up to `timeout` for something to happen. An empty answer means that nothing did. Also keeps the
    /// membership alive, so call it at least every third of the session time-out.
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Polled>, LogError>;

    /// Starts (or restarts) fetching assigned partitions at these positions.
    fn start_at(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError>;

    /// Stops handing out records of these partitions; those already fetched are kept for [`resume`](Session::resume).
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError>;
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError>;

    /// Gives back what [`Polled::Revoked`] or [`Polled::Lost`] named.
    fn release(&mut self) -> Result<(), LogError>;

    /// The group's stable offsets: waits for a pending transaction of these partitions to settle. `None` where the
    /// group has none.
    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError>;

    /// Stages records into the transaction.
    fn append(&mut self, records: Vec<Append>) -> Result<(), LogError>;

    /// Commits the staged records together with these positions of the group, all or nothing. Name **every** partition
    /// whose state the transaction changes, even one that did not move: they are what fences a zombie.
    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<Receipt, CommitError>;

    /// Drops the staged records. Nothing of them is ever seen by a reader of committed records.
    fn abort(&mut self) -> Result<(), LogError>;

    /// After [`CommitError::Unknown`] or [`CommitError::Fenced`]: takes a new epoch, which settles the old transaction
    /// one way or the other. After it, [`committed`](Session::committed) tells which.
    fn recover(&mut self) -> Result<(), LogError>;

    /// Leaves the group in good order: others take over at once.
    fn leave(self: Box<Self>) -> Result<(), LogError>;
}

/// What a commit wrote: for each partition appended to, the position after the transaction's last record in it. A
/// changelog's reader that begins there misses nothing of what came later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub ends: Vec<(TopicPartition, Offset)>,
}

/// Why a commit did not say yes.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A later session has this identity, or the group moved on without this member. Nothing was committed; the
    /// partitions are no longer this session's.
    #[error("fenced: {0}")]
    Fenced(String),
    /// Nothing was committed and the transaction is over. The work may be done again.
    #[error("the transaction was aborted: {0}")]
    Aborted(String),
    /// It may have been committed or not. Only [`Session::recover`] and the group's offsets can tell.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
}

/// Where a [`Reader`] begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Beginning,
    Offset(Offset),
    /// The first record whose timestamp is at or after this.
    Timestamp(Millis),
    /// After the last record there is now.
    End,
}

/// Reads partitions without a group: restore, standbys, taps, replays, replies. Sees committed records only.
pub trait Reader: Send {
    /// Replaces what is read.
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError>;
    /// Waits up to `timeout` for records.
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError>;
    /// How far this partition was read: everything committed below it has been handed out. It moves past gaps (aborted
    /// records, markers, compacted ones), so that `position >= end` becomes true without a record.
    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError>;
}

/// What a [`Reader`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// To read up to an end that is there, and then no further: the end is learned sooner, and to wait costs more.
    pub to_end: bool,
    /// Without them records are read faster.
    pub headers: bool,
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After the last record whose transaction is decided and that has no undecided one before it.
    Stable,
    /// After the last record, decided or not.
    Written,
}

/// Appends from outside any transaction, in order per partition, without duplicates from retries.
pub trait Writer: Send + Sync {
    /// Resolves when the record is durable, to its offset.
    fn append(&self, record: Append) -> BoxFuture<'static, Result<Offset, LogError>>;
}

/// How a topic forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than this go.
    Delete { after: Duration },
    /// Nothing ever goes.
    Keep,
    /// The last value of each key stays; tombstones go after this.
    Compact { tombstones_for: Duration },
}

/// A topic to be created, by its physical name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: Arc<str>,
    pub partitions: u32,
    pub cleanup: Cleanup,
}

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    pub name: Arc<str>,
    pub partitions: u32,
    /// Which creation of that name it is: another id means that it was deleted and made anew.
    pub id: Arc<str>,
}

/// Topics and groups.
pub trait Admin: Send + Sync {
    /// Creates those that are not there. An existing one with another partition count is an error, and nothing is
    /// created.
    fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError>;
    /// All topics.
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError>;
    /// The ends of these partitions, in their order.
    fn ends(&self, partitions: &[TopicPartition], which: End) -> Result<Vec<Offset>, LogError>;
    /// The earliest positions that are still there, in the partitions' order.
    fn beginnings(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, LogError>;
    fn end(&self, partition: &TopicPartition, which: End) -> Result<Offset, LogError> {
        the_one(self.ends(slice::from_ref(partition), which)?)
    }
    fn beginning(&self, partition: &TopicPartition) -> Result<Offset, LogError> {
        the_one(self.beginnings(slice::from_ref(partition))?)
    }
    /// Gives a group its first offsets; partitions that already have one are left alone.
    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError>;
    /// A group's stable offsets.
    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError>;
}

fn the_one(answers: Vec<Offset>) -> Result<Offset, LogError> {
    let answer = answers.into_iter().next();
    answer.ok_or_else(|| LogError::Misuse("one partition was asked for, and none was answered for".to_owned()))
}

/// A log: the embedded one or Kafka.
pub trait Log: Send + Sync {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError>;
    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError>;
    /// Of whole records, for good.
    fn reader(&self) -> Result<Box<dyn Reader>, LogError> {
        self.reader_for(Purpose { to_end: false, headers: true })
    }
    /// Of whole records, up to an end.
    fn reader_to_end(&self) -> Result<Box<dyn Reader>, LogError> {
        self.reader_for(Purpose { to_end: true, headers: true })
    }
    fn writer(&self) -> Result<Arc<dyn Writer>, LogError>;
    fn admin(&self) -> Arc<dyn Admin>;
}

/// A fault of the log or of what was asked of it. Never a record's own fault, but for [`LogError::TooLarge`].
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    #[error("no such topic or partition: {0}")]
    UnknownTopic(String),
    #[error(
        "topic {name} has {there} partitions, not {wanted}: a topic keeps its partition count for life; use --partitions {there}, or another namespace"
    )]
    PartitionCount { name: Arc<str>, there: u32, wanted: u32 },
    /// The offset asked for is no longer (or not yet) there.
    #[error("offset {offset} of {partition} is out of range")]
    OffsetOutOfRange { partition: TopicPartition, offset: Offset },
    #[error("a record of {size} bytes for {to} is larger than the {limit} the log takes")]
    TooLarge { to: TopicPartition, size: usize, limit: usize },
    #[error("fenced: {0}")]
    Fenced(String),
    #[error("the log at {path} is damaged: {what}")]
    Corrupt { path: String, what: String },
    /// The directory named for a log is in use, another program's, or a newer version's. It was not touched.
    #[error("the log at {path} was not opened: {what}")]
    Refused { path: String, what: String },
    #[error("{what}: {cause}")]
    Io { what: String, cause: std::io::Error },
    /// Asked in the wrong order or with senseless arguments: a bug of the caller.
    #[error("misuse of the log: {0}")]
    Misuse(String),
}
