//! Outcomes coming back: one thread reads this edge's partition of `edge.replies` and wakes who waits.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tradewind_runtime::Codecs;
use tradewind_schemas::{
    MessageId, ReplyTo,
    edge::{EdgeReply, Settled},
};
use tradewind_topics::{End, Log, LogError, Offset, Reader, Record, Start, TopicPartition, list::EDGE_REPLIES};
use uuid::Uuid;

const POLL: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_millis(500);

type Waiting = Arc<Mutex<HashMap<MessageId, Waiters>>>;

/// Requests for the same command with the same body: one outcome answers them all.
struct Waiters {
    digest: String,
    senders: Vec<(u64, oneshot::Sender<Told>)>,
}

/// An outcome, and how far its task must have read its source for it to be seen there.
#[derive(Clone, Debug)]
pub struct Told {
    pub settled: Settled,
    pub position: Offset,
}

/// Where outcomes arrive.
pub struct Replies {
    to: ReplyTo,
    waiting: Waiting,
    numbers: Mutex<u64>,
    heard: Arc<Mutex<Instant>>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Somebody waits here for the same command with another body.
#[derive(Debug)]
pub struct OtherBody;

impl Replies {
    pub fn listen(log: &Arc<dyn Log>, topic: &str, partition: u32, codecs: Codecs) -> Result<Self, LogError> {
        let place = TopicPartition::new(topic, partition);
        // From the end as of now, not as of the first poll: a reply must not slip through between the two.
        let start = log.admin().end(&place, End::Stable)?;
        let mut reader = log.reader()?;
        reader.assign(&[(place.clone(), Start::Offset(start))])?;
        let instance = Uuid::now_v7().to_string();
        let to = ReplyTo { partition: partition as i32, instance: instance.clone() };
        let waiting = Waiting::default();
        let heard = Arc::new(Mutex::new(Instant::now()));
        let stop = Arc::new(AtomicBool::new(false));
        let listener = Listener {
            log: log.clone(),
            reader,
            place,
            instance,
            codecs,
            waiting: waiting.clone(),
            heard: heard.clone(),
            stop: stop.clone(),
        };
        let thread = thread::Builder::new()
            .name("replies".to_owned())
            .spawn(move || listener.run(start))
            .map_err(|cause| LogError::Io { what: "no thread to hear replies".to_owned(), cause })?;
        Ok(Self { to, waiting, numbers: Mutex::default(), heard, stop, thread: Mutex::new(Some(thread)) })
    }

    /// Where processors shall answer to.
    pub fn address(&self) -> ReplyTo {
        self.to.clone()
    }

    /// Begins to wait for the outcome of a command. Call it before the command is sent.
    pub fn expect(&self, id: MessageId, digest: &str) -> Result<Expected, OtherBody> {
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut numbers = self.numbers.lock();
            *numbers += 1;
            *numbers
        };
        let mut waiting = self.waiting.lock();
        let waiters =
            waiting.entry(id).or_insert_with(|| Waiters { digest: digest.to_owned(), senders: Vec::with_capacity(1) });
        if waiters.digest != digest {
            return Err(OtherBody);
        }
        waiters.senders.push((number, sender));
        Ok(Expected { id, number, receiver, waiting: self.waiting.clone() })
    }

    /// How long ago replies could last be read, if there were any.
    pub fn silent_for(&self) -> Duration {
        self.heard.lock().elapsed()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().values().map(|waiters| waiters.senders.len()).sum()
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the listener for replies panicked");
        }
    }
}

/// A place in the queue of those who wait for one outcome; dropping it leaves.
pub struct Expected {
    id: MessageId,
    number: u64,
    receiver: oneshot::Receiver<Told>,
    waiting: Waiting,
}

impl Expected {
    /// The outcome, if it comes within the time.
    pub async fn within(&mut self, patience: Duration) -> Option<Told> {
        tokio::time::timeout(patience, &mut self.receiver).await.ok()?.ok()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock();
        if let Some(waiters) = waiting.get_mut(&self.id) {
            waiters.senders.retain(|(number, _)| *number != self.number);
            if waiters.senders.is_empty() {
                waiting.remove(&self.id);
            }
        }
    }
}

/// The thread's side.
struct Listener {
    log: Arc<dyn Log>,
    reader: Box<dyn Reader>,
    place: TopicPartition,
    instance: String,
    codecs: Codecs,
    waiting: Waiting,
    /// When reading last succeeded.
    heard: Arc<Mutex<Instant>>,
    stop: Arc<AtomicBool>,
}

impl Listener {
    fn run(mut self, start: Offset) {
        let mut next = start;
        while !self.stop.load(Ordering::Relaxed) {
            match self.reader.poll(POLL) {
                Ok(records) => {
                    *self.heard.lock() = Instant::now();
                    for record in records {
                        next = record.after();
                        self.hear(&record);
                    }
                }
                Err(cause) => {
                    tracing::warn!(%cause, "replies cannot be read; trying again");
                    thread::sleep(RETRY);
                    if let Err(cause) = self.resume(next) {
                        tracing::warn!(%cause, "no reader for replies");
                    }
                }
            }
        }
    }

    fn resume(&mut self, next: Offset) -> Result<(), LogError> {
        let beginning = self.log.admin().beginning(&self.place)?;
        let mut reader = self.log.reader()?;
        reader.assign(&[(self.place.clone(), Start::Offset(next.max(beginning)))])?;
        self.reader = reader;
        Ok(())
    }

    fn hear(&self, record: &Record) {
        let Some(value) = &record.value else { return };
        let decoded = self.codecs.of::<EdgeReply>(EDGE_REPLIES.name).and_then(|codec| codec.decode(value));
        let EdgeReply::Outcome { instance, command_id, outcome, position } = match decoded {
            Ok(envelope) => envelope.payload,
            Err(cause) => {
                tracing::error!(offset = record.offset, %cause, "a reply cannot be read");
                return;
            }
        };
        if instance != self.instance {
            return;
        }
        if let Some(waiters) = self.waiting.lock().remove(&command_id) {
            for (_, sender) in waiters.senders {
                // Whoever has gone meanwhile gets the outcome when they come back with the same key.
                let _gone = sender.send(Told { settled: outcome.clone(), position });
            }
        }
    }
}
