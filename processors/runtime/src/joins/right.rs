//! The right stage of a join by foreign key: it has the right rows, and who refers to them.

use std::marker::PhantomData;

use bytes::Bytes;
use tradewind_state::{Range, StateError, TaskState};
use tradewind_topics::{Offset, Record};

use super::{Answer, ForeignKeyJoin, Request, RightSide};
use crate::{
    Codecs,
    entity::{STATE, row_key, row_key_raw},
    reading,
    sends::Writing,
    stage::{Failure, Output, Stage},
    stored,
};

/// The table of right rows.
const ROW: u8 = 0;
/// The table of those who refer to a right key, by left key: their subscriptions.
const SUBSCRIBERS: u8 = 1;
/// At most so many are told with one record; the stage tells itself to go on.
const TOLD_AT_ONCE: usize = 1_000;

/// Runs the right side of a [`ForeignKeyJoin`].
pub struct JoiningRight<J> {
    codecs: Codecs,
    join: PhantomData<fn() -> J>,
}

impl<J: ForeignKeyJoin> JoiningRight<J> {
    pub fn new(codecs: Codecs) -> Self {
        Self { codecs, join: PhantomData }
    }

    fn request(request: Request, task: &mut TaskState, writing: &mut Writing<'_>) -> Result<(), Failure> {
        let key = &writing.around.key;
        match request {
            Request::Subscribe { left, subscription } => {
                task.put(STATE, &row_key_raw(SUBSCRIBERS, key, left.as_bytes()), stored::write(&subscription, 1));
                let right = Self::row(task, key)?;
                Self::tell(left, subscription, right.as_ref(), writing)
            }
            Request::Unsubscribe { left, subscription } => {
                let row = row_key_raw(SUBSCRIBERS, key, left.as_bytes());
                let known = task.get(STATE, &row)?;
                if known.map(|bytes| stored::read::<Offset>(&bytes, 1)).transpose()? == Some(subscription) {
                    task.delete(STATE, &row);
                }
                Ok(())
            }
            Request::GoOn { after } => Self::tell_all(task, Some(&after), writing),
        }
    }

    /// The right row, as it is stored.
    fn row(task: &TaskState, key: &str) -> Result<Option<Bytes>, StateError> {
        task.get(STATE, &row_key(ROW, key, &()))
    }

    /// Tells those who refer to this key what is there now.
    fn tell_all(task: &TaskState, after: Option<&str>, writing: &mut Writing<'_>) -> Result<(), Failure> {
        let key = writing.around.key.clone();
        let prefix = row_key_raw(SUBSCRIBERS, &key, &[]);
        let after = after.map(|left| row_key_raw(SUBSCRIBERS, &key, left.as_bytes()));
        let range = Range { after: after.as_deref(), ..Range::prefix(&prefix) };
        let (subscribers, right) = (task.scan(STATE, range, TOLD_AT_ONCE)?, Self::row(task, &key)?);
        let mut last = String::new();
        let whole = subscribers.len() == TOLD_AT_ONCE;
        for (row, subscription) in subscribers {
            last = String::from_utf8_lossy(&row[prefix.len()..]).into_owned();
            Self::tell(last.clone(), stored::read(&subscription, 1)?, right.as_ref(), writing)?;
        }
        if whole {
            writing.say(J::RIGHT, key, J::ask(Request::GoOn { after: last }), "go on")?;
        }
        Ok(())
    }

    fn tell(
        left: String,
        subscription: Offset,
        right: Option<&Bytes>,
        writing: &mut Writing<'_>,
    ) -> Result<(), Failure> {
        let right = right.map(|bytes| stored::read(bytes, 1)).transpose()?;
        let what = format!("answer {left}");
        writing.say(J::LEFT, left, J::answer(Answer { subscription, right }), &what)?;
        Ok(())
    }
}

impl<J: ForeignKeyJoin> Stage for JoiningRight<J> {
    fn name(&self) -> &str {
        J::RIGHT_STAGE
    }

    fn source(&self) -> &'static str {
        J::RIGHT.name
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (payload, around) = reading::row(&self.codecs, J::RIGHT, record)?;
        let mut writing = Writing { codecs: &self.codecs, stage: J::RIGHT_STAGE, record, around: &around, out };
        let row = row_key(ROW, &around.key, &());
        match payload.map_or(RightSide::Remove, J::right) {
            RightSide::Put(right) => task.put(STATE, &row, stored::write(&right, 1)),
            RightSide::Remove => task.delete(STATE, &row),
            RightSide::Request(request) => return Self::request(request, task, &mut writing),
        }
        Self::tell_all(task, None, &mut writing)
    }
}
