//! Where a session stands in each partition that it holds.

use std::sync::Arc;

use crate::{Offset, TopicPartition};

#[derive(Default)]
pub struct Cursor {
    /// The next record to hand out; nothing is fetched before [`Session::start_at`](crate::Session::start_at) sets it.
    pub position: Option<Offset>,
    pub paused: bool,
}

/// A member holds few partitions, and their records come in runs: looking at the last one first, and then at each,
/// is faster than hashing the topic's name for every record.
#[derive(Default)]
pub struct Cursors {
    held: Vec<(TopicPartition, Cursor)>,
    last: usize,
}

impl Cursors {
    /// Nothing is fetched from these yet.
    pub fn of(partitions: &[TopicPartition]) -> Self {
        Self { held: partitions.iter().map(|at| (at.clone(), Cursor::default())).collect(), last: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Cursor)> {
        self.held.iter().map(|(at, cursor)| (at, cursor))
    }

    pub fn get(&self, at: &TopicPartition) -> Option<&Cursor> {
        self.iter().find(|(held, _)| same(held, at)).map(|(_, cursor)| cursor)
    }

    pub fn get_mut(&mut self, at: &TopicPartition) -> Option<&mut Cursor> {
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
