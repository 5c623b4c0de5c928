//! Looks at a running application, and says what is new.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use anyhow::Result;
use tradewind_runtime::now;

use super::{application::Application, lines::Line};

/// Between looks, while every record counts.
const CLOSELY: Duration = Duration::from_millis(2);
/// Between looks, once it is well under way.
const AT_EASE: Duration = Duration::from_millis(50);
/// Then it is.
const UNDER_WAY: u64 = 1_000;

/// Runs until it is told to stop (or whoever would tell is gone), or a worker ends by itself; stops the application.
///
/// # Errors
/// What a worker ended of.
pub fn watch(application: Application, told: &Receiver<()>, mut say: impl FnMut(Line)) -> Result<()> {
    let (mut first, mut running, mut processed) = (false, false, 0);
    loop {
        if !first && application.progress.first_ms() != 0 {
            first = true;
            say(Line::First { at: application.progress.first_ms() });
        }
        if !running && application.is_running() {
            running = true;
            let restored = application.restored();
            if restored.records > 0 {
                say(Line::Restored { from: restored.from_ms, to: restored.to_ms, records: restored.records });
            }
            say(Line::Running { at: now().millis() });
        }
        let count = application.progress.count();
        if count != processed {
            processed = count;
            say(Line::Processed { count, at: now().millis() });
        }
        let pause = if running && processed > UNDER_WAY { AT_EASE } else { CLOSELY };
        if told.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) || application.has_ended() {
            return application.stop();
        }
    }
}
