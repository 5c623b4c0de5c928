//! Memory for the rows that tasks keep at hand.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What the rows of all tasks of a process may take together. Each task that is open has an equal share: a half for
/// what waits for a flush, a half for what is kept of it afterwards.
#[derive(Clone, Debug)]
pub struct Room {
    bytes: usize,
    tasks: Arc<AtomicUsize>,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { bytes, tasks: Arc::default() }
    }

    pub(crate) fn share(&self) -> Share {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }
}

/// One task's part of the room, which the others have when it is dropped.
pub(crate) struct Share(Room);

impl Share {
    /// It shrinks and grows as tasks come and go.
    pub fn half(&self) -> usize {
        self.0.bytes / self.0.tasks.load(Ordering::Relaxed).max(1) / 2
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_share_alike_and_those_that_stay_have_what_others_leave() {
        let room = Room::new(1_000);
        let one = room.share();
        assert_eq!(one.half(), 500);
        let other = room.clone().share();
        assert_eq!((one.half(), other.half()), (250, 250));
        drop(one);
        assert_eq!(other.half(), 500);
    }
}
