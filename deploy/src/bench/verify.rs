//! Recomputes the outputs from the input topic alone, and compares them with what a consumer of committed records
//! sees.

mod shuffle;

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::json;
use tradewind_runtime::{Layout, STATE as STORE, changelog};
use tradewind_topics::{End, Log, Record, Start};

use super::{
    ledger::{self, CHAIN, COUNT, OUTCOME},
    report::Report,
    wire::{COMMAND, EVENT, STATE, number, u64_at},
    workload::{Workload, partitions},
};

const GLANCE: Duration = Duration::from_millis(200);

/// A run's topics, and what was loaded into them.
pub struct Topics<'a> {
    pub log: &'a dyn Log,
    pub layout: &'a Layout,
    pub workload: Workload,
    pub keys: u64,
    /// How many input records there must be.
    pub sent: RangeInclusive<u64>,
}

impl Topics<'_> {
    pub fn verify(&self) -> Result<Report> {
        match self.workload {
            Workload::Ledger => self.ledger(),
            Workload::Shuffle => self.shuffle(),
        }
    }

    fn ledger(&self) -> Result<Report> {
        let mut models: Vec<Option<([u8; STATE], [u8; EVENT])>> = vec![None; self.keys as usize];
        let inputs = self.scan(ledger::COMMANDS, |record| {
            let (model, command) = self.at(&mut models, &record)?;
            let command: &[u8; COMMAND] = command.try_into().context("a command of another length")?;
            let before = model.map_or([0; STATE], |(state, _)| state);
            *model = Some(ledger::step(&before, command, record.offset.cast_unsigned(), record.source.partition));
            Ok(())
        })?;
        let mut last: Vec<Option<Bytes>> = vec![None; self.keys as usize];
        let (mut out_of_sequence, mut accepted) = (0, 0);
        let outputs = self.scan(ledger::EVENTS, |record| {
            let (last, event) = self.at(&mut last, &record)?;
            let before = last.as_deref().map_or(0, |event| u64_at(event, COUNT));
            out_of_sequence += u64::from(u64_at(event, COUNT) != before + 1);
            accepted += event.get(OUTCOME).map_or(0, |outcome| u64::from(*outcome));
            *last = record.value.clone();
            Ok(())
        })?;
        let wrong = |(model, last): &(&Option<(_, [u8; EVENT])>, &Option<Bytes>)| {
            model.as_ref().map(|(_, event)| &event[..]) != last.as_deref()
        };
        let differs = models.iter().zip(&last).filter(wrong).count();
        let digest = last.iter().flatten().map(|event| u64_at(event, CHAIN)).fold(0_u64, u64::wrapping_add);
        let same = |key: usize, state: Option<&[u8]>| models[key].as_ref().map(|(state, _)| &state[..]) == state;
        let changelog_differs = self.changelog_differs(same)?;
        let ok = self.sent.contains(&inputs) && outputs == inputs && out_of_sequence == 0 && differs == 0;
        let mut report = Report::new("verify");
        report.put("inputs", inputs).put("outputs", outputs);
        report.put("keys", models.iter().flatten().count()).put("accepted", accepted);
        report.put("out_of_sequence", out_of_sequence).put("last_event_differs", differs);
        report.put("chain_digest", format!("{digest:x}")).put("changelog_differs", changelog_differs);
        report.put("ok", json!(ok && changelog_differs == 0));
        Ok(report)
    }

    /// Keys whose last state in the changelog is not the same as it should be.
    fn changelog_differs(&self, same: impl Fn(usize, Option<&[u8]>) -> bool) -> Result<usize> {
        let mut last: Vec<Option<Bytes>> = vec![None; self.keys as usize];
        self.scan(&changelog(self.workload.stateful()), |record| {
            // The other records there are positions of the task.
            if let Some(key) = record.key.as_deref().and_then(|key| key.strip_prefix(&[STORE])) {
                *slot(&mut last, key)? = record.value.clone();
            }
            Ok(())
        })?;
        Ok(last.iter().enumerate().filter(|(key, last)| !same(*key, last.as_deref())).count())
    }

    /// What is kept under a record's key, and the record's value.
    fn at<'k, 'r, T>(&self, kept: &'k mut [T], record: &'r Record) -> Result<(&'k mut T, &'r [u8])> {
        let (Some(key), Some(value)) = (&record.key, &record.value) else {
            bail!("{} at {} has no key or no value", record.source, record.offset);
        };
        Ok((slot(kept, key)?, value))
    }

    /// Reads a topic from its beginning to the end it has now, partition by partition. Gives the number of records.
    fn scan(&self, topic: &str, mut each: impl FnMut(Record) -> Result<()>) -> Result<u64> {
        let mut count = 0;
        for partition in partitions(self.layout, topic) {
            let end = self.log.admin().end(&partition, End::Stable)?;
            let mut reader = self.log.reader_to_end()?;
            reader.assign(&[(partition.clone(), Start::Beginning)])?;
            while reader.position(&partition)? < end {
                for record in reader.poll(GLANCE)? {
                    count += 1;
                    each(record)?;
                }
            }
        }
        Ok(count)
    }
}

fn slot<'k, T>(kept: &'k mut [T], key: &[u8]) -> Result<&'k mut T> {
    let number = number(key).and_then(|number| usize::try_from(number).ok());
    number.and_then(|number| kept.get_mut(number)).with_context(|| format!("{key:?} is no key of this run"))
}
