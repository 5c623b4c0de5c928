//! The example on the production worker and the embedded log: what the platform's wiring does, by hand.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use prometheus::Registry;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tradewind_runtime::{
    Client, Codecs, Deciding, Folding, Freshness, Layout, Limits, Local, Names, Processing, QueryError, Serving, Stage,
    Standbys, TOMBSTONES_FOR, Worker, WorkerError, WorkerMetrics, WorkerPlace, changelog, dead_letters, now, run,
};
use tradewind_schemas::{
    Actor, Codec, Contract, CustomerId, Envelope, Key, MessageId, Request, SchemaSource, SchemaSourceError, Sku,
    edge::Settled, kind,
};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::{
    Append, Cleanup, Log, Record, SessionConfig, Start, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
    partition_of,
};

use super::{
    BY_SKU, COMMANDS, Command, DAY, Demand, EVENTS, Event, WANTED, WISHES, WishesBySku, Wishlists, customer, sku,
};

const PARTITIONS: u32 = 2;
const LARGEST: usize = 1_000_000;
/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody has written with another schema than ours.
struct NoOthers;

impl SchemaSource for NoOthers {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        Err(SchemaSourceError::NotFound(id))
    }
}

struct Shop {
    log: Arc<EmbeddedLog>,
    layout: Layout,
    codecs: Codecs,
    runtime: Runtime,
    home: TempDir,
}

/// Both stages at work.
struct Running<'s> {
    shop: &'s Shop,
    client: Client,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Result<(), WorkerError>>>,
}

fn codec<P: Contract>(codecs: Codecs, topic: &'static str, id: u32) -> Codecs {
    codecs.with(topic, Codec::<P>::new(topic, id, Arc::new(NoOthers)).expect("a codec"))
}

impl Shop {
    fn open() -> Self {
        let home = TempDir::new().expect("a folder");
        let options = Options { gaps: Some(7), ..Options::default() };
        let log = EmbeddedLog::open(&home.path().join("log"), options).expect("a log");
        let kept = [COMMANDS.name, EVENTS.name, BY_SKU.name].map(str::to_owned).into_iter();
        let kept = kept.chain([COMMANDS.name, BY_SKU.name].map(dead_letters)).map(|name| (name, Cleanup::Keep));
        let compacted = Cleanup::Compact { tombstones_for: TOMBSTONES_FOR };
        let changelogs = ["wishlist", "wishlist.by-sku"].map(|stage| (changelog(stage), compacted));
        let topics: Vec<_> = kept.chain(changelogs).collect();
        let layout = Layout::new("test", topics.iter().map(|(name, _)| (name.clone(), PARTITIONS)).collect());
        let spec = |(name, cleanup): &(String, Cleanup)| TopicSpec {
            name: layout.physical(name),
            partitions: PARTITIONS,
            cleanup: *cleanup,
        };
        log.admin().create(&topics.iter().map(spec).collect::<Vec<_>>()).expect("topics");
        let codecs = codec::<Command>(Codecs::default(), COMMANDS.name, 1);
        let codecs = codec::<Demand>(codec::<Event>(codecs, EVENTS.name, 2), BY_SKU.name, 3);
        Self { log, layout, codecs, runtime: Runtime::new().expect("a runtime"), home }
    }

    fn start(&self, wishlists: Wishlists) -> Running<'_> {
        let (serving, memory) = (Serving::default(), SharedMemory::new(16 << 20));
        let metrics = WorkerMetrics::new(&Registry::new()).expect("a registry of their own");
        let stop = Arc::<AtomicBool>::default();
        let deciding: Arc<dyn Stage> = Arc::new(Deciding::new(wishlists, self.codecs.clone()));
        let folding: Arc<dyn Stage> = Arc::new(Folding::<WishesBySku>::new(self.codecs.clone()));
        let (mut workers, mut sources) = (Vec::new(), HashMap::new());
        // A decision stands alone; a fold must not overtake a record that was put aside.
        for (stage, parks) in [(deciding, false), (folding, true)] {
            let names = Names::new(self.layout.clone(), stage.name(), stage.source());
            let first: Vec<_> = (0..PARTITIONS).map(|partition| (names.source(partition), 0)).collect();
            self.log.admin().initialise_group(&names.group(), &first).expect("first offsets");
            sources.insert(stage.name().to_owned(), stage.source().to_owned());
            let session = SessionConfig {
                group: names.group(),
                topics: vec![self.layout.physical(stage.source())],
                transactional_id: format!("{}.worker-0", names.group()).into(),
                instance_id: Some("worker-0".into()),
                session_timeout: Duration::from_secs(15),
                max_batch: 1_000,
            };
            let processing = Processing::new(stage, self.layout.clone(), LARGEST, parks);
            let worker = Worker::new(processing, names.clone(), Limits::default());
            let (log, state_dir) = (self.log.clone(), self.home.path().join("state"));
            let (memory, serving, metrics) = (memory.clone(), serving.clone(), metrics.clone());
            let place =
                WorkerPlace { log, state_dir, memory, serving, metrics, standbys: Standbys::default(), session };
            let stop = stop.clone();
            workers.push(spawn(move || run(worker, names, place, &stop)));
        }
        let handle = self.runtime.handle().clone();
        let local = Local::new(serving, self.log.clone(), self.layout.clone(), sources, handle);
        Running { shop: self, client: Client(Arc::new(local)), stop, workers }
    }

    /// A client's command. One that is said again has the same `id` and body.
    fn say(&self, who: CustomerId, id: MessageId, command: Command) {
        let digest = format!("{} {who}", kind(&command));
        let envelope = Envelope {
            id,
            key: who.text(),
            subject_id: Some(who),
            causation_id: None,
            correlation_id: id,
            actor: Actor::user(who, vec![]),
            at: now(),
            request: Some(Request { digest, reply_to: None }),
            cause: None,
            payload: command,
        };
        let codec = self.codecs.of::<Command>(COMMANDS.name).expect("its codec");
        self.write(&who.text(), codec.encode(&envelope).expect("a command"));
    }

    fn write(&self, key: &str, value: Vec<u8>) {
        let partition = partition_of(key.as_bytes(), PARTITIONS);
        let to = TopicPartition::new(self.layout.physical(COMMANDS.name), partition);
        let (timestamp, key, value) = (now().millis(), Some(key.to_owned().into()), Some(value.into()));
        let writer = self.log.writer().expect("a writer");
        let written = writer.append(Append { to, timestamp, key, value, headers: Vec::new() });
        self.runtime.block_on(written).expect("it is written");
    }

    /// Waits for such a record on the topic.
    fn find(&self, topic: &str, is_meant: impl Fn(&Record) -> bool) -> Record {
        let topic = self.layout.physical(topic);
        let all: Vec<_> = (0..PARTITIONS).map(|n| (TopicPartition::new(topic.clone(), n), Start::Beginning)).collect();
        let mut reader = self.log.reader().expect("a reader");
        reader.assign(&all).expect("partitions");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = reader.poll(Duration::from_millis(100)).expect("records");
            if let Some(found) = records.into_iter().find(&is_meant) {
                return found;
            }
            assert!(Instant::now() < deadline, "no such record on {topic}");
        }
    }
}

