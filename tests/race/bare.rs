//! The floor that the engine is measured against: what librdkafka alone does with the same records. It consumes, and
//! produces what a stage without state would, offsets in the transaction, as fast as records come: a copy under load,
//! a relay at a low rate. `tradewind bench ledger --application bare-kafka` drives it like the engine.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    message::BorrowedMessage,
    producer::{BaseProducer, BaseRecord, Producer},
};
use tradewind_topics::partition_of;

/// Records of a transaction, at most.
const AT_ONCE: u64 = 10_000;
const TIMEOUT: Duration = Duration::from_secs(30);
/// Between looks at whether everything is written.
const GLANCE: Duration = Duration::from_micros(100);
const PARTITIONS: u64 = 4;

#[derive(Parser)]
struct Options {
    /// `ledger`: one hop, two outputs a record, of an event's and of a state's size. `shuffle`: two hops, the first
    /// with the whole record, the second with a state for each record and an output for each tenth of a rule.
    #[arg(long, value_parser = ["ledger", "shuffle"])]
    workload: String,
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    namespace: String,
    #[arg(long, default_value = "1")]
    linger_ms: String,
    /// Without what would go to a changelog: a relay.
    #[arg(long)]
    no_changelog: bool,
    /// A property of librdkafka for all clients, as name=value.
    #[arg(long = "property")]
    properties: Vec<String>,
    /// Different keys.
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
    // What the engine is told beside this.
    #[arg(long, hide = true)]
    threads: Option<String>,
    #[arg(long, hide = true)]
    commit_ms: Option<String>,
    #[arg(long, hide = true)]
    state_memory_mib: Option<String>,
    #[arg(long, hide = true)]
    state_dir: Option<String>,
}

/// How far it is.
#[derive(Default)]
struct Progress {
    assigned: AtomicU64,
    first: AtomicI64,
    processed: AtomicU64,
    stop: AtomicBool,
}

/// What one hop reads, where it writes, and what it makes of a record.
struct Hop {
    source: &'static str,
    first: bool,
    last: bool,
    /// The last one is the changelog's.
    outputs: &'static [&'static str],
    make: Make,
}

type Make = fn(&BorrowedMessage<'_>, &mut Rules, &mut Sink<'_>) -> Result<()>;

/// What decides which records of `shuffle` lead to an output.
struct Rules {
    keys: u64,
    matches: Vec<u32>,
}

/// Produces to the output of this number: partition, key, value.
type Sink<'a> = dyn FnMut(usize, i32, &[u8], &[u8]) -> Result<()> + 'a;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare-kafka: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let hops: Vec<Hop> = match options.workload.as_str() {
        "ledger" => {
            let outputs = &["events", "ledger.changelog"];
            vec![Hop { source: "commands", first: true, last: true, outputs, make: event_and_state }]
        }
        _ => vec![
            Hop { source: "in", first: true, last: false, outputs: &["by-rule"], make: keyed },
            Hop { source: "by-rule", first: false, last: true, outputs: &["out", "aggregate.changelog"], make: rule },
        ],
    };
    let progress = Arc::new(Progress::default());
    let told = progress.clone();
    thread::spawn(move || {
        // It ends when whoever started it says so, or is gone.
        let _ = io::stdin().lock().read_line(&mut String::new());
        told.stop.store(true, Ordering::Relaxed);
    });
    thread::scope(|scope| {
        let running: Vec<_> = hops.iter().map(|hop| scope.spawn(|| hop.run(options, &progress))).collect();
        tell(&progress, PARTITIONS * hops.len() as u64, || running.iter().any(|hop| hop.is_finished()))?;
        for hop in running {
            match hop.join() {
                Ok(ended) => ended?,
                Err(_) => bail!("a hop panicked"),
            }
        }
        Ok(())
    })
}

/// Says how far it is, in the lines that the driver reads.
fn tell(progress: &Progress, partitions: u64, ended: impl Fn() -> bool) -> Result<()> {
    let mut out = io::stdout().lock();
    let (mut running, mut first, mut processed) = (false, false, 0);
    while !progress.stop.load(Ordering::Relaxed) && !ended() {
        if !running && progress.assigned.load(Ordering::Relaxed) >= partitions {
            running = true;
            writeln!(out, "RUNNING {}", now())?;
        }
        if !first && progress.first.load(Ordering::Relaxed) != 0 {
            first = true;
            writeln!(out, "FIRST {}", progress.first.load(Ordering::Relaxed))?;
        }
        let count = progress.processed.load(Ordering::Relaxed);
        if count != processed {
            processed = count;
            writeln!(out, "P {count} {}", now())?;
        }
        out.flush()?;
        thread::sleep(Duration::from_millis(if processed > 1_000 { 50 } else { 2 }));
    }
    Ok(())
}

