//! What a worker is told, and what it says to do about it.

use tradewind_schemas::Timestamp;
use tradewind_state::{Batch, StateError, TaskReader, TaskState};
use tradewind_topics::{Append, CommitError, Offset, Receipt, Record, TopicPartition};

use crate::task::Opened;

/// Something that happened.
pub enum Input {
    /// These partitions of the source are ours now.
    Assigned(Vec<u32>),
    /// A task's state was opened, and its positions looked up.
    Opened(u32, Opened),
    /// Committed records of the changelog of a task or standby, and how far it has been read.
    Restored {
        partition: u32,
        records: Vec<Record>,
        position: Offset,
    },
    /// Records of the source.
    Records(Vec<Record>),
    /// Nothing came, or time passed.
    Idle,
    Committed(Receipt),
    NotCommitted(CommitError),
    /// The transaction of old is settled; a new one may begin.
    Recovered,
    Flushed {
        partition: u32,
        result: Result<(), StateError>,
    },
    Revoked(Vec<u32>),
    Lost(Vec<u32>),
    /// These partitions of others are to be stood by for, and no other ones.
    StandBy(Vec<u32>),
    /// A standby's state was opened; which creations of source and changelog these are.
    StandbyOpened {
        partition: u32,
        state: TaskState,
        origin: String,
    },
    /// A moment ago, a standby had all that its changelog has.
    Level(u32),
    /// There can be no standby of this partition here.
    NoStandby {
        partition: u32,
        why: String,
    },
    /// Finish and go.
    Stop,
}

/// Something to be done, in the order given.
pub enum Effect {
    /// Open the task's state and look up the group's stable offset **first**, then the changelog's written end: answer
    /// with [`Input::Opened`].
    Open(u32),
    /// Wipe the task's store, which is damaged, and go on as with [`Effect::Open`].
    Rebuild { partition: u32, why: String },
    /// Look the positions up again (the same order) for a state that is open: answer with [`Input::Opened`].
    Reopen(u32),
    /// Read the changelog from here up to there: answer with [`Input::Restored`] as it comes, until the next effect about
    /// this task but a flush.
    Restore { partition: u32, from: Offset, to: Offset },
    /// Open a standby's state: answer with [`Input::StandbyOpened`], or with [`Input::NoStandby`].
    OpenStandby(u32),
    /// Read a standby's changelog from here on for good: answer with [`Input::Restored`] as it comes, with
    /// [`Input::Level`] where there is nothing more, and with [`Input::NoStandby`] where what comes next was deleted,
    /// until the next effect about this partition but a flush.
    Follow { partition: u32, from: Offset },
    /// Close a standby's store, and remove it.
    Discard(u32),
    /// The task answers questions from now on.
    Serve { partition: u32, reader: TaskReader },
    /// Hand out the source's records from here.
    Start { partition: u32, at: Offset },
    /// Add these to the transaction.
    Append(Vec<Append>),
    /// Add to it what [`Worker::changelogs`](crate::Worker::changelogs) gives for this time.
    AppendChangelogs(Timestamp),
    /// Commit it with these positions: answer with [`Input::Committed`] or [`Input::NotCommitted`].
    Commit(Vec<(TopicPartition, Offset)>),
    /// Take a new epoch: answer with [`Input::Recovered`].
    Recover,
    /// Leave the session as it is and begin another: nothing of the old one counts any more.
    Rejoin,
    /// Write this to the task's store: answer with [`Input::Flushed`].
    Flush { partition: u32, batch: Batch },
    /// Make the task's store survive a crash, close it, and stop serving it.
    Close(u32),
    /// Give back what was revoked or lost.
    Release,
    /// Leave the group; nothing follows.
    Leave,
    /// Stop for good, without committing anything: the error says what, where and what to do.
    Halt(String),
}
