//! Transactions as a driver makes them: what is appended, how a commit ends, and what its maker hears of it.

use bytes::Bytes;
use rand::Rng;
use tradewind_runtime::{Effect, Input};
use tradewind_state::{Backend, Batch};
use tradewind_topics::{Append, CommitError, Offset, Receipt, TopicPartition, list::EDGE_REPLIES};

use super::World;
use crate::{
    bugs::Bug,
    log::End,
    member::{MemberId, Todo},
};

/// The key of a changelog's record that ends a transaction.
pub(super) const POSITION: &[u8] = &[255];

impl World {
    /// Stages records into the member's transaction; `false` where they did not all get through, so that it must not be
    /// committed.
    pub fn append(&mut self, id: MemberId, mut records: Vec<Append>) -> bool {
        self.break_appends(id, &mut records);
        if self.trace.on {
            let changelog = self.changelog_of(id);
            let shown = records.iter().filter(|append| append.to.topic.as_ref() != changelog);
            let shown: Vec<_> = shown.map(|append| self.of_append(append)).collect();
            let name = self.members[id].name.clone();
            let changes = records.len() - shown.len();
            self.say(|| format!("{name} appends {changes} changes; {}", shown.join(", ")));
        }
        let epoch = self.members[id].epoch;
        self.members[id].transaction_since = self.step;
        let cut_off = self.strikes(80);
        if cut_off {
            records.truncate(records.len() / 2);
            self.counts.one("appends failed");
        }
        self.log.append(id, epoch, records);
        !cut_off
    }

    pub(super) fn append_of_worker(&mut self, id: MemberId, records: Vec<Append>) {
        if self.append(id, records) {
            return;
        }
        let todo = &mut self.members[id].todo;
        todo.retain(|todo| !matches!(todo, Todo::Carry(Effect::AppendChangelogs(_) | Effect::Commit(_))));
        todo.push_front(Todo::NotStaged);
    }

    fn changelog_of(&self, id: MemberId) -> String {
        self.groups[self.members[id].group].names.changelog(0).topic.to_string()
    }

    /// Ends the member's transaction, with these positions.
    pub fn commit(&mut self, id: MemberId, positions: &[(TopicPartition, Offset)]) -> Result<Receipt, CommitError> {
        let name = self.members[id].name.clone();
        let epoch = self.members[id].epoch;
        let moved =
            |(partition, position): &&(TopicPartition, Offset)| self.log.stable_offset(partition) != Some(*position);
        let moved: Vec<_> = positions.iter().filter(moved).cloned().collect();
        let positions = if self.is(Bug::UnmovedPositionsLeftOut) { &moved[..] } else { positions };
        let holds = positions.iter().all(|(partition, _)| self.holds(id, partition.partition));
        if !self.log.send_positions(id, epoch, holds, positions) {
            self.counts.one("fenced");
            self.say(|| format!("{name} is fenced"));
            return Err(CommitError::Fenced("simulated".to_owned()));
        }
        if self.strikes(12) {
            self.lose_the_answer(id, epoch);
            return Err(CommitError::Unknown("simulated".to_owned()));
        }
        if self.strikes(40) {
            self.log.abort(id);
            self.counts.one("commits aborted");
            self.say(|| format!("{name}'s commit is aborted"));
            return Err(CommitError::Aborted("simulated".to_owned()));
        }
        match self.log.commit(id, epoch) {
            End::Committed(receipt) => {
                self.counts.one("commits");
                self.say(|| format!("{name} commits {positions:?}"));
                Ok(receipt)
            }
            End::Fenced => Err(CommitError::Fenced("simulated".to_owned())),
        }
    }

    /// Whether it still has the partition that it acts for, as it was given to it then.
    fn holds(&self, id: MemberId, partition: u32) -> bool {
        let member = &self.members[id];
        let group = &self.groups[member.group];
        group.owners.get(&partition) == Some(&id) && group.grants.get(&partition) == member.granted.get(&partition)
    }

    /// The commit happened, or will, or will not.
    fn lose_the_answer(&mut self, id: MemberId, epoch: u64) {
        let name = self.members[id].name.clone();
        match self.rng.random_range(0..3) {
            0 => {
                self.log.commit(id, epoch);
                self.counts.one("commits unheard of");
                self.say(|| format!("{name} has committed, and is not told"));
            }
            1 => {
                let longest = 30 * self.groups.len() as u64;
                let at = self.step + self.rng.random_range(1..longest);
                self.delayed.push((at, id, epoch));
                self.counts.one("commits delayed");
                self.say(|| format!("{name}'s commit is under way until {at}"));
            }
            _ => {
                self.counts.one("commits lost");
                self.say(|| format!("{name}'s commit is lost"));
            }
        }
    }

