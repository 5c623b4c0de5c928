//! A log whose readers hand out nothing of one partition until they may.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tradewind_topics::{
    Admin, Log, LogError, Offset, Purpose, Reader, Record, Session, SessionConfig, Start, TopicPartition, Writer,
};

pub struct GatedLog {
    pub log: Arc<dyn Log>,
    /// The partition's number.
    pub closed: u32,
    pub open: Arc<AtomicBool>,
}

impl Log for GatedLog {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        self.log.session(config)
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        let (closed, open) = (self.closed, self.open.clone());
        Ok(Box::new(Gated { reader: self.log.reader_for(purpose)?, closed, open, from: 0, held: Vec::new() }))
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        self.log.writer()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.log.admin()
    }
}

struct Gated {
    reader: Box<dyn Reader>,
    closed: u32,
    open: Arc<AtomicBool>,
    from: Offset,
    held: Vec<Record>,
}

impl Reader for Gated {
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        let closed = partitions.iter().find(|(partition, _)| partition.partition == self.closed);
        if let Some((_, Start::Offset(from))) = closed {
            self.from = *from;
        }
        self.held.clear();
        self.reader.assign(partitions)
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        let is_open = self.open.load(Ordering::Relaxed);
        let mut out = if is_open { std::mem::take(&mut self.held) } else { Vec::new() };
        let timeout = if out.is_empty() { timeout } else { Duration::ZERO };
        for record in self.reader.poll(timeout)? {
            let through = is_open || record.source.partition != self.closed;
            if through { &mut out } else { &mut self.held }.push(record);
        }
        Ok(out)
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError> {
        let is_held =
            partition.partition == self.closed && (!self.open.load(Ordering::Relaxed) || !self.held.is_empty());
        if is_held { Ok(self.from) } else { self.reader.position(partition) }
    }
}
