//! The left stage of a join by foreign key: it has the left rows, and the results.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tradewind_schemas::Key;
use tradewind_state::TaskState;
use tradewind_topics::{Offset, Record};

use super::{ForeignKeyJoin, JoinKind, LeftSide, Request};
use crate::{
    Codecs,
    entity::{STATE, VIEWS, row_key},
    reading,
    sends::Writing,
    stage::{Failure, Output, Stage},
    stored,
};

/// Runs the left side of a [`ForeignKeyJoin`].
pub struct JoiningLeft<J> {
    codecs: Codecs,
    join: PhantomData<fn() -> J>,
}

/// A left row, and what is known of the right one.
#[derive(Serialize, Deserialize)]
#[serde(bound = "L: Serialize + DeserializeOwned, R: Serialize + DeserializeOwned")]
struct Kept<L, R> {
    row: L,
    /// Where on the left topic the row began to refer to what it refers to: no two subscriptions of a key are the same,
    /// not even where it refers to the same again.
    subscription: Offset,
    right: Known<R>,
}

#[derive(Serialize, Deserialize)]
enum Known<R> {
    /// The answer is on its way: whether there is a result is not known, and none stands.
    NotYet,
    /// There is none, or the row refers to none.
    Nothing,
    Row(R),
}

impl<J: ForeignKeyJoin> JoiningLeft<J> {
    pub fn new(codecs: Codecs) -> Self {
        Self { codecs, join: PhantomData }
    }

    /// The row after this one, and what must be said to the right keys.
    fn put(
        row: J::Left,
        before: Option<Kept<J::Left, J::Right>>,
        writing: &mut Writing<'_>,
    ) -> Result<Kept<J::Left, J::Right>, Failure> {
        let refers_to = J::foreign_key(&row).map(|key| key.text());
        if let Some(before) = before {
            if J::foreign_key(&before.row).map(|key| key.text()) == refers_to {
                return Ok(Kept { row, ..before });
            }
            Self::unsubscribe(&before, writing)?;
        }
        let subscription = writing.record.offset;
        let right = match refers_to {
            Some(key) => {
                let left = writing.around.key.clone();
                writing.say(J::RIGHT, key, J::ask(Request::Subscribe { left, subscription }), "subscribe")?;
                Known::NotYet
            }
            None => Known::Nothing,
        };
        Ok(Kept { row, subscription, right })
    }

    fn unsubscribe(kept: &Kept<J::Left, J::Right>, writing: &mut Writing<'_>) -> Result<(), Failure> {
        let Some(key) = J::foreign_key(&kept.row) else { return Ok(()) };
        let (left, subscription) = (writing.around.key.clone(), kept.subscription);
        writing.say(J::RIGHT, key.text(), J::ask(Request::Unsubscribe { left, subscription }), "unsubscribe")?;
        Ok(())
    }

    fn result(kept: &Kept<J::Left, J::Right>) -> Option<J::Output> {
        match &kept.right {
            Known::Row(right) => J::join(&kept.row, Some(right)),
            Known::Nothing if J::KIND == JoinKind::Left => J::join(&kept.row, None),
            Known::Nothing | Known::NotYet => None,
        }
    }

    /// Makes this the result that stands, and tells it where it is another one.
    fn publish(task: &mut TaskState, result: Option<J::Output>, writing: &mut Writing<'_>) -> Result<(), Failure> {
        let row = row_key(J::RESULTS.table, &writing.around.key, &());
        let (stands, key) = (task.get(VIEWS, &row)?, writing.around.key.clone());
        match result {
            Some(result) => {
                let bytes = stored::write(&result, 1);
                if stands.as_ref() != Some(&bytes) {
                    task.put(VIEWS, &row, bytes);
                    writing.say(J::OUTPUT, key, result, "result")?;
                }
            }
            None if stands.is_some() => {
                task.delete(VIEWS, &row);
                writing.erase(J::OUTPUT.name, key);
            }
            None => {}
        }
        Ok(())
    }
}

impl<J: ForeignKeyJoin> Stage for JoiningLeft<J> {
    fn name(&self) -> &str {
        J::LEFT_STAGE
    }

    fn source(&self) -> &'static str {
        J::LEFT.name
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (payload, around) = reading::row(&self.codecs, J::LEFT, record)?;
        let row = row_key(0, &around.key, &());
        let before: Option<Kept<J::Left, J::Right>> =
            task.get(STATE, &row)?.map(|bytes| stored::read(&bytes, 1)).transpose()?;
        let mut writing = Writing { codecs: &self.codecs, stage: J::LEFT_STAGE, record, around: &around, out };
        let kept = match (payload.map_or(LeftSide::Remove, J::left), before) {
            (LeftSide::Put(left), before) => Some(Self::put(left, before, &mut writing)?),
            (LeftSide::Answer(answer), Some(kept)) if answer.subscription == kept.subscription => {
                let right = answer.right.map_or(Known::Nothing, Known::Row);
                Some(Kept { right, ..kept })
            }
            // To an earlier subscription: the row refers to something else by now, or is gone.
            (LeftSide::Answer(_), _) => return Ok(()),
            (LeftSide::Remove, before) => {
                before.map_or(Ok(()), |kept| Self::unsubscribe(&kept, &mut writing))?;
                None
            }
        };
        Self::publish(task, kept.as_ref().and_then(Self::result), &mut writing)?;
        match kept {
            Some(kept) => task.put(STATE, &row, stored::write(&kept, 1)),
            None => task.delete(STATE, &row),
        }
        Ok(())
    }
}