    /// A commit whose answer was lost takes effect late, unless a newer epoch came before it.
    pub(super) fn settle_delayed(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) = self.delayed.drain(..).partition(|(at, ..)| *at <= self.step);
        self.delayed = later;
        for (_, id, epoch) in due {
            let end = self.log.commit(id, epoch);
            let name = self.members[id].name.clone();
            self.say(|| format!("{name}'s delayed commit arrives: {end:?}"));
        }
    }

    /// A new epoch, which settles the old transaction one way or the other.
    pub fn recover(&mut self, id: MemberId) {
        if self.is(Bug::RecoversWithoutNewEpoch) {
            self.log.abort(id);
        } else {
            self.members[id].epoch = self.log.take_epoch(id);
        }
        let (name, epoch) = (self.members[id].name.clone(), self.members[id].epoch);
        self.say(|| format!("{name} goes on with epoch {epoch}"));
    }

    pub(super) fn commit_worker(&mut self, id: MemberId, positions: &[(TopicPartition, Offset)]) {
        let input = match self.commit(id, positions) {
            Ok(receipt) => Input::Committed(receipt),
            Err(CommitError::Unknown(_)) if self.is(Bug::UnknownTakenForCommitted) => {
                Input::Committed(Receipt::default())
            }
            Err(error) => Input::NotCommitted(error),
        };
        self.tell(id, input);
    }

    /// What a driver would do that does not know the rules.
    fn break_appends(&mut self, id: MemberId, records: &mut Vec<Append>) {
        let names = self.groups[self.members[id].group].names.clone();
        let (source, changelog) = (names.source(0).topic, names.changelog(0).topic);
        let position = Bytes::from_static(POSITION);
        match self.bug {
            Some(Bug::FlushBeforeCommit) => self.flush_early(id, records, &changelog),
            Some(Bug::ChangelogWithoutPosition) => {
                records.retain(|append| append.to.topic != changelog || append.key.as_ref() != Some(&position));
            }
            Some(Bug::ChangelogOfTheLastKeyOnly) => {
                let mut seen = std::collections::BTreeSet::new();
                let mut kept: Vec<_> = std::mem::take(records).into_iter().rev().collect();
                kept.retain(|append| {
                    let data = append.to.topic == changelog && append.key.as_ref() != Some(&position);
                    !data || seen.insert(append.to.clone())
                });
                records.extend(kept.into_iter().rev());
            }
            Some(Bug::TimersOutsideTransaction) => self.let_out(records, |topic| topic == source.as_ref()),
            Some(Bug::RepliesOutsideTransaction) => self.let_out(records, |topic| topic.ends_with(EDGE_REPLIES.name)),
            Some(Bug::AnswersOutsideTransaction) => {
                self.let_out(records, |topic| topic != source.as_ref() && topic.ends_with(".commands"));
            }
            _ => {}
        }
    }

    fn let_out(&mut self, records: &mut Vec<Append>, out: impl Fn(&str) -> bool) {
        for append in records.extract_if(.., |append| out(&append.to.topic)) {
            self.log.produce(append);
        }
    }

    fn flush_early(&mut self, id: MemberId, records: &[Append], changelog: &str) {
        for (partition, store) in &self.members[id].stores {
            let of_it = records
                .iter()
                .filter(|append| append.to.topic.as_ref() == changelog && append.to.partition == *partition);
            let mut batch = Batch { changes: Vec::new(), checkpoint: store.checkpoint().unwrap_or_default() };
            for append in of_it {
                let Some((store, key)) = append.key.as_ref().and_then(|key| key.split_first()) else { continue };
                match append.value.as_deref().and_then(|value| value.first_chunk::<8>()) {
                    Some(source) if *store == POSITION[0] => {
                        batch.checkpoint.source = Some(i64::from_be_bytes(*source));
                    }
                    _ => batch.changes.push((*store, Bytes::copy_from_slice(key), append.value.clone())),
                }
            }
            // A disk that refuses it has at least not been led astray.
            let _ = store.apply(batch);
        }
    }
}
