//! The stage that adds records up in windows.

use tradewind_schemas::View;
use tradewind_state::TaskState;
use tradewind_topics::Record;

use super::{
    WindowedFold, Windows, aligned, closing,
    progress::Progress,
    shape::{Shape, is_reckonable},
    sliding::Sliding,
};
use crate::{
    Codecs, Context,
    entity::{VIEWS, row_key},
    reading,
    sends::Writing,
    stage::{Failure, Output, Stage},
    stored,
};

/// Runs a [`WindowedFold`].
pub struct Windowed<F> {
    codecs: Codecs,
    windows: Windows,
    fold: std::marker::PhantomData<fn() -> F>,
}

impl<F: WindowedFold> Windowed<F> {
    pub fn new(fold: &F, codecs: Codecs) -> Self {
        Self { codecs, windows: fold.windows(), fold: std::marker::PhantomData }
    }
}

impl<F: WindowedFold> Stage for Windowed<F> {
    fn name(&self) -> &str {
        F::STAGE
    }

    fn source(&self) -> &'static str {
        F::SOURCE.name
    }

    /// All outputs are of windows that close: the task waits.
    fn misfit(&self, why: String) -> Failure {
        Failure::Environment(format!("a window cannot be closed: {why}"))
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (payload, around) = reading::envelope(&self.codecs, F::SOURCE, record)?.split();
        let context = Context { key: &around.key, id: around.id, at: around.at, actor: &around.actor };
        let time = F::time(&payload, &context);
        if !is_reckonable(time) {
            return Err(Failure::Record(format!("its time, {time}, is out of all bounds")));
        }
        let (time, windows) = (time.millis(), &self.windows);
        let mut progress = Progress::load(task, windows)?;
        if windows.last_end(time) <= progress.closed {
            progress.late += 1;
            count_late(task, F::LATE, context.key)?;
        } else {
            progress.advance(time, windows);
            match windows.shape {
                Shape::Hopping { every, .. } => {
                    aligned::add::<F>(task, &mut progress, windows, every, (time, &payload, &context))?;
                }
                Shape::Sliding { difference } => {
                    let codec = self.codecs.of(F::SOURCE.name)?;
                    let sliding = Sliding::<F> { codec, windows, difference, context };
                    sliding.add(task, &mut progress, time, &payload, record)?;
                }
            }
        }
        let mut writing = Writing { codecs: &self.codecs, stage: F::STAGE, record, around: &around, out };
        closing::close::<F>(task, &mut progress, windows, &mut writing)?;
        closing::forget::<F>(task, &mut progress, windows)?;
        progress.save(task);
        Ok(())
    }
}

fn count_late(task: &mut TaskState, view: View<(), u64>, key: &str) -> Result<(), Failure> {
    let row = row_key(view.table, key, &());
    let before: u64 = task.get(VIEWS, &row)?.map_or(Ok(0), |bytes| stored::read(&bytes, 1))?;
    task.put(VIEWS, &row, stored::write(&(before + 1), 1));
    Ok(())
}
