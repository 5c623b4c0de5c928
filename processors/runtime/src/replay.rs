//! Changes read from a changelog, taken over commit by commit.

use bytes::Bytes;
use tradewind_state::{Checkpoint, StoreId, TaskState};
use tradewind_topics::{Offset, Record};

use crate::task::{POSITION, Refusal};

/// What a change costs in memory besides its bytes.
const OVERHEAD: usize = 64;

/// What has been read of a commit whose end has not come yet. A commit ends with the record of the positions that it
/// led to; compaction takes those of all commits but the last, so that what is held back here may be all there is.
#[derive(Default)]
pub struct Replay {
    held: Vec<(StoreId, Bytes, Option<Bytes>)>,
    bytes: usize,
    /// Some of the commit in hand is in the state already.
    begun: bool,
}

impl Replay {
    /// Begins anew at the state's checkpoint.
    pub fn forget(&mut self) {
        self.held.clear();
        self.bytes = 0;
    }

    /// Whether a commit was begun whose end has not been read.
    pub fn is_within_a_commit(&self) -> bool {
        self.begun || !self.held.is_empty()
    }

    /// Takes the next record. Holds changes back until the end of their commit, and then gives them to the state all at
    /// once; at `most` so many bytes, where the state has no readers yet who could see a part of a commit. The
    /// checkpoint goes along with what the state has, and keeps the source position of the last whole commit: whoever
    /// goes on from there, after a crash too, reads the rest of it.
    pub fn take(&mut self, record: Record, state: &mut TaskState, most: Option<usize>) -> Result<(), Refusal> {
        let (after, at) = (record.after(), record.timestamp);
        let Some((store, key)) = record.key.as_ref().and_then(|key| key.split_first()) else {
            return Err(Refusal::Unreadable("it has no key".to_owned()));
        };
        if *store == POSITION {
            let bytes = record.value.as_deref().and_then(|value| value.first_chunk::<8>());
            let source = bytes.ok_or_else(|| Refusal::Unreadable("a position of another shape".to_owned()))?;
            same_origin(record.value.as_deref().unwrap_or_default(), state)?;
            self.hand_over(state, after, Some(i64::from_be_bytes(*source)), at);
            self.begun = false;
            return Ok(());
        }
        let key = record.key.as_ref().map(|whole| whole.slice_ref(key)).unwrap_or_default();
        self.bytes += key.len() + record.value.as_ref().map_or(0, Bytes::len) + OVERHEAD;
        self.held.push((*store, key, record.value));
        if most.is_some_and(|most| self.bytes >= most) {
            let source = state.checkpoint().source;
            self.hand_over(state, after, source, at);
            self.begun = true;
        }
        Ok(())
    }

    fn hand_over(&mut self, state: &mut TaskState, changelog: Offset, source: Option<Offset>, at: i64) {
        let origin = state.checkpoint().origin;
        self.bytes = 0;
        state.restore(
            std::mem::take(&mut self.held),
            Checkpoint { changelog, source, at, origin, ..Checkpoint::default() },
        );
    }
}

/// What a position says it belongs to, if it does.
fn same_origin(position: &[u8], state: &TaskState) -> Result<(), Refusal> {
    let now = state.checkpoint().origin;
    let written = position.get(8..).and_then(|origin| std::str::from_utf8(origin).ok()).unwrap_or_default();
    if written.is_empty() || written == now {
        return Ok(());
    }
    Err(Refusal::OtherChangelog { written: written.to_owned(), now })
}
