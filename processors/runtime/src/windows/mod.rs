//! Aggregates over windows of time: what a windowed fold is to the runtime.

mod aligned;
mod closing;
mod progress;
mod rows;
mod shape;
mod sliding;
mod stage;

use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{Contract, Key, Timestamp, View};
use tradewind_topics::Topic;

use crate::{Context, Sends};

pub use progress::Progress;
pub use shape::{Window, Windows};
pub use stage::Windowed;

/// A stage that adds its source's records up, by key and window of time. All its functions are pure.
///
/// ```text
///                       ┌─ too late for all of its windows ─► counted
/// record ─► time ─► add ┴─► window start -> aggregate, to be asked
///                               └─ the window closes ─► closed, once ─► its result, sent
/// ```
pub trait WindowedFold: Send + Sync + 'static {
    type Key: Key;
    type Record: Contract;
    /// What a window holds; a window begins with the default. Small and bounded: it is read and written with every
    /// record of its window, and at most 256 KiB. Its serialised form is kept.
    type Aggregate: Default + Serialize + DeserializeOwned;

    /// Such as `order.by-hour`.
    const STAGE: &'static str;
    const SOURCE: Topic<Self::Key, Self::Record>;
    /// Under each key: what its windows hold, by their start.
    const VIEW: View<Timestamp, Self::Aggregate>;
    /// Under each key: how many of its records came too late.
    const LATE: View<(), u64>;

    /// How time is cut. A stage that has begun keeps its kind and size of windows for good, and refuses to run with
    /// others; grace and the rest may change.
    fn windows(&self) -> Windows;

    /// When the record happened: the envelope's time, unless the payload knows better.
    fn time(_: &Self::Record, context: &Context<'_>) -> Timestamp {
        context.at
    }

    /// The aggregate with one more record. A window's records come in the order in which they lie on the log.
    fn add(aggregate: &mut Self::Aggregate, record: &Self::Record, context: &Context<'_>);

    /// What becomes of a window that has closed, under whose key `to` is; nothing, unless it says otherwise.
    fn closed(_: Window, _: Self::Aggregate, _: &mut Sends<Self::Key>) {}
}
