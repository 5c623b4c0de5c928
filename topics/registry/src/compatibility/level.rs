//! How much compatibility a subject asks for.

use std::{fmt, str::FromStr};

/// Confluent's compatibility levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    None,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

const NAMES: [(Level, &str); 7] = [
    (Level::None, "NONE"),
    (Level::Backward, "BACKWARD"),
    (Level::BackwardTransitive, "BACKWARD_TRANSITIVE"),
    (Level::Forward, "FORWARD"),
    (Level::ForwardTransitive, "FORWARD_TRANSITIVE"),
    (Level::Full, "FULL"),
    (Level::FullTransitive, "FULL_TRANSITIVE"),
];

/// Topics are replayed from their beginning, so a release must read what all earlier ones wrote.
impl Default for Level {
    fn default() -> Self {
        Self::BackwardTransitive
    }
}

impl Level {
    /// Whether all earlier versions count, not the last one alone.
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    /// Whether readers with the new schema must read what was written with the old.
    pub fn new_reads_old(self) -> bool {
        matches!(self, Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether readers with the old schema must read what will be written with the new.
    pub fn old_reads_new(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(level, _)| level == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Level {
    type Err = ();

    /// In either case, as Confluent takes them.
    fn from_str(text: &str) -> Result<Self, ()> {
        NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(level, _)| *level).ok_or(())
    }
}
