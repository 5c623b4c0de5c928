//! Joins: of a stream with a table, and of two tables by a foreign key. Each reads one topic that has both of its
//! sides, so that what it does depends on one partition and its order.

mod asking;
mod left;
mod right;
mod stream_table;

pub use asking::{Answer, ForeignKeyJoin, LeftSide, Request, RightSide};
pub use left::JoiningLeft;
pub use right::JoiningRight;
pub use stream_table::{Joining, Side, StreamTableJoin};

/// What becomes of a record that finds no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Nothing.
    Inner,
    /// It is joined with nothing.
    Left,
}
