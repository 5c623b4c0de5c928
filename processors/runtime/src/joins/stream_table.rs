//! A stream joined with a table of the same key.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{Contract, Key, View};
use tradewind_state::TaskState;
use tradewind_topics::{Record, Topic};

use super::JoinKind;
use crate::{
    Codecs, Context, Sends,
    entity::{VIEWS, row_key},
    reading,
    sends::Writing,
    stage::{Failure, Output, Stage},
    stored,
};

/// What a record of the source is to the join.
pub enum Side<S, T> {
    /// To be joined with what the table has under its key.
    Stream(S),
    /// The table has this under its key from now on.
    Put(T),
    /// The table has nothing under its key any more. A record without a value says so too.
    Remove,
}

/// A stage that joins each record of a stream with what a table has under its key when the record comes: on the log, in
/// one partition, "before" is what lies before. All its functions are pure.
pub trait StreamTableJoin: Send + Sync + 'static {
    /// Of both sides.
    type Key: Key;
    /// Of the source, which has both sides.
    type Record: Contract;
    type Stream;
    /// A row of the table. Its serialised form is kept.
    type Table: Serialize + DeserializeOwned;

    /// Such as `order.with-customer`.
    const STAGE: &'static str;
    const SOURCE: Topic<Self::Key, Self::Record>;
    /// Under each key: what the table has.
    const TABLE: View<(), Self::Table>;
    const KIND: JoinKind;

    fn side(record: Self::Record) -> Side<Self::Stream, Self::Table>;

    /// What follows from a record of the stream, under whose key `to` is. `table` is there in inner joins.
    fn join(stream: Self::Stream, table: Option<Self::Table>, context: &Context<'_>, to: &mut Sends<Self::Key>);
}

/// Runs a [`StreamTableJoin`].
pub struct Joining<J> {
    codecs: Codecs,
    join: PhantomData<fn() -> J>,
}

impl<J: StreamTableJoin> Joining<J> {
    pub fn new(codecs: Codecs) -> Self {
        Self { codecs, join: PhantomData }
    }
}

impl<J: StreamTableJoin> Stage for Joining<J> {
    fn name(&self) -> &str {
        J::STAGE
    }

    fn source(&self) -> &'static str {
        J::SOURCE.name
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (payload, around) = reading::row(&self.codecs, J::SOURCE, record)?;
        let row = row_key(J::TABLE.table, &around.key, &());
        match payload.map_or(Side::Remove, J::side) {
            Side::Put(table) => task.put(VIEWS, &row, stored::write(&table, 1)),
            Side::Remove => task.delete(VIEWS, &row),
            Side::Stream(stream) => {
                let table = task.get(VIEWS, &row)?.map(|bytes| stored::read(&bytes, 1)).transpose()?;
                if table.is_none() && J::KIND == JoinKind::Inner {
                    return Ok(());
                }
                let context = Context { key: &around.key, id: around.id, at: around.at, actor: &around.actor };
                let mut sends = Sends::new(&around.key);
                J::join(stream, table, &context, &mut sends);
                let mut writing = Writing { codecs: &self.codecs, stage: J::STAGE, record, around: &around, out };
                writing.write(sends, &writing.following("join"))?;
            }
        }
        Ok(())
    }
}
