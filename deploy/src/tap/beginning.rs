//! Where a tap begins.

use std::str::FromStr;

use tradewind_schemas::Timestamp;
use tradewind_topics::Start;

/// `beginning`, `end`, or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    First,
    End,
    At(Timestamp),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tap begins at `beginning`, at `end`, or at a time such as 2026-07-04T12:00:00Z, not at {0:?}")]
pub struct NoBeginning(String);

impl FromStr for Beginning {
    type Err = NoBeginning;
    fn from_str(text: &str) -> Result<Self, NoBeginning> {
        match text {
            "beginning" => Ok(Self::First),
            "end" => Ok(Self::End),
            time => Timestamp::parse(time).map(Self::At).map_err(|_| NoBeginning(time.to_owned())),
        }
    }
}

impl Beginning {
    pub fn start(self) -> Start {
        match self {
            Self::First => Start::Beginning,
            Self::End => Start::End,
            Self::At(time) => Start::Timestamp(time.millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_and_times() {
        for (text, beginning) in [
            ("beginning", Some(Beginning::First)),
            ("end", Some(Beginning::End)),
            ("1970-01-01T00:00:01Z", Some(Beginning::At(Timestamp::from_millis(1_000)))),
            ("1970-01-01T01:00:00.5+01:00", Some(Beginning::At(Timestamp::from_millis(500)))),
            ("yesterday", None),
            ("2026-07-04", None),
            ("", None),
            ("End", None),
        ] {
            let wanted = beginning.ok_or_else(|| NoBeginning(text.to_owned()));
            assert_eq!(text.parse::<Beginning>(), wanted, "{text:?}");
        }
    }
}
