//! Sliding windows: the records say where they lie. A window that begins to be takes in what came before it was, so
//! the records themselves are kept until no window of theirs can be open.

use std::collections::BTreeSet;

use bytes::Bytes;
use tradewind_schemas::Codec;
use tradewind_state::TaskState;
use tradewind_topics::Record;

use super::{WindowedFold, Windows, progress::Progress, rows};
use crate::{Context, stage::Failure};

/// What is at hand when a record is added.
pub struct Sliding<'a, F: WindowedFold> {
    pub codec: &'a Codec<F::Record>,
    pub windows: &'a Windows,
    pub difference: i64,
    pub context: Context<'a>,
}

impl<F: WindowedFold> Sliding<'_, F> {
    /// Adds a record to the windows that it lies in, and makes those that are because of it.
    pub fn add(
        &self,
        task: &mut TaskState,
        progress: &mut Progress,
        time: i64,
        payload: &F::Record,
        record: &Record,
    ) -> Result<(), Failure> {
        let (key, difference) = (self.context.key, self.difference);
        let value = record.value.clone().unwrap_or_default();
        rows::keep_record(task, key, time, record.offset, value);
        progress.next_drop = progress.next_drop.min(drop_at(time, difference));

        // The first record after which one may begin lies a millisecond before the windows that this one lies in.
        let around = rows::records(task, key, time - difference - 1..=time + 1 + difference)?;
        let begin_after = around.iter().map(|(time, _)| *time).filter(|before| *before < time).map(|before| before + 1);
        let mut missing: BTreeSet<i64> = begin_after.chain([time - difference, time + 1]).collect();
        missing.retain(|start| self.windows.end_of(*start) > progress.closed);

        for (start, mut aggregate) in rows::aggregates(task, F::VIEW, key, time - difference..=time + 1)? {
            missing.remove(&start);
            if start <= time && self.windows.end_of(start) > progress.closed {
                F::add(&mut aggregate, payload, &self.context);
                rows::put_aggregate(task, F::VIEW, key, start, &aggregate)?;
            }
        }
        for start in missing {
            let within = around.iter().filter(|(time, _)| (start..=start + difference).contains(time));
            if let Some(aggregate) = self.whole(within)? {
                progress.opens(task, key, self.windows.end_of(start));
                rows::put_aggregate(task, F::VIEW, key, start, &aggregate)?;
            }
        }
        Ok(())
    }

    /// The aggregate of these records; `None` where there are none.
    fn whole<'r>(&self, records: impl Iterator<Item = &'r (i64, Bytes)>) -> Result<Option<F::Aggregate>, Failure> {
        let mut whole = None;
        for (_, value) in records {
            let envelope = self.codec.decode(value)?;
            let context = Context { key: &envelope.key, id: envelope.id, at: envelope.at, actor: &envelope.actor };
            F::add(whole.get_or_insert_default(), &envelope.payload, &context);
        }
        Ok(whole)
    }
}

/// Once windows up to here have closed, a record of this time is of no use: neither the last window that it lies in is
/// open, nor the one that begins after it.
pub fn drop_at(time: i64, difference: i64) -> i64 {
    time + difference + 2
}
