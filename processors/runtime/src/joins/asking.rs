//! A join by foreign key: what its two stages say to each other.

use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{Contract, Key, View};
use tradewind_topics::{Offset, Topic};

use super::JoinKind;

/// What a record of the left topic is.
pub enum LeftSide<L, R> {
    /// The left table has this under its key from now on.
    Put(L),
    /// The left table has nothing under its key any more. A record without a value says so too.
    Remove,
    /// The right stage tells it.
    Answer(Answer<R>),
}

/// What a record of the right topic is.
pub enum RightSide<R> {
    /// The right table has this under its key from now on.
    Put(R),
    /// The right table has nothing under its key any more. A record without a value says so too.
    Remove,
    /// A left stage asks it, or the right stage itself.
    Request(Request),
}

/// Under a right key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// This left key wants to know what is here, now and whenever it changes.
    Subscribe { left: String, subscription: Offset },
    /// It does not any more.
    Unsubscribe { left: String, subscription: Offset },
    /// The subscribers after this one are still to be told.
    GoOn { after: String },
}

/// Under a left key: what the right table has, or has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<R> {
    /// Whose answer it is: one to an earlier subscription says nothing of what the left row refers to now.
    pub subscription: Offset,
    pub right: Option<R>,
}

/// Two tables joined by a foreign key: each row of the left one with the row of the right one that it refers to.
///
/// ```text
///              ┌──────────── Subscribe, Unsubscribe: by right key ────────────┐
/// LEFT ─► [LEFT_STAGE] ─► OUTPUT                                              ▼
///   ▲                                                            RIGHT ─► [RIGHT_STAGE]
///   └───────────────────────── Answer: by left key ───────────────────────────┘
/// ```
/// The topics are the join's own, repartition topics to which the tables' owners send. All functions are pure.
pub trait ForeignKeyJoin: Send + Sync + 'static {
    type LeftKey: Key;
    type RightKey: Key;
    type LeftRecord: Contract;
    type RightRecord: Contract;
    /// A row of the left table. Its serialised form is kept, as that of the right one's, which is kept with each left
    /// row that refers to it, too.
    type Left: Serialize + DeserializeOwned;
    type Right: Serialize + DeserializeOwned;
    type Output: Contract;

    const LEFT_STAGE: &'static str;
    const LEFT: Topic<Self::LeftKey, Self::LeftRecord>;
    const RIGHT_STAGE: &'static str;
    const RIGHT: Topic<Self::RightKey, Self::RightRecord>;
    /// The joined table: under each left key its result, or a tombstone.
    const OUTPUT: Topic<Self::LeftKey, Self::Output>;
    /// The same, to be asked: a view of the left stage.
    const RESULTS: View<(), Self::Output>;
    const KIND: JoinKind;

    fn left(record: Self::LeftRecord) -> LeftSide<Self::Left, Self::Right>;
    fn right(record: Self::RightRecord) -> RightSide<Self::Right>;
    /// What a left row refers to, if to anything.
    fn foreign_key(left: &Self::Left) -> Option<Self::RightKey>;
    /// The joined row, if there shall be one. `right` is there in inner joins.
    fn join(left: &Self::Left, right: Option<&Self::Right>) -> Option<Self::Output>;
    /// How the right topic says it.
    fn ask(request: Request) -> Self::RightRecord;
    /// How the left topic says it.
    fn answer(answer: Answer<Self::Right>) -> Self::LeftRecord;
}