impl Running<'_> {
    /// Asks until the task is there and has caught up.
    fn ask<T>(&self, question: impl AsyncFn() -> Result<T, QueryError>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.shop.runtime.block_on(question()) {
                Err(QueryError::Unavailable { .. } | QueryError::Behind { .. }) if Instant::now() < deadline => {}
                settled => return settled.expect("an answer"),
            }
        }
    }

    fn outcome(&self, who: CustomerId, id: MessageId) -> Option<Settled> {
        let known = self.ask(async || self.client.outcome("wishlist", &who, id, Freshness::SourceEnd).await);
        known.and_then(|known| known.settled)
    }

    fn wishes_for(&self, who: CustomerId, sku: &Sku) -> bool {
        self.ask(async || self.client.row(WISHES, &who, sku, Freshness::SourceEnd).await).is_some()
    }

    fn wanted(&self, sku: &Sku) -> Option<i64> {
        self.ask(async || self.client.row(WANTED, sku, &(), Freshness::SourceEnd).await)
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.join().expect("no panic").expect("it ends well");
        }
    }
}

#[test]
fn it_runs_on_the_production_worker() {
    let shop = Shop::open();
    let (ann, bob, cup, pot) = (customer("Ann"), customer("Bob"), sku("CUP"), sku("POT"));
    let id = |name: &str| MessageId::derived(ann.uuid(), name);
    let running = shop.start(Wishlists { most: 1, kept_for: 90 * DAY });
    shop.say(ann, id("first"), Command::Add { sku: cup.clone() });
    shop.say(ann, id("second"), Command::Remove { sku: cup.clone() });
    // A retry that comes late: it meets its outcome, and nothing is wished for anew.
    shop.say(ann, id("first"), Command::Add { sku: cup.clone() });
    shop.say(bob, id("third"), Command::Add { sku: cup.clone() });
    shop.say(bob, id("fourth"), Command::Add { sku: pot.clone() });
    assert_eq!(running.outcome(ann, id("first")), Some(Settled::Accepted {}));
    let full = running.outcome(bob, id("fourth"));
    assert!(matches!(&full, Some(Settled::Rejected { rejection }) if rejection.code == "wishlist_full"), "{full:?}");
    assert!(!running.wishes_for(ann, &cup) && running.wishes_for(bob, &cup));
    assert_eq!((running.wanted(&cup), running.wanted(&pot)), (Some(1), None));

    shop.write(&ann.text(), b"garbage".to_vec());
    let put_aside = shop.find(&dead_letters(COMMANDS.name), |_| true);
    let reason = put_aside.headers.iter().find(|(name, _)| name.as_ref() == "dlq-reason");
    assert!(reason.is_some_and(|(_, why)| why.starts_with(b"not in Confluent's wire format")), "{reason:?}");
    running.stop();

    // The state comes back from the changelogs; the new setting holds for new wishes.
    fs::remove_dir_all(shop.home.path().join("state")).expect("the state is gone");
    let running = shop.start(Wishlists { most: 1, kept_for: Duration::ZERO });
    assert!(running.wishes_for(bob, &cup));
    assert_eq!(running.wanted(&cup), Some(1));
    shop.say(ann, id("fifth"), Command::Add { sku: pot.clone() });
    let events = shop.codecs.of::<Event>(EVENTS.name).expect("their codec");
    let expired = Event::Expired { sku: pot.clone() };
    shop.find(EVENTS.name, |record| {
        let event = record.value.as_deref().and_then(|value| events.decode(value).ok());
        event.is_some_and(|event| event.payload == expired)
    });
    assert_eq!(running.wanted(&pot), Some(0));
    assert!(running.wishes_for(bob, &cup) && !running.wishes_for(ann, &pot));
    running.stop();
}
