//! Questions to the tasks: by stage and key, at a known position.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tradewind_schemas::{Key, MessageId, RowKey, View, edge::Settled};
use tradewind_topics::Offset;

use crate::stored;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// Whatever is committed now.
    Any,
    /// The task has consumed its source up to this offset, exclusive.
    AtLeast(Offset),
    /// The task has consumed all that its source held when the question came.
    SourceEnd,
}

/// What is asked of one key's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    Row {
        table: u8,
        row: Vec<u8>,
    },
    /// Rows whose keys begin with `prefix`, after `after` (exclusive).
    Rows {
        table: u8,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        backwards: bool,
        limit: usize,
    },
    /// What became of a command.
    Outcome {
        command_id: MessageId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Such as `order` or `order.by-customer`.
    pub stage: String,
    /// The key as text: it says which task is asked, and whose rows.
    pub key: String,
    pub ask: Ask,
    pub freshness: Freshness,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Row key (without table and key) and stored value. For [`Ask::Outcome`] the row key is empty.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Up to where the task had consumed its source.
    pub position: Offset,
    pub partition: u32,
}

/// What became of a command, as its key's task remembers it for 24 hours of record time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of the client's body.
    pub digest: String,
    /// `None` while it is not decided.
    pub settled: Option<Settled>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum QueryError {
    /// Nobody answers for that key now: a task is moving, restoring, or gone. Worth another try.
    #[error("{stage} is not being served at the moment: {why}")]
    Unavailable { stage: String, why: String },
    /// The task did not get as far as the question asks within its patience (2 s).
    #[error("{stage} has not caught up yet")]
    Behind { stage: String },
    /// A stored value that this release cannot read, or a state that cannot be read at all.
    #[error("{stage} cannot be read: {why}")]
    Broken { stage: String, why: String },
}

/// Answers questions: in this process by a call, elsewhere over HTTP.
pub trait Queries: Send + Sync {
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, QueryError>>;
}

/// One row with its place: rows and the bytes of their keys, to go on from.
pub struct Page<V> {
    pub items: Vec<(Vec<u8>, V)>,
    pub position: Offset,
}

/// Questions with types.
#[derive(Clone)]
pub struct Client(pub Arc<dyn Queries>);

impl Client {
    /// The row of a view, if it is there.
    pub async fn row<R: RowKey, V: DeserializeOwned>(
        &self,
        view: View<R, V>,
        key: &impl Key,
        row: &R,
        freshness: Freshness,
    ) -> Result<Option<V>, QueryError> {
        let ask = Ask::Row { table: view.table, row: row.bytes() };
        let answer = self.ask(view.stage, key, ask, freshness).await?;
        answer.rows.first().map(|(_, value)| read(view.stage, value)).transpose()
    }

    /// A page of a view's rows: those whose keys begin with `prefix`, in their order or backwards, after `after`.
    #[allow(clippy::too_many_arguments, reason = "each says one thing about the page")]
    pub async fn rows<R: RowKey, V: DeserializeOwned>(
        &self,
        view: View<R, V>,
        key: &impl Key,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        backwards: bool,
        limit: usize,
        freshness: Freshness,
    ) -> Result<Page<V>, QueryError> {
        let ask = Ask::Rows { table: view.table, prefix: prefix.to_vec(), after, backwards, limit };
        let answer = self.ask(view.stage, key, ask, freshness).await?;
        let items = answer.rows.into_iter().map(|(row, value)| Ok((row, read(view.stage, &value)?)));
        Ok(Page { items: items.collect::<Result<_, QueryError>>()?, position: answer.position })
    }

    /// What became of a command to this key, if it ever arrived (and not more than 24 hours ago).
    pub async fn outcome(
        &self,
        stage: &str,
        key: &impl Key,
        command_id: MessageId,
        freshness: Freshness,
    ) -> Result<Option<Outcome>, QueryError> {
        let answer = self.ask(stage, key, Ask::Outcome { command_id }, freshness).await?;
        answer.rows.first().map(|(_, value)| read(stage, value)).transpose()
    }

    async fn ask(&self, stage: &str, key: &impl Key, ask: Ask, freshness: Freshness) -> Result<Answer, QueryError> {
        self.0.ask(Question { stage: stage.to_owned(), key: key.text(), ask, freshness }).await
    }
}

fn read<V: DeserializeOwned>(stage: &str, value: &[u8]) -> Result<V, QueryError> {
    stored::read(value, 1).map_err(|e| QueryError::Broken { stage: stage.to_owned(), why: e.to_string() })
}
