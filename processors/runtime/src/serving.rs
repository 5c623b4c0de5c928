//! The tasks of this process, for whoever asks them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use parking_lot::{Mutex, RwLock};
use tradewind_state::{Range, StateError, TaskReader};
use tradewind_topics::{End, Log, LogError, Offset, Reader, Start, TopicPartition, partition_of};

use crate::{
    entity::{OUTCOMES, VIEWS, row_key_raw},
    names::Layout,
    outcomes::Remembered,
    query::{Answer, Ask, Freshness, Outcome, Queries, QueryError, Question},
    stored,
};

/// How long a question waits for its freshness.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a look at the log takes at most.
const GLANCE: Duration = Duration::from_millis(50);
/// So many readers are kept for the next questions.
const MOST_IDLE_READERS: usize = 4;
/// The most rows in one answer.
const MOST_ROWS: usize = 1_000;

/// Which tasks run here, and how to read them.
#[derive(Clone, Default)]
pub struct Serving(Arc<RwLock<HashMap<(String, u32), TaskReader>>>);

impl Serving {
    pub fn serve(&self, stage: &str, partition: u32, reader: TaskReader) {
        self.0.write().insert((stage.to_owned(), partition), reader);
    }

    pub fn withdraw(&self, stage: &str, partition: u32) {
        self.0.write().remove(&(stage.to_owned(), partition));
    }

    fn reader(&self, stage: &str, partition: u32) -> Option<TaskReader> {
        let found = self.0.read().get(&(stage.to_owned(), partition)).cloned();
        found.filter(|reader| !reader.is_closed())
    }

    /// How far each task here has come: stage, partition, position in the source.
    pub fn positions(&self) -> Vec<(String, u32, Option<Offset>)> {
        let tasks = self.0.read();
        let mut positions: Vec<_> = tasks
            .iter()
            .map(|((stage, partition), reader)| (stage.clone(), *partition, reader.checkpoint().source))
            .collect();
        positions.sort();
        positions
    }
}

/// Answers from the tasks of this process.
#[derive(Clone)]
pub struct Local {
    serving: Serving,
    log: Arc<dyn Log>,
    layout: Layout,
    /// The source topic of each stage, without the namespace.
    sources: Arc<HashMap<String, String>>,
    runtime: tokio::runtime::Handle,
    /// Assigned to nothing at the moment. On Kafka each is a client with connections of its own.
    idle_readers: Arc<Mutex<Vec<Box<dyn Reader>>>>,
}

impl Local {
    pub fn new(
        serving: Serving,
        log: Arc<dyn Log>,
        layout: Layout,
        sources: HashMap<String, String>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self { serving, log, layout, sources: Arc::new(sources), runtime, idle_readers: Arc::default() }
    }

    /// Where a stage keeps a key.
    pub fn place(&self, stage: &str, key: &str) -> Result<TopicPartition, QueryError> {
        let unknown = || QueryError::Broken { stage: stage.to_owned(), why: "there is no such stage".to_owned() };
        let source = self.sources.get(stage).ok_or_else(unknown)?;
        let partitions = self.layout.partitions(source).ok_or_else(unknown)?;
        Ok(TopicPartition::new(self.layout.physical(source), partition_of(key.as_bytes(), partitions)))
    }

    /// Blocks: on the wait for freshness, and on the store.
    fn answer(&self, question: &Question) -> Result<Answer, QueryError> {
        let stage = &question.stage;
        let place = self.place(stage, &question.key)?;
        let deadline = Instant::now() + PATIENCE;
        let reader = self.awaited(stage, place.partition, deadline)?;
        let fresh = match question.freshness {
            Freshness::Any => true,
            Freshness::AtLeast(offset) => reader.wait_for(offset, deadline),
            Freshness::SourceEnd => {
                // The written one: a commit that has returned is below it, while the stable end may lag behind it.
                let end = self.log.admin().end(&place, End::Written).map_err(|e| unavailable(stage, &e.to_string()))?;
                self.consumed(&reader, &place, end, deadline)
            }
        };
        match fresh {
            true => read(&reader, question, place.partition),
            false if reader.is_closed() => Err(unavailable(stage, "it moved away")),
            false => Err(QueryError::Behind { stage: stage.clone() }),
        }
    }

