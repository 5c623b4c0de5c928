//! The verification at the end of a run, from the topics alone, twice: by the ledger's own verifier (events, chains, and
//! the changelog's states), and event by event by a consumer and a model that share nothing with it.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::Message;
use tradewind_tests::process;

use crate::{
    ledger::{COMMAND, EVENT, Ledger},
    reading::read,
    topics::{COMMANDS, EVENTS},
};

/// What was loaded.
pub struct Loaded<'a> {
    pub brokers: &'a str,
    pub namespace: &'a str,
    pub keys: u64,
    pub acknowledged: u64,
    pub doubtful: u64,
}

impl Loaded<'_> {
    /// The ledger's own verifier: gives its line.
    pub fn by_the_ledger(&self) -> Result<String> {
        let [keys, sent, doubtful] = [self.keys, self.acknowledged, self.doubtful].map(|number| number.to_string());
        let mut arguments = vec!["bench", "verify", "--workload", "ledger", "--brokers", self.brokers];
        arguments.extend(["--namespace", self.namespace, "--keys", &keys, "--sent", &sent, "--doubtful", &doubtful]);
        let output = process::run(&arguments);
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let because = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the ledger's verifier: {said} {because}");
        Ok(said)
    }

    /// Every partition's committed events must be those of its commands, byte by byte and in their order. Gives their
    /// number.
    pub fn by_a_second_client(&self) -> Result<u64> {
        let mut ledger = Ledger::default();
        let mut expected: HashMap<i32, Vec<[u8; EVENT]>> = HashMap::new();
        let mut commands = 0;
        read(self.brokers, &format!("{}.{COMMANDS}", self.namespace), "read_committed", |record| {
            let key = record.key().context("a command without a key")?;
            let command: &[u8; COMMAND] = record.payload().unwrap_or_default().try_into()?;
            let event = ledger.apply(key, command, record.offset(), record.partition());
            expected.entry(record.partition()).or_default().push(event);
            commands += 1;
            Ok(())
        })?;
        let loaded = self.acknowledged..=self.acknowledged + self.doubtful;
        ensure!(loaded.contains(&commands), "{commands} commands are in the topic, {loaded:?} were loaded");
        let mut next: HashMap<i32, usize> = HashMap::new();
        read(self.brokers, &format!("{}.{EVENTS}", self.namespace), "read_committed", |record| {
            let (partition, offset) = (record.partition(), record.offset());
            let at = next.entry(partition).or_default();
            let expected = expected.get(&partition).and_then(|events| events.get(*at));
            let Some(expected) = expected else { bail!("event {partition}@{offset} belongs to no command") };
            let event = record.payload().unwrap_or_default();
            ensure!(
                event == expected,
                "event {partition}@{offset}, number {at} of its partition, is of command {:?} (input offset {:?}), not \
                 of {:?} (input offset {:?})",
                word(event, 0),
                word(event, 40),
                word(expected, 0),
                word(expected, 40)
            );
            *at += 1;
            Ok(())
        })?;
        for (partition, expected) in &expected {
            let there = next.get(partition).copied().unwrap_or_default();
            ensure!(there == expected.len(), "{there} events of {} commands in partition {partition}", expected.len());
        }
        Ok(commands)
    }
}

fn word(event: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*event.get(at..)?.first_chunk()?))
}
