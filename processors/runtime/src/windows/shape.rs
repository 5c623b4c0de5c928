//! How time is cut into windows: in whole milliseconds, exactly.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tradewind_schemas::Timestamp;

/// The longest duration, and half of how far from 1970 a time may lie: sums of two cannot overflow.
const LONGEST: i64 = 1 << 60;
/// The most windows that a record of hopping ones belongs to.
const MOST_OVERLAPS: i64 = 1_000;

/// A window: from `start`, inclusive, to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// How time is cut into windows, and how long they wait and are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub(super) shape: Shape,
    grace: i64,
    kept: i64,
    leap: i64,
}

/// What a stage cannot change once it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    Hopping { size: i64, every: i64 },
    Sliding { difference: i64 },
}

impl Windows {
    /// Windows without gap or overlap, counted from 1970: `[n·size, (n+1)·size)`.
    ///
    /// # Panics
    /// As the others: where a duration is longer than 36 million years, or a size below a millisecond.
    pub const fn tumbling(size: Duration) -> Self {
        Self::hopping(size, size)
    }

    /// Windows of one size of which one begins `every` so often: `[n·every, n·every + size)`. A record belongs to
    /// size/every of them.
    ///
    /// # Panics
    /// Where `every` is zero, longer than the size, or below a thousandth of it.
    pub const fn hopping(size: Duration, every: Duration) -> Self {
        let (size, every) = (millis(size), millis(every));
        assert!(every > 0 && every <= size && size / every <= MOST_OVERLAPS, "windows that do not cover time");
        Self::of(Shape::Hopping { size, every })
    }

    /// Windows that records define, as Kafka Streams has them: for each record of a key at `t` the window
    /// `[t - difference, t]`, which it ends, and `[t + 1, t + 1 + difference]`, if there are records in it. Two records
    /// are together in a window if and only if they are at most `difference` apart.
    pub const fn sliding(difference: Duration) -> Self {
        Self::of(Shape::Sliding { difference: millis(difference) })
    }

    const fn of(shape: Shape) -> Self {
        let day = millis(Duration::from_secs(86_400));
        Self { shape, grace: 0, kept: day, leap: day }
    }

    /// How long after its end a window still takes records, by stream time; nothing, unless said.
    pub const fn grace(self, grace: Duration) -> Self {
        Self { grace: millis(grace), ..self }
    }

    /// How long after it has closed a window can still be asked for, by stream time; a day, unless said.
    pub const fn kept_for(self, kept: Duration) -> Self {
        Self { kept: millis(kept), ..self }
    }

    /// By how much one record alone may move stream time; a day, unless said. See [`Progress`](super::Progress).
    pub const fn leap(self, leap: Duration) -> Self {
        Self { leap: millis(leap), ..self }
    }

    /// From the start of a window to its exclusive end.
    const fn length(&self) -> i64 {
        match self.shape {
            Shape::Hopping { size, .. } => size,
            Shape::Sliding { difference } => difference + 1,
        }
    }

    pub(super) fn end_of(&self, start: i64) -> i64 {
        start + self.length()
    }

    /// The window that ends there.
    pub(super) fn window(&self, end: i64) -> Window {
        Window { start: Timestamp::from_millis(end - self.length()), end: Timestamp::from_millis(end) }
    }

    /// The end of the last window that a record of this time can belong to.
    pub(super) fn last_end(&self, time: i64) -> i64 {
        match self.shape {
            Shape::Hopping { every, .. } => self.end_of(time.div_euclid(every) * every),
            Shape::Sliding { .. } => self.end_of(time),
        }
    }

    /// At this stream time every window has closed that ends then or before.
    pub(super) fn closed(&self, stream_time: i64) -> i64 {
        stream_time - self.grace
    }

    /// Once windows up to there have closed, those that end here or before are not kept any more.
    pub(super) fn forgotten(&self, closed: i64) -> i64 {
        closed - self.kept
    }

    pub(super) fn leaps(&self, from: i64, to: i64) -> bool {
        to - from > self.leap
    }
}

/// Whether a time can be reckoned with.
pub(super) fn is_reckonable(time: Timestamp) -> bool {
    time.millis().unsigned_abs() <= LONGEST as u64
}

/// Where stream time begins: before all records.
pub(super) const BEGINNING: i64 = -LONGEST;

const fn millis(duration: Duration) -> i64 {
    let millis = duration.as_millis();
    assert!(millis <= LONGEST as u128, "a duration that no time can be reckoned with");
    millis as i64
}
