//! A task of which the worker is still to be told where it stands.

use tradewind_state::TaskState;

use crate::task::Opened;

#[derive(Default)]
pub(super) struct Unplaced {
    pub holds: Holds,
    /// Without the state; `None` until it is looked up.
    pub positions: Option<Opened>,
}

/// Who has the task's state.
#[derive(Default)]
pub(super) enum Holds {
    /// Nobody yet: its store is to be opened, and is damaged if this says so.
    Closed(Option<String>),
    /// We have, until the worker is told.
    Opened(TaskState),
    #[default]
    Worker,
}

impl Unplaced {
    pub fn closed(damage: Option<String>) -> Self {
        Self { holds: Holds::Closed(damage), positions: None }
    }

    pub fn opened(state: TaskState) -> Self {
        Self { holds: Holds::Opened(state), positions: None }
    }

    /// Whether the worker can be told.
    pub fn is_known(&self) -> bool {
        self.positions.is_some() && !matches!(self.holds, Holds::Closed(_))
    }
}
