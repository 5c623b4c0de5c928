//! Forgetting by key: of each key the last record stays.
//!
//! A pass learns the keys of what was written since the last pass, and deletes earlier records of those keys in all of
//! the partition. Only published records are looked at, and a deleted one always has a later one of its key below the
//! same end, so a reader that comes by during a pass may see more than it needs, but never misses a key's last value.

use std::{collections::HashMap, time::Duration};

use rocksdb::WriteBatch;
use serde::{Deserialize, Serialize};

use super::{
    encoding::key_and_tombstone,
    engine::Engine,
    keys::{Note, offset_of},
    maintenance::{Effort, before},
    rocks::Rocks,
    topics::Partition,
};
use crate::{LogError, Millis, Offset};

/// Memory for the keys of one pass, in bytes; a larger remainder is compacted in several passes.
const KEYS_BYTES: usize = 64 << 20;
/// What a key costs in memory besides its bytes.
const KEY_OVERHEAD: usize = 64;
/// Records looked at between two chances for others to close or reopen the store.
const STRIDE: usize = 4096;
/// Fewer new records than these are not worth a pass, unless they have waited for long.
const WORTHWHILE: u64 = 10_000;
const LONGEST_WAIT: Duration = Duration::from_secs(12 * 3600);
/// Passes remembered for the age of tombstones.
const PASSES_KEPT: usize = 64;

/// What earlier passes did.
#[derive(Default, Serialize, Deserialize)]
struct History {
    /// Below this every key but the last of its kind is gone.
    clean: Offset,
    /// Records that stayed.
    stayed: u64,
    /// Up to which offset passes went, and when. A tombstone counts its age from the first pass over it, not from its
    /// own timestamp, which may be old when it is written.
    passes: Vec<(Offset, Millis)>,
}

pub fn compact(
    engine: &Engine,
    partition: &Partition,
    tombstones_for: Duration,
    now: Millis,
    effort: Effort,
) -> Result<(), LogError> {
    let mut history = engine.read(|rocks| history(partition, rocks))?;
    let oldest = before(now, tombstones_for);
    if effort == Effort::Worthwhile && !history.is_worthwhile(partition.end(), oldest, now) {
        return Ok(());
    }
    let end = partition.end();
    let mut deleted = false;
    loop {
        let keys = learn(engine, partition, history.clean, end)?;
        history.passes.push((keys.below, now));
        let horizon = history.take_horizon(oldest);
        let swept = sweep(engine, partition, &keys, horizon)?;
        deleted |= swept.deleted;
        history.stayed = swept.stayed;
        history.clean = keys.below;
        remember(engine, partition, &history)?;
        if keys.below >= end {
            break;
        }
    }
    if deleted {
        // Erased personal data is among it, so it must not lie about until RocksDB needs the room.
        let (from, to) = (partition.id.record(0), partition.id.record(end));
        engine.read(|rocks| Ok(rocks.purge(&from, &to)))?.map_err(|error| engine.note_failure(&error))?;
    }
    Ok(())
}

impl History {
    fn is_worthwhile(&self, end: Offset, oldest: Millis, now: Millis) -> bool {
        let new = (end - self.clean) as u64;
        let waited = self.passes.last().is_none_or(|(_, at)| *at < before(now, LONGEST_WAIT));
        let tombstones_due = self.passes.iter().any(|(_, at)| *at < before(oldest, LONGEST_WAIT));
        new >= WORTHWHILE.max(self.stayed / 2) || (new > 0 && waited) || tombstones_due
    }

    /// The offset below which tombstones have been there for long enough. Forgets the passes that told it.
    fn take_horizon(&mut self, oldest: Millis) -> Offset {
        let due = self.passes.partition_point(|(_, at)| *at <= oldest);
        let horizon = self.passes.drain(..due).next_back().map_or(0, |(below, _)| below);
        if self.passes.len() > PASSES_KEPT {
            // Forgetting one in the middle only lets its tombstones stay for longer.
            self.passes.remove(self.passes.len() / 2);
        }
        horizon
    }
}

