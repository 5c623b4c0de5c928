//! What a commit costs: one worker, records of 200 bytes, by the number of records in a transaction; and what several
//! workers get that share the log. `cargo bench -p tradewind-tests --bench log_commit`

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use tradewind_tests::broker::Broker;
use tradewind_topics::{
    Append, Cleanup, Log, Polled, Session, SessionConfig, Start, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
    kafka::{self, KafkaLog},
};

const PARTITIONS: u32 = 4;
const RECORD: usize = 200;

fn main() -> Result<()> {
    let directory = tempfile::tempdir()?;
    measure("embedded", EmbeddedLog::open(directory.path(), Options::default())?)?;
    let broker = Broker::start();
    measure("Kafka", KafkaLog::connect(&broker.bootstrap(), kafka::Options::default())?)
}

fn measure(name: &str, log: Arc<dyn Log>) -> Result<()> {
    let topic: Arc<str> = format!("bench-{}", std::process::id()).into();
    let spec = |name: &Arc<str>, partitions| TopicSpec { name: name.clone(), partitions, cleanup: Cleanup::Keep };
    log.admin().create(&[spec(&topic, PARTITIONS)])?;

    println!("{name}: one worker, records of {RECORD} B");
    println!("{:>10} {:>10} {:>10} {:>12}", "records", "p50 ms", "p99 ms", "records/s");
    for (records, rounds) in [(1, 2000), (100, 2000), (1000, 500), (10_000, 50)] {
        let mut worker = Worker::join(&*log, &topic, "alone")?;
        let times = worker.commits(records, rounds)?;
        worker.session.leave()?;
        print_row(&records.to_string(), records, times);
    }

    println!("{name}: eight workers at once, 100 records each");
    println!("{:>10} {:>10} {:>10} {:>12}", "workers", "p50 ms", "p99 ms", "records/s");
    let began = Instant::now();
    let times = thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let (log, topic) = (&log, &topic);
                scope.spawn(move || Worker::alone_in_group(&**log, topic, &format!("worker-{n}"))?.commits(100, 500))
            })
            .collect();
        let mut times = Vec::new();
        for worker in workers {
            times.extend(worker.join().expect("a worker does not panic")?);
        }
        anyhow::Ok(times)
    })?;
    let rate = (times.len() * 100) as f64 / began.elapsed().as_secs_f64();
    let (p50, p99) = percentiles(times);
    println!("{:>10} {p50:>10.3} {p99:>10.3} {rate:>12.0}", 8);

    let began = Instant::now();
    let read = read_all(&*log, &topic)?;
    println!("{name}: read back {read} records, {:.0} records/s", read as f64 / began.elapsed().as_secs_f64());
    wake_up(&*log)
}

struct Worker {
    session: Box<dyn Session>,
    positions: Vec<(TopicPartition, i64)>,
    topic: Arc<str>,
}

impl Worker {
    fn join(log: &dyn Log, topic: &Arc<str>, identity: &str) -> Result<Self> {
        let config = SessionConfig {
            group: format!("{topic}-{identity}").into(),
            topics: vec![topic.clone()],
            transactional_id: format!("{topic}-{identity}").into(),
            instance_id: None,
            session_timeout: Duration::from_secs(45),
            max_batch: 1000,
        };
        let mut session = log.session(config)?;
        let mut positions = Vec::new();
        while positions.len() < PARTITIONS as usize {
            for polled in session.poll(Duration::from_millis(100))? {
                if let Polled::Assigned(partitions) = polled {
                    positions.extend(partitions.into_iter().map(|partition| (partition, 0)));
                }
            }
        }
        Ok(Self { session, positions, topic: topic.clone() })
    }

    /// Each has a group of its own, so that all have all partitions.
    fn alone_in_group(log: &dyn Log, topic: &Arc<str>, identity: &str) -> Result<Self> {
        Self::join(log, topic, identity).with_context(|| format!("{identity} joins"))
    }

    /// Commits so often; returns how long each took, from the first append on.
    fn commits(&mut self, records: usize, rounds: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let batch: Vec<_> = (0..records).map(|n| record(&self.topic, n)).collect();
            for (_, position) in &mut self.positions {
                *position = round as i64;
            }
            let began = Instant::now();
            self.session.append(batch)?;
            self.session.commit(&self.positions)?;
            times.push(began.elapsed());
        }
        Ok(times)
    }
}

fn record(topic: &Arc<str>, n: usize) -> Append {
    Append {
        to: TopicPartition::new(topic.clone(), n as u32 % PARTITIONS),
        timestamp: 1_700_000_000_000,
        key: Some(Bytes::copy_from_slice(&(n as u64).to_be_bytes())),
        value: Some(Bytes::from(vec![n as u8; RECORD])),
        headers: vec![],
    }
}

fn read_all(log: &dyn Log, topic: &Arc<str>) -> Result<usize> {
    let partitions: Vec<_> = (0..PARTITIONS).map(|n| TopicPartition::new(topic.clone(), n)).collect();
    let mut ends = Vec::new();
    for partition in &partitions {
        ends.push(log.admin().end(partition, tradewind_topics::End::Stable)?);
    }
    let starts: Vec<_> = partitions.iter().map(|partition| (partition.clone(), Start::Beginning)).collect();
    let mut reader = log.reader()?;
    reader.assign(&starts)?;
    let mut read = 0;
    loop {
        read += reader.poll(Duration::from_millis(100))?.len();
        let mut done = true;
        for (partition, end) in partitions.iter().zip(&ends) {
            done &= reader.position(partition)? >= *end;
        }
        if done {
            return Ok(read);
        }
    }
}

/// From a commit's return to the record in a waiting reader's hands.
fn wake_up(log: &dyn Log) -> Result<()> {
    let topic: Arc<str> = format!("bench-wake-{}", std::process::id()).into();
    log.admin().create(&[TopicSpec { name: topic.clone(), partitions: PARTITIONS, cleanup: Cleanup::Keep }])?;
    let mut reader = log.reader()?;
    reader.assign(&[(TopicPartition::new(topic.clone(), 0), Start::End)])?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        for _ in 0..500 {
            while reader.poll(Duration::from_secs(1))?.is_empty() {}
            sender.send(Instant::now())?;
        }
        anyhow::Ok(())
    });
    let mut worker = Worker::join(log, &topic, "waker")?;
    let mut times = Vec::new();
    for _ in 0..500 {
        worker.session.append(vec![record(&topic, 0)])?;
        worker.session.commit(&worker.positions)?;
        let committed = Instant::now();
        times.push(receiver.recv()?.saturating_duration_since(committed));
    }
    waiting.join().expect("the reader does not panic")?;
    let (p50, p99) = percentiles(times);
    println!("a waiting reader has a record {p50:.3} ms (p99 {p99:.3}) after its commit returned");
    Ok(())
}

fn print_row(label: &str, records: usize, times: Vec<Duration>) {
    let seconds: f64 = times.iter().map(Duration::as_secs_f64).sum();
    let rate = (records * times.len()) as f64 / seconds;
    let (p50, p99) = percentiles(times);
    println!("{label:>10} {p50:>10.3} {p99:>10.3} {rate:>12.0}");
}

/// In milliseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (at(0.5), at(0.99))
}
