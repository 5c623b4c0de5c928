//! The model: for every window that there could be, a look at all records.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tradewind_runtime::Windows;

use super::{ms, partition};

pub const KEYS: usize = 3;
pub const EARLIEST: i64 = -60;
pub const LATEST: i64 = 120;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Hopping { size: i64, every: i64 },
    Sliding { difference: i64 },
}

#[derive(Clone, Debug)]
pub struct Case {
    pub kind: Kind,
    pub grace: i64,
    pub kept: i64,
    pub records: Vec<Arrival>,
}

#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub key: usize,
    pub at: i64,
    pub then: Then,
}

/// What happens to the task when it has taken a record.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Nothing,
    Commit,
    Crash,
}

impl Case {
    pub fn windows(&self) -> Windows {
        let windows = match self.kind {
            Kind::Hopping { size, every } => Windows::hopping(ms(size), ms(every)),
            Kind::Sliding { difference } => Windows::sliding(ms(difference)),
        };
        windows.grace(ms(self.grace)).kept_for(ms(self.kept)).leap(ms(1 << 60))
    }
}

/// What windows there should be: by key and start, with exclusive end and content.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub windows: BTreeMap<(usize, i64), (i64, Vec<i64>)>,
    pub late: BTreeMap<usize, u64>,
    /// By partition: what ends then or before has closed.
    pub closed: BTreeMap<u32, i64>,
}

/// For every window that there could be: the records that came while it was open, if it is one.
pub fn model(case: &Case) -> Expected {
    let mut expected = Expected::default();
    let mut stream_time = BTreeMap::new();
    // What had closed when each record came.
    let mut closed = Vec::new();
    for record in &case.records {
        let stream_time = stream_time.entry(partition(record.key)).or_insert(i64::MIN / 2);
        *stream_time = record.at.max(*stream_time);
        closed.push(*stream_time - case.grace);
        expected.closed.insert(partition(record.key), *stream_time - case.grace);
    }
    let length = match case.kind {
        Kind::Hopping { size, .. } => size,
        Kind::Sliding { difference } => difference + 1,
    };
    for key in 0..KEYS {
        let own: Vec<_> = case.records.iter().enumerate().filter(|(_, record)| record.key == key).collect();
        // This record is in a window that begins there, if it is one, and came while it was open.
        let counts =
            |start: i64, n: usize, at: i64| (start..start + length).contains(&at) && start + length > closed[n];
        let lies_on_the_grid = |start: &i64| match case.kind {
            Kind::Hopping { every, .. } => start % every == 0,
            Kind::Sliding { .. } => true,
        };
        let could: Vec<i64> = (EARLIEST - 50..LATEST + 50).filter(lies_on_the_grid).collect();
        let accepted: BTreeSet<usize> =
            own.iter().filter(|(n, r)| could.iter().any(|start| counts(*start, *n, r.at))).map(|(n, _)| *n).collect();
        if accepted.len() < own.len() {
            expected.late.insert(key, (own.len() - accepted.len()) as u64);
        }
        for start in could {
            let within: Vec<_> = own.iter().filter(|(n, record)| counts(start, *n, record.at)).collect();
            let is_one = match case.kind {
                Kind::Hopping { .. } => true,
                // A record ends it; or one lies right before it, and both were there before it had closed.
                Kind::Sliding { difference } => {
                    let ends = within.iter().any(|(_, record)| record.at - difference == start);
                    let before = own.iter().filter(|(n, record)| record.at + 1 == start && accepted.contains(n));
                    ends || before.clone().any(|(n, _)| within.iter().any(|(m, r)| counts(start, *n.max(m), r.at)))
                }
            };
            if is_one && !within.is_empty() {
                let numbers = within.iter().map(|(n, _)| *n as i64).collect();
                expected.windows.insert((key, start), (start + length, numbers));
            }
        }
    }
    expected
}

pub fn cases() -> impl Strategy<Value = Case> {
    let hopping = (1..20i64, 1..20i64).prop_map(|(a, b)| Kind::Hopping { size: a.max(b), every: a.min(b) });
    let tumbling = (1..20i64).prop_map(|size| Kind::Hopping { size, every: size });
    let sliding = (0..20i64).prop_map(|difference| Kind::Sliding { difference });
    let then = prop_oneof![3 => Just(Then::Nothing), 3 => Just(Then::Commit), 1 => Just(Then::Crash)];
    // Time goes on, by and large, and back and forth meanwhile.
    let arrival = (0..KEYS, -30..30i64, then);
    let arrivals = prop::collection::vec(arrival, 1..60);
    (prop_oneof![tumbling, hopping, sliding], 0..25i64, 0..40i64, arrivals).prop_map(|(kind, grace, kept, arrivals)| {
        let records = arrivals.into_iter().enumerate();
        let at = |n: usize, by: i64| (EARLIEST / 2 + 2 * n as i64 + by).clamp(EARLIEST, LATEST);
        let records = records.map(|(n, (key, by, then))| Arrival { key, at: at(n, by), then }).collect();
        Case { kind, grace, kept, records }
    })
}