/// The last offset of each key in a range.
struct Keys {
    last: HashMap<Vec<u8>, Offset>,
    /// The range's end.
    below: Offset,
}

fn learn(engine: &Engine, partition: &Partition, from: Offset, to: Offset) -> Result<Keys, LogError> {
    let mut keys = Keys { last: HashMap::new(), below: to };
    let mut bytes = 0;
    walk(engine, partition, from, to, |_, offset, key, _| {
        let Some(key) = key else { return true };
        if let Some(last) = keys.last.get_mut(key) {
            *last = offset;
        } else {
            bytes += key.len() + KEY_OVERHEAD;
            if bytes > KEYS_BYTES {
                keys.below = offset;
                return false;
            }
            keys.last.insert(key.to_vec(), offset);
        }
        true
    })?;
    Ok(keys)
}

struct Swept {
    deleted: bool,
    stayed: u64,
}

/// Deletes what the keys make superfluous, and tombstones below the horizon.
fn sweep(engine: &Engine, partition: &Partition, keys: &Keys, horizon: Offset) -> Result<Swept, LogError> {
    let mut superfluous = WriteBatch::default();
    let mut swept = Swept { deleted: false, stayed: 0 };
    let mut written = Ok(());
    walk(engine, partition, partition.beginning(), keys.below, |rocks, offset, key, tombstone| {
        let overtaken = key.and_then(|key| keys.last.get(key)).is_some_and(|last| *last > offset);
        if overtaken || (tombstone && key.is_some() && offset < horizon) {
            superfluous.delete_cf(rocks.records(), partition.id.record(offset));
            swept.deleted = true;
        } else {
            swept.stayed += 1;
        }
        if superfluous.len() >= STRIDE {
            written = rocks.write_repeatable(std::mem::take(&mut superfluous));
        }
        written.is_ok()
    })?;
    written.map_err(|error| engine.note_failure(&error))?;
    write(engine, |_| superfluous)?;
    Ok(swept)
}

/// Calls for each record with its offset, key and whether it is a tombstone, while the answer is `true`.
fn walk(
    engine: &Engine,
    partition: &Partition,
    mut from: Offset,
    to: Offset,
    mut each: impl FnMut(&Rocks, Offset, Option<&[u8]>, bool) -> bool,
) -> Result<(), LogError> {
    while from < to {
        engine.check_open()?;
        from = engine.read(|rocks| {
            let mut rows = rocks.range(rocks.records(), &partition.id.record(from), &partition.id.record(to));
            for _ in 0..STRIDE {
                let Some((row, value)) = rows.item() else {
                    return rocks.ended(&rows).map(|()| to);
                };
                let (Some(offset), Some((key, tombstone))) = (offset_of(row), key_and_tombstone(value)) else {
                    return Err(rocks.nonsense(format!("a record of {}", partition.name)));
                };
                if !each(rocks, offset, key, tombstone) {
                    return Ok(to);
                }
                from = offset + 1;
                rows.next();
            }
            Ok(from)
        })?;
    }
    Ok(())
}

fn history(partition: &Partition, rocks: &Rocks) -> Result<History, LogError> {
    match rocks.get(rocks.positions(), &partition.id.note(Note::Compaction))? {
        Some(value) => serde_json::from_slice(&value)
            .map_err(|error| rocks.nonsense(format!("the compaction of {} ({error})", partition.name))),
        None => Ok(History::default()),
    }
}

fn remember(engine: &Engine, partition: &Partition, history: &History) -> Result<(), LogError> {
    let value = serde_json::to_vec(history).map_err(|error| LogError::Misuse(error.to_string()))?;
    write(engine, |rocks| {
        let mut batch = WriteBatch::default();
        batch.put_cf(rocks.positions(), partition.id.note(Note::Compaction), value);
        batch
    })
}

fn write(engine: &Engine, batch: impl FnOnce(&Rocks) -> WriteBatch) -> Result<(), LogError> {
    let written = engine.read(|rocks| Ok(rocks.write_repeatable(batch(rocks))))?;
    written.map_err(|error| engine.note_failure(&error))
}
