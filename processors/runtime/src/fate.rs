//! What becomes of the local state that a task finds: it is kept, or rebuilt from the changelog, or the task must not
//! run, because neither would give back all that was committed.

use tradewind_state::Checkpoint;
use tradewind_topics::Offset;

use crate::{outdated::is_beyond, task::Refusal};

/// What the changelog has.
#[derive(Clone, Copy)]
pub struct Extent {
    pub beginning: Offset,
    pub end: Offset,
}

/// What is done with a local state.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is caught up from where it is. One that is empty is as good as any.
    Keep,
    /// It is wiped, for this reason, and comes back from the changelog's beginning.
    Rebuild(String),
}

/// `found` is the state's checkpoint, or why it cannot be opened; `origin` is what the checkpoint of this task says.
///
/// # Errors
/// [`Refusal::OtherTopics`] for a state of another task, another shop, or topics that were made anew: it is left alone.
/// [`Refusal::Truncated`] where the changelog lacks what the state needs of it: to wipe it would lose what it has.
pub fn fate(found: Result<Checkpoint, String>, origin: &str, changelog: Extent) -> Result<Fate, Refusal> {
    let (fate, from) = match found {
        Err(why) => (Fate::Rebuild(why), 0),
        Ok(checkpoint) if !checkpoint.origin.is_empty() && checkpoint.origin != origin => {
            return Err(Refusal::OtherTopics { state: checkpoint.origin, now: origin.to_owned() });
        }
        Ok(checkpoint) => match is_beyond(&checkpoint, changelog.end) {
            Some(why) => (Fate::Rebuild(why), 0),
            None => (Fate::Keep, checkpoint.changelog),
        },
    };
    match from < changelog.beginning {
        true => Err(Refusal::Truncated { from, beginning: changelog.beginning }),
        false => Ok(fate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(changelog: i64) -> Checkpoint {
        Checkpoint { changelog, rows: changelog, source: Some(1), at: 1_000_000_000_000, origin: "here".to_owned() }
    }

    fn of(found: Result<Checkpoint, String>, beginning: i64) -> Result<Fate, Refusal> {
        fate(found, "here", Extent { beginning, end: 90 })
    }

    #[test]
    fn a_state_of_this_task_within_its_changelog_is_kept() {
        for state in [at(50), at(90), Checkpoint::default()] {
            assert!(matches!(of(Ok(state.clone()), 0), Ok(Fate::Keep)), "{state:?}");
        }
    }

    #[test]
    fn a_state_that_is_damaged_or_cannot_be_caught_up_is_rebuilt() {
        for state in [Ok(at(91)), Err("no table".to_owned())] {
            assert!(matches!(of(state.clone(), 0), Ok(Fate::Rebuild(_))), "{state:?}");
        }
    }

    #[test]
    fn a_state_of_others_is_left_alone_whatever_the_changelog_is_like() {
        for state in [at(50), at(91)] {
            let state = Checkpoint { origin: "elsewhere".to_owned(), ..state };
            assert!(matches!(of(Ok(state.clone()), 0), Err(Refusal::OtherTopics { .. })), "{state:?}");
        }
    }

    #[test]
    fn nothing_is_rebuilt_from_a_changelog_that_lacks_its_beginning() {
        for state in [at(50), at(90)] {
            assert!(matches!(of(Ok(state.clone()), 50), Ok(Fate::Keep)), "it has what is missing: {state:?}");
        }
        let empty = Ok(Checkpoint::default());
        for state in [Ok(at(49)), Ok(at(91)), empty, Err("no table".to_owned())] {
            let refused = of(state.clone(), 50);
            assert!(matches!(refused, Err(Refusal::Truncated { beginning: 50, .. })), "{state:?}: {refused:?}");
        }
    }
}
