//! Reading partitions from positions that move.

use std::sync::Arc;

use super::{
    alarm::Alarm,
    encoding::{Names, decode},
    engine::Engine,
    keys::offset_of,
    rocks::Rocks,
    topics::Partition,
};
use crate::{LogError, Offset, Record, TopicPartition};

/// One fetch stops after about so many bytes, so that large records do not pile up in memory.
const FETCH_BYTES: usize = 4 << 20;

/// Reads several partitions, in turns.
pub struct Fetcher {
    pub alarm: Arc<Alarm>,
    cursors: Vec<Cursor>,
    /// Which cursor is read first next time.
    turn: usize,
    names: Names,
    /// Found after records that had to be handed out first.
    fault: Option<LogError>,
}

struct Cursor {
    partition: Arc<Partition>,
    position: Offset,
    paused: bool,
}

/// What one fetch found.
pub struct Fetched {
    pub records: Vec<Record>,
    /// Whether a position moved, be it only over a gap.
    pub moved: bool,
}

impl Fetcher {
    pub fn new() -> Self {
        Self { alarm: Arc::default(), cursors: Vec::new(), turn: 0, names: Names::default(), fault: None }
    }

    /// # Errors
    /// [`LogError::OffsetOutOfRange`]
    pub fn start(&mut self, partition: Arc<Partition>, position: Offset) -> Result<(), LogError> {
        if position < partition.beginning() || position > partition.end() {
            return Err(LogError::OffsetOutOfRange { partition: partition.name.clone(), offset: position });
        }
        match self.cursors.iter_mut().find(|cursor| cursor.partition.id == partition.id) {
            Some(cursor) => cursor.position = position,
            None => {
                partition.watch(&self.alarm);
                self.cursors.push(Cursor { partition, position, paused: false });
            }
        }
        Ok(())
    }

    pub fn stop(&mut self, partitions: &[TopicPartition]) {
        self.cursors.retain(|cursor| {
            let stops = partitions.contains(&cursor.partition.name);
            if stops {
                cursor.partition.unwatch(&self.alarm);
            }
            !stops
        });
    }

    pub fn stop_all(&mut self) {
        for cursor in self.cursors.drain(..) {
            cursor.partition.unwatch(&self.alarm);
        }
        self.fault = None;
    }

    pub fn pause(&mut self, partitions: &[TopicPartition], paused: bool) {
        for cursor in &mut self.cursors {
            if partitions.contains(&cursor.partition.name) {
                cursor.paused = paused;
            }
        }
    }

    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.cursors.iter().find(|cursor| cursor.partition.name == *partition).map(|cursor| cursor.position)
    }

    /// Takes what is there now, at most `most` records; does not wait.
    pub fn fetch(&mut self, engine: &Engine, most: usize) -> Result<Fetched, LogError> {
        engine.check_open()?;
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let mut fetched = Fetched { records: Vec::new(), moved: false };
        if !self.cursors.iter().any(Cursor::has_more) {
            return Ok(fetched);
        }
        let count = self.cursors.len();
        let first = self.turn % count;
        let mut budget = Budget { records: most, bytes: FETCH_BYTES };
        let read = engine.read(|rocks| {
            for at in (first..count).chain(0..first) {
                let cursor = &mut self.cursors[at];
                if cursor.has_more() {
                    cursor.read(rocks, &mut budget, &mut self.names, &mut fetched.records)?;
                    fetched.moved = true;
                }
                if budget.is_spent() {
                    self.turn = at + 1;
                    break;
                }
            }
            Ok(())
        });
        match read {
            Err(fault) if fetched.moved => self.fault = Some(fault),
            result => result?,
        }
        Ok(fetched)
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.stop_all();
    }
}

struct Budget {
    records: usize,
    bytes: usize,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.records == 0 || self.bytes == 0
    }
}

impl Cursor {
    fn has_more(&self) -> bool {
        !self.paused && (self.position < self.partition.end() || self.position < self.partition.beginning())
    }

    /// Reads on until the end or until the budget is spent. After an error the cursor stands where it stood.
    fn read(
        &mut self,
        rocks: &Rocks,
        budget: &mut Budget,
        names: &mut Names,
        records: &mut Vec<Record>,
    ) -> Result<(), LogError> {
        let (partition, end, already) = (&self.partition, self.partition.end(), records.len());
        let mut rows = rocks.range(rocks.records(), &partition.id.record(self.position), &partition.id.record(end));
        let position = loop {
            let Some((key, value)) = rows.item() else {
                if let Err(fault) = rocks.ended(&rows) {
                    records.truncate(already);
                    return Err(fault);
                }
                break end;
            };
            if budget.is_spent() {
                break records.last().map_or(self.position, Record::after);
            }
            let record = offset_of(key).and_then(|offset| decode(partition, offset, value, names));
            let Some(record) = record else {
                records.truncate(already);
                return Err(rocks.nonsense(format!("a record of {}", partition.name)));
            };
            budget.records -= 1;
            budget.bytes = budget.bytes.saturating_sub(value.len());
            records.push(record);
            rows.next();
        };
        // Retention says first what it will delete: what was read may have lacked records that expired meanwhile.
        if self.position < partition.beginning() {
            records.truncate(already);
            return Err(LogError::OffsetOutOfRange { partition: partition.name.clone(), offset: self.position });
        }
        self.position = position;
        Ok(())
    }
}
