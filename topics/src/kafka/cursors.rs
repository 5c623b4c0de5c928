//! Where a session or reader stands in each partition that it holds.

use std::sync::Arc;

use crate::{Offset, TopicPartition};

/// A session's.
#[derive(Default)]
pub struct Cursor {
    /// The next record to hand out; nothing is fetched before [`Session::start_at`](crate::Session::start_at) sets it.
    pub position: Option<Offset>,
    pub paused: bool,
}

/// Few partitions are held, and their records come in runs: looking at the last one first, and then at each, is faster
/// than hashing the topic's name for every record.
pub struct Cursors<C> {
    held: Vec<(TopicPartition, C)>,
    last: usize,
}

impl<C> Default for Cursors<C> {
    fn default() -> Self {
        Self { held: Vec::new(), last: 0 }
    }
}

impl<C> FromIterator<(TopicPartition, C)> for Cursors<C> {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, C)>>(held: I) -> Self {
        Self { held: held.into_iter().collect(), last: 0 }
    }
}

impl<C> Cursors<C> {
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &C)> {
        self.held.iter().map(|(at, cursor)| (at, cursor))
    }

    pub fn get(&self, at: &TopicPartition) -> Option<&C> {
        self.iter().find(|(held, _)| same(held, at)).map(|(_, cursor)| cursor)
    }

    pub fn get_mut(&mut self, at: &TopicPartition) -> Option<&mut C> {
        if self.held.get(self.last).is_none_or(|(held, _)| !same(held, at)) {
            self.last = self.held.iter().position(|(held, _)| same(held, at))?;
        }
        self.held.get_mut(self.last).map(|(_, cursor)| cursor)
    }
}

/// Most often the names are one string in memory.
fn same(one: &TopicPartition, other: &TopicPartition) -> bool {
    one.partition == other.partition && (Arc::ptr_eq(&one.topic, &other.topic) || one.topic == other.topic)
}
