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

/// What the changelog has.
#[derive(Clone, Copy)]
pub struct Extent {
    pub beginning: Offset,
    pub end: Offset,
}

/// Why a state with this checkpoint has to be rebuilt from the changelog's beginning, if so. Whether that can be done is
/// another question: see [`fate`](crate::fate()).
pub fn outdated(checkpoint: &Checkpoint, changelog: Extent, now: Timestamp) -> Option<String> {
    let at = checkpoint.changelog;
    if *checkpoint == Checkpoint::default() || at == changelog.end {
        return None;
    }
    if at > changelog.end {
        return Some(format!("it is at {at} of its changelog, which ends at {}", changelog.end));
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

    fn because(changelog: Offset, written: i64, extent: (Offset, Offset)) -> Option<String> {
        let checkpoint = Checkpoint { changelog, source: Some(1), at: written * HOUR, origin: "topics".to_owned() };
        outdated(&checkpoint, Extent { beginning: extent.0, end: extent.1 }, Timestamp::from_millis(1_000 * HOUR))
    }

    #[test]
    fn a_state_within_its_changelog_is_brought_up_to_date() {
        assert_eq!(because(50, 1_000, (0, 90)), None);
        assert_eq!(because(50, 989, (50, 90)), None);
    }

    #[test]
    fn a_state_that_lacks_nothing_may_be_of_any_age() {
        assert_eq!(because(90, 1, (0, 90)), None);
    }

    #[test]
    fn a_state_out_of_range_or_out_of_date_is_rebuilt() {
        for (case, expected) in [
            (because(91, 1_000, (0, 90)), "ends at 90"),
            (because(50, 987, (0, 90)), "46800 s ago"),
            (because(50, 1_013, (0, 90)), "46800 s ago"),
        ] {
            assert!(case.as_ref().is_some_and(|why| why.contains(expected)), "{case:?}");
        }
    }

    #[test]
    fn an_empty_state_has_nothing_to_lose() {
        assert_eq!(outdated(&Checkpoint::default(), Extent { beginning: 5, end: 90 }, Timestamp::from_millis(0)), None);
    }
}
