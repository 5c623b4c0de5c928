//! What an application tells of itself while it runs: a line each on its standard output, so that other programs can
//! be measured by the same driver.

use std::fmt;

/// All times are in milliseconds of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The first record came.
    First { at: i64 },
    /// Every task has its state and takes records.
    Running { at: i64 },
    /// So many records were processed.
    Processed { count: u64, at: i64 },
    /// State was read from its changelog.
    Restored { from: i64, to: i64, records: u64 },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First { at } => write!(f, "FIRST {at}"),
            Self::Running { at } => write!(f, "RUNNING {at}"),
            Self::Processed { count, at } => write!(f, "P {count} {at}"),
            Self::Restored { from, to, records } => write!(f, "RESTORED {from} {to} {records}"),
        }
    }
}

impl Line {
    /// `None` for a line that says something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let name = words.next()?;
        let mut next = || words.next()?.parse::<i64>().ok();
        match name {
            "FIRST" => Some(Self::First { at: next()? }),
            "RUNNING" => Some(Self::Running { at: next()? }),
            "P" => Some(Self::Processed { count: next()?.try_into().ok()?, at: next()? }),
            "RESTORED" => Some(Self::Restored { from: next()?, to: next()?, records: next()?.try_into().ok()? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let lines = [
            Line::First { at: 5 },
            Line::Running { at: 6 },
            Line::Processed { count: 7, at: 8 },
            Line::Restored { from: 9, to: 10, records: 11 },
        ];
        for line in lines {
            assert_eq!(Line::parse(&line.to_string()), Some(line));
        }
        assert_eq!(Line::parse("anything else"), None);
        assert_eq!(Line::parse("P 7"), None);
    }
}