impl Hop {
    fn run(&self, options: &Options, progress: &Progress) -> Result<()> {
        let group = format!("{}.bare-{}", options.namespace, self.source);
        let mut config = config(options);
        let consumer: BaseConsumer = config
            .set("group.id", &group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "5")
            .set("queued.max.messages.kbytes", "16384")
            .set("check.crcs", "true")
            .create()?;
        let mut config = self::config(options);
        let producer: BaseProducer = config
            .set("transactional.id", &group)
            .set("linger.ms", &options.linger_ms)
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "65536")
            .set("retry.backoff.ms", "5")
            .create()?;
        producer.init_transactions(TIMEOUT)?;
        consumer.subscribe(&[&format!("{}.{}", options.namespace, self.source)])?;
        let physical = |topic: &&str| format!("{}.{topic}", options.namespace);
        let mut transaction = Transaction {
            producer,
            consumer: &consumer,
            source: physical(&self.source),
            outputs: self.outputs.iter().map(physical).collect(),
            left_out: options.no_changelog.then(|| self.outputs.len() - 1).filter(|last| *last > 0),
            rules: Rules { keys: options.keys, matches: vec![0; options.keys as usize] },
            offsets: [None; PARTITIONS as usize],
            pending: 0,
        };
        let mut assigned = false;
        while !progress.stop.load(Ordering::Relaxed) {
            let patience = if transaction.pending > 0 { Duration::ZERO } else { Duration::from_millis(20) };
            match consumer.poll(patience) {
                Some(record) => {
                    let record = record?;
                    if self.first && progress.first.load(Ordering::Relaxed) == 0 {
                        progress.first.store(now(), Ordering::Relaxed);
                    }
                    transaction.take(&record, self.make)?;
                    if self.last {
                        progress.processed.fetch_add(1, Ordering::Relaxed);
                    }
                    if transaction.pending >= AT_ONCE {
                        transaction.commit()?;
                    }
                }
                None if transaction.pending > 0 => transaction.commit()?,
                None if !assigned => {
                    let count = consumer.assignment()?.count() as u64;
                    assigned = count == PARTITIONS;
                    if assigned {
                        progress.assigned.fetch_add(count, Ordering::Relaxed);
                    }
                }
                None => {}
            }
        }
        Ok(())
    }
}

struct Transaction<'a> {
    producer: BaseProducer,
    consumer: &'a BaseConsumer,
    source: String,
    outputs: Vec<String>,
    /// The output that is not written.
    left_out: Option<usize>,
    rules: Rules,
    /// The next record of each partition.
    offsets: [Option<i64>; PARTITIONS as usize],
    /// Records taken so far.
    pending: u64,
}

impl Transaction<'_> {
    fn take(&mut self, taken: &BorrowedMessage<'_>, make: Make) -> Result<()> {
        if self.pending == 0 {
            self.producer.begin_transaction()?;
        }
        make(taken, &mut self.rules, &mut |output, partition, key, value| {
            if Some(output) == self.left_out {
                return Ok(());
            }
            let mut record = BaseRecord::to(&self.outputs[output]).partition(partition).key(key).payload(value);
            while let Err((error, refused)) = self.producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(error.into());
                }
                self.producer.poll(Duration::from_millis(1));
                record = refused;
            }
            Ok(())
        })?;
        self.offsets[taken.partition() as usize] = Some(taken.offset() + 1);
        self.pending += 1;
        if self.pending.is_multiple_of(1_000) {
            self.producer.poll(Duration::ZERO);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        // rdkafka's own flush waits in steps of its timeout.
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            thread::sleep(GLANCE);
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in (0..).zip(&mut self.offsets) {
            if let Some(offset) = offset.take() {
                offsets.add_partition_offset(&self.source, partition, Offset::Offset(offset))?;
            }
        }
        let member = self.consumer.group_metadata().context("the consumer is in no group")?;
        self.producer.send_offsets_to_transaction(&offsets, &member, TIMEOUT)?;
        self.producer.commit_transaction(TIMEOUT)?;
        self.pending = 0;
        Ok(())
    }
}

/// An event of 96 bytes, and the whole record as if it were the state.
fn event_and_state(record: &BorrowedMessage<'_>, _: &mut Rules, send: &mut Sink<'_>) -> Result<()> {
    let (key, value) = (record.key().unwrap_or_default(), record.payload().unwrap_or_default());
    send(0, record.partition(), key, value.get(..96).unwrap_or_default())?;
    send(1, record.partition(), key, value)
}

/// The whole record, keyed by its rule.
fn keyed(record: &BorrowedMessage<'_>, rules: &mut Rules, send: &mut Sink<'_>) -> Result<()> {
    let value = record.payload().unwrap_or_default();
    let key = (splitmix64(number(value, 0)) % rules.keys).to_be_bytes();
    send(0, partition_of(&key, PARTITIONS as u32) as i32, &key, value)
}

/// A state of 32 bytes for each record, and an output for each tenth of a rule, with the record's number and time where
/// an output has them.
fn rule(record: &BorrowedMessage<'_>, rules: &mut Rules, send: &mut Sink<'_>) -> Result<()> {
    let (key, value) = (record.key().unwrap_or_default(), record.payload().unwrap_or_default());
    let mut state = [0; 32];
    state[16..].copy_from_slice(value.get(..16).context("a record is too short")?);
    let matches = &mut rules.matches[(splitmix64(number(value, 0)) % rules.keys) as usize];
    *matches += 1;
    if matches.is_multiple_of(10) {
        send(0, record.partition(), key, &state)?;
    }
    send(1, record.partition(), key, &state)
}

/// As the peer's page defines it.
fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn number(value: &[u8], at: usize) -> u64 {
    value.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
}

fn config(options: &Options) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.brokers)
        .set("socket.nagle.disable", "true")
        .set("compression.type", "lz4");
    for (name, value) in options.properties.iter().filter_map(|property| property.split_once('=')) {
        config.set(name, value);
    }
    config
}

/// Milliseconds of the wall clock.
#[expect(clippy::disallowed_methods, reason = "the driver's times are on the same clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(i64::MAX)
}
