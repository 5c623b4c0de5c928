//! Whether a local state can still be brought up to date from its changelog.
//!
//! The changelog gives back everything that was written after the state's checkpoint, but for one thing: a tombstone
//! that is older than the changelog keeps them is gone, and the row that it deleted would come to life again.

use std::time::Duration;

use tradewind_schemas::Timestamp;
use tradewind_state::Checkpoint;
use tradewind_topics::Offset;

/// How long changelogs keep tombstones.
pub const TOMBSTONES_FOR: Duration = Duration::from_secs(24 * 3600);

/// Why a state with this checkpoint is none of this changelog, if so.
pub fn is_beyond(checkpoint: &Checkpoint, end: Offset) -> Option<String> {
    let at = checkpoint.changelog.max(checkpoint.rows);
    (at > end).then(|| format!("it is at {at} of its changelog, which ends at {end}"))
}

/// Why a state with this checkpoint has to be rebuilt from the changelog's beginning where anything was written to that
/// since, if so. Kafka's ends do not tell whether anything was: the end of a transaction has an offset, too.
pub fn outdated(checkpoint: &Checkpoint, now: Timestamp) -> Option<String> {
    if *checkpoint == Checkpoint::default() {
        return None;
    }
    // Half of it, for clocks differ and restoring takes time. A clock that went back says nothing of the age either.
    let age = (now.millis() - checkpoint.at).unsigned_abs();
    let most = TOMBSTONES_FOR / 2;
    (u128::from(age) > most.as_millis()).then(|| {
        format!("it was written {} s ago, and of deletions only the last {most:?} can be relied on", age / 1000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(changelog: Offset, written: i64) -> Checkpoint {
        Checkpoint { changelog, rows: changelog, source: Some(1), at: written * HOUR, origin: "topics".to_owned() }
    }

    #[test]
    fn a_state_of_this_changelog_is_within_it() {
        assert_eq!((is_beyond(&at(50, 1), 90), is_beyond(&at(90, 1), 90)), (None, None));
        let beyond = is_beyond(&at(91, 1), 90);
        assert!(beyond.as_ref().is_some_and(|why| why.contains("ends at 90")), "{beyond:?}");
        assert!(is_beyond(&Checkpoint { rows: 91, ..at(50, 1) }, 90).is_some(), "rows of a flush that was cut off");
    }

    #[test]
    fn a_state_grows_old_in_half_the_time_that_tombstones_have() {
        let now = Timestamp::from_millis(1_000 * HOUR);
        for young in [at(50, 1_000), at(50, 989), at(50, 1_011), Checkpoint::default()] {
            assert_eq!(outdated(&young, now), None);
        }
        for old in [at(50, 987), at(50, 1_013)] {
            let why = outdated(&old, now);
            assert!(why.as_ref().is_some_and(|why| why.contains("46800 s ago")), "{why:?}");
        }
    }
}
