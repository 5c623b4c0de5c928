//! Tumbling and hopping windows: each lies where it lies, whatever the records.

use tradewind_state::TaskState;

use super::{WindowedFold, Windows, progress::Progress, rows};
use crate::{Context, stage::Failure};

/// Adds a record to those of its windows that are open.
pub fn add<F: WindowedFold>(
    task: &mut TaskState,
    progress: &mut Progress,
    windows: &Windows,
    every: i64,
    (time, record, context): (i64, &F::Record, &Context<'_>),
) -> Result<(), Failure> {
    let mut start = time.div_euclid(every) * every;
    while windows.end_of(start) > time {
        let end = windows.end_of(start);
        if end > progress.closed {
            let known = rows::aggregate(task, F::VIEW, context.key, start)?;
            if known.is_none() {
                progress.opens(task, context.key, end);
            }
            let mut aggregate = known.unwrap_or_default();
            F::add(&mut aggregate, record, context);
            rows::put_aggregate(task, F::VIEW, context.key, start, &aggregate)?;
        }
        start -= every;
    }
    Ok(())
}
