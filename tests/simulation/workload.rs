//! What the simulated workers compute: a hash chain for each key, over (count, offset, partition) of its records. One
//! record lost, doubled or reordered changes the chain for good. Every third record also sets a timer, whose command
//! comes back as one more record of the key.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tradewind_runtime::{Failure, Output, Place, STATE, Stage, TIMERS, timer_key};
use tradewind_schemas::{MessageId, Timestamp};
use tradewind_state::TaskState;
use tradewind_topics::Record;
use uuid::Uuid;

pub const SOURCE: &str = "chain.commands";
pub const OUTPUT: &str = "chain.events";

/// A key's chain: how many records, and the hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    pub count: u64,
    pub hash: [u8; 32],
}

impl Chain {
    pub fn then(&self, partition: u32, offset: i64) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.hash);
        digest.update((self.count + 1).to_be_bytes());
        digest.update(partition.to_be_bytes());
        digest.update(offset.to_be_bytes());
        Self { count: self.count + 1, hash: digest.finalize().into() }
    }

    pub fn bytes(&self) -> Bytes {
        [&self.count.to_be_bytes()[..], &self.hash].concat().into()
    }

    pub fn read(bytes: &[u8]) -> Self {
        let (count, hash) = bytes.split_at(8);
        Self { count: u64::from_be_bytes(count.try_into().expect("8 bytes")), hash: hash.try_into().expect("32 bytes") }
    }
}

/// Values: `n` for an ordinary record, `p` for one that poisons, `t` for a fired timer.
pub struct ChainStage;

impl Stage for ChainStage {
    fn name(&self) -> &str {
        "chain"
    }

    fn source(&self) -> &'static str {
        SOURCE
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let key = record.key.clone().expect("the workload's records have keys");
        if record.value.as_deref() == Some(b"p") {
            // What was staged before it must leave no trace.
            task.put(STATE, key, Bytes::from_static(b"poisoned"));
            return Err(Failure::Record("poison".to_owned()));
        }
        let before = task.get(STATE, &key)?.map(|bytes| Chain::read(&bytes)).unwrap_or_default();
        let chain = before.then(record.source.partition, record.offset);
        task.put(STATE, key.clone(), chain.bytes());
        if chain.count % 3 == 0 {
            let id = MessageId::derived(Uuid::NAMESPACE_OID, &format!("{} {}", record.source, record.offset));
            task.put(TIMERS, timer_key(Timestamp::from_millis(record.timestamp + 50), id), key.clone());
        }
        out.push(Output {
            topic: OUTPUT.to_owned(),
            place: Place::Same(Some(key)),
            value: Some(chain.bytes()),
            timestamp: Timestamp::from_millis(record.timestamp),
            headers: Vec::new(),
        });
        Ok(())
    }

    fn fire(&self, stored: &[u8], now: Timestamp) -> Result<Output, Failure> {
        let key = String::from_utf8(stored.to_vec()).map_err(|e| Failure::Record(e.to_string()))?;
        let value = Some(Bytes::from_static(b"t"));
        Ok(Output { topic: SOURCE.to_owned(), place: Place::Key(key), value, timestamp: now, headers: Vec::new() })
    }

    fn abandon(&self, _: &Record, _: &str, _: &mut Vec<Output>) {}
}

/// The chains that a partition's committed records must have led to, in order, by key; and how many timers they set
/// and how many fired.
#[derive(Default)]
pub struct Expected {
    pub chains: BTreeMap<Bytes, Vec<Chain>>,
    pub timers_set: usize,
    pub timers_fired: usize,
    pub poisoned: usize,
}

impl Expected {
    pub fn of(records: &[Record]) -> Self {
        let mut expected = Self::default();
        for record in records {
            let key = record.key.clone().expect("the workload's records have keys");
            match record.value.as_deref() {
                Some(b"p") => {
                    expected.poisoned += 1;
                    continue;
                }
                Some(b"t") => expected.timers_fired += 1,
                _ => {}
            }
            let chains = expected.chains.entry(key).or_default();
            let next = chains.last().cloned().unwrap_or_default().then(record.source.partition, record.offset);
            expected.timers_set += usize::from(next.count % 3 == 0);
            chains.push(next);
        }
        expected
    }
}