    /// The task has all that is below `end`. Offsets there need not belong to records (a transaction's marker, an
    /// aborted record), so that no position of the task ever says so: then the log is asked for what is left to read.
    fn consumed(&self, reader: &TaskReader, place: &TopicPartition, end: Offset, deadline: Instant) -> bool {
        loop {
            let position = reader.checkpoint().source.unwrap_or(0);
            if position >= end {
                return true;
            }
            if Instant::now() >= deadline || reader.is_closed() {
                return false;
            }
            match self.next_record(place, position, end, deadline) {
                Ok(None) => return true,
                Ok(Some(offset)) if !reader.wait_for(offset + 1, deadline) => return false,
                Ok(Some(_)) => {}
                Err(error) => {
                    tracing::warn!(%place, %error, "the end of a source cannot be read");
                    return false;
                }
            }
        }
    }

    /// The first record at or after `from` and below `end`.
    fn next_record(
        &self,
        place: &TopicPartition,
        from: Offset,
        end: Offset,
        deadline: Instant,
    ) -> Result<Option<Offset>, LogError> {
        let idle = self.idle_readers.lock().pop();
        let mut reader = idle.map_or_else(|| self.log.reader_to_end(), Ok)?;
        let found = first_record(&mut *reader, place, from, end, deadline)?;
        // One that cannot let go is not kept; the answer is known all the same.
        if reader.assign(&[]).is_ok() {
            let mut idle = self.idle_readers.lock();
            if idle.len() < MOST_IDLE_READERS {
                idle.push(reader);
            }
        }
        Ok(found)
    }

    fn awaited(&self, stage: &str, partition: u32, deadline: Instant) -> Result<TaskReader, QueryError> {
        loop {
            if let Some(reader) = self.serving.reader(stage, partition) {
                return Ok(reader);
            }
            if Instant::now() >= deadline {
                return Err(unavailable(stage, &format!("no task here has partition {partition}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Queries for Local {
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, QueryError>> {
        let local = self.clone();
        let blocking = self.runtime.spawn_blocking(move || local.answer(&question));
        Box::pin(async move {
            blocking.await.unwrap_or_else(|e| Err(QueryError::Broken { stage: String::new(), why: e.to_string() }))
        })
    }
}

fn first_record(
    reader: &mut dyn Reader,
    place: &TopicPartition,
    from: Offset,
    end: Offset,
    deadline: Instant,
) -> Result<Option<Offset>, LogError> {
    reader.assign(&[(place.clone(), Start::Offset(from))])?;
    loop {
        let records = reader.poll(GLANCE)?;
        if let Some(first) = records.first() {
            return Ok(Some(first.offset).filter(|offset| *offset < end));
        }
        if reader.position(place)? >= end {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Err(LogError::Unavailable(format!("{place} was not read to its end in time")));
        }
    }
}

fn unavailable(stage: &str, why: &str) -> QueryError {
    QueryError::Unavailable { stage: stage.to_owned(), why: why.to_owned() }
}

fn read(reader: &TaskReader, question: &Question, partition: u32) -> Result<Answer, QueryError> {
    let answer = reader.read(|cut| {
        let rows = match &question.ask {
            Ask::Row { table, row } => {
                let found = cut.get(VIEWS, &row_key_raw(*table, &question.key, row))?;
                found.map(|value| (row.clone(), value.to_vec())).into_iter().collect()
            }
            Ask::Rows { table, prefix, after, backwards, limit } => {
                let base = row_key_raw(*table, &question.key, &[]).len();
                let prefix = row_key_raw(*table, &question.key, prefix);
                let after = after.as_ref().map(|after| row_key_raw(*table, &question.key, after));
                let range = Range { prefix: &prefix, after: after.as_deref(), backwards: *backwards };
                let found = cut.scan(VIEWS, range, (*limit).min(MOST_ROWS))?;
                found.into_iter().map(|(key, value)| (key[base..].to_vec(), value.to_vec())).collect()
            }
            Ask::Outcome { command_id } => {
                let found = cut.get(OUTCOMES, &crate::outcomes::row(&question.key, *command_id))?;
                let known: Option<Remembered> = found.map(|bytes| stored::read(&bytes, 1)).transpose()?;
                let outcome = known.map(|known| Outcome { digest: known.digest, settled: known.settled });
                outcome.map(|outcome| (Vec::new(), stored::write(&outcome, 1).to_vec())).into_iter().collect()
            }
        };
        Ok(Answer { rows, position: cut.checkpoint().source.unwrap_or(0), partition })
    });
    answer.map_err(|fault| match fault {
        StateError::Closed => unavailable(&question.stage, "it moved away"),
        other => QueryError::Broken { stage: question.stage.clone(), why: other.to_string() },
    })
}
