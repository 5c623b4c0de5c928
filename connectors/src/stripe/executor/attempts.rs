//! What is known of earlier attempts.

use std::collections::{BTreeSet, HashMap, HashSet};

use tradewind_schemas::IntentId;
use tradewind_topics::{Millis, Offset};

/// At most so many outdated records are taken out of `payment.attempts` when a partition is restored; the rest the next
/// time.
const SWEPT_AT_ONCE: usize = 10_000;

/// The last that `payment.attempts` says of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    pub attempt: i32,
    pub ended: bool,
    /// Where the intent lies on its topic.
    pub offset: Offset,
}

/// Whether an attempt is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    New,
    /// Begun, and nobody knows how it ended.
    Interrupted,
    /// Ended, or overtaken by a later attempt, which nobody asks for before the earlier one has ended.
    Ended,
}

/// The attempts at the intents from the group's position on. What lies before it is finished and never read again, so
/// the memory this takes is bounded by what is in flight.
#[derive(Default)]
pub struct Attempts {
    last: HashMap<IntentId, Last>,
    by_offset: BTreeSet<(Offset, IntentId)>,
    /// On the topic, and older than any intent is kept.
    outdated: HashSet<IntentId>,
}

impl Attempts {
    pub fn standing(&self, intent: IntentId, attempt: i32) -> Standing {
        match self.last.get(&intent) {
            Some(last) if last.attempt > attempt || last.attempt == attempt && last.ended => Standing::Ended,
            Some(last) if last.attempt == attempt => Standing::Interrupted,
            _ => Standing::New,
        }
    }

    pub fn note(&mut self, intent: IntentId, last: Last) {
        if let Some(earlier) = self.last.insert(intent, last) {
            self.by_offset.remove(&(earlier.offset, intent));
        }
        self.by_offset.insert((last.offset, intent));
    }

    /// Everything before this position is finished.
    pub fn forget_before(&mut self, position: Offset) {
        while let Some((offset, intent)) = self.by_offset.first().copied()
            && offset < position
        {
            self.by_offset.remove(&(offset, intent));
            self.last.remove(&intent);
        }
    }

    /// Takes in a record of the topic, in its order; `None` is a tombstone. Intents before `position` are finished, and
    /// records of them from before `outdated` are of no use to anybody.
    pub fn restore(
        &mut self,
        intent: IntentId,
        last: Option<Last>,
        written: Millis,
        position: Offset,
        outdated: Option<Millis>,
    ) {
        self.outdated.remove(&intent);
        if let Some(earlier) = self.last.remove(&intent) {
            self.by_offset.remove(&(earlier.offset, intent));
        }
        match last {
            Some(last) if last.offset >= position => self.note(intent, last),
            Some(_) if outdated.is_some_and(|outdated| written < outdated) && self.outdated.len() < SWEPT_AT_ONCE => {
                self.outdated.insert(intent);
            }
            _ => {}
        }
    }

    /// The intents whose records are to go from the topic.
    pub fn sweep(&mut self) -> impl Iterator<Item = IntentId> {
        std::mem::take(&mut self.outdated).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn intent(number: u128) -> IntentId {
        IntentId::new(Uuid::from_u128(number))
    }

    fn last(attempt: i32, ended: bool, offset: Offset) -> Last {
        Last { attempt, ended, offset }
    }

    #[test]
    fn an_attempt_is_new_interrupted_or_ended() {
        let mut attempts = Attempts::default();
        attempts.note(intent(1), last(2, false, 10));
        attempts.note(intent(2), last(2, true, 11));
        for (number, attempt, standing) in [
            (1, 1, Standing::Ended),
            (1, 2, Standing::Interrupted),
            (1, 3, Standing::New),
            (2, 1, Standing::Ended),
            (2, 2, Standing::Ended),
            (2, 3, Standing::New),
            (3, 1, Standing::New),
        ] {
            assert_eq!(attempts.standing(intent(number), attempt), standing, "intent {number}, attempt {attempt}");
        }
    }

    #[test]
    fn what_lies_before_the_position_is_forgotten() {
        let mut attempts = Attempts::default();
        attempts.note(intent(1), last(1, true, 10));
        attempts.note(intent(2), last(1, true, 11));
        attempts.note(intent(1), last(2, true, 12));
        attempts.forget_before(12);
        assert_eq!(attempts.standing(intent(2), 1), Standing::New);
        assert_eq!(attempts.standing(intent(1), 2), Standing::Ended);
        attempts.forget_before(13);
        assert_eq!((attempts.last.len(), attempts.by_offset.len()), (0, 0));
    }

    #[test]
    fn only_records_of_no_use_are_swept() {
        let mut attempts = Attempts::default();
        let outdated = Some(1_000);
        attempts.restore(intent(1), Some(last(1, true, 5)), 999, 10, outdated);
        attempts.restore(intent(2), Some(last(1, true, 5)), 1_000, 10, outdated);
        attempts.restore(intent(3), Some(last(1, false, 10)), 1, 10, outdated);
        attempts.restore(intent(4), Some(last(1, true, 6)), 1, 10, outdated);
        attempts.restore(intent(4), Some(last(2, true, 12)), 2_000, 10, outdated);
        attempts.restore(intent(5), Some(last(1, true, 7)), 1, 10, outdated);
        attempts.restore(intent(5), None, 1, 10, outdated);
        assert_eq!(attempts.sweep().collect::<Vec<_>>(), [intent(1)]);
        assert_eq!(attempts.standing(intent(3), 1), Standing::Interrupted);
        assert_eq!(attempts.standing(intent(4), 2), Standing::Ended);
    }
}
