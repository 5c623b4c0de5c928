//! Forgetting by age: records go from the front, up to the first that is young enough.

use rocksdb::WriteBatch;

use super::{
    engine::Engine,
    keys::{Note, offset_value},
    tail,
    topics::Partition,
};
use crate::{LogError, Millis};

/// Deletes what lies before the first record at or after `oldest`.
pub fn expire(engine: &Engine, partition: &Partition, oldest: Millis) -> Result<(), LogError> {
    let (was, to) = engine.read(|rocks| Ok((partition.beginning(), tail::first_at(partition, oldest, rocks)?)))?;
    if to <= was {
        return Ok(());
    }
    // Said first, so that a reader that finds records missing can tell that they expired.
    partition.begin_at(to);
    let written = engine.read(|rocks| {
        let id = partition.id;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(rocks.records(), id.record(was), id.record(to));
        batch.delete_range_cf(rocks.times(), id.time(Millis::MIN), id.time(oldest));
        batch.put_cf(rocks.positions(), id.note(Note::Beginning), offset_value(to));
        Ok(rocks.write_repeatable(batch).and_then(|()| {
            // Whole files of what was just deleted need not wait to be rewritten. The end is inclusive here.
            rocks.db.delete_file_in_range_cf(rocks.records(), id.record(was), id.record(to - 1))
        }))
    })?;
    written.map_err(|error| engine.note_failure(&error))
}
