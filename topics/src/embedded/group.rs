//! Consumer groups: who is a member, and who owns which partition.
//!
//! Everything happens when a member polls (or releases, leaves, commits); there is no thread. A partition moves in two
//! steps: its owner is told to give it up, and when it has, or has been silent or stubborn for the session time-out,
//! the next owner is told that it has it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{alarm::Alarm, assignment, topics::Topics};
use crate::{SessionConfig, TopicPartition};

/// What a member has not been told yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    pub assigned: Vec<TopicPartition>,
    pub revoked: Vec<TopicPartition>,
}

/// Why a member is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was silent for too long, or kept revoked partitions for too long. It may join again.
    TimedOut,
    /// Another session has its identity. It must not come back.
    Replaced,
}

struct Member {
    /// What members are ordered by.
    rank: Arc<str>,
    instance: Option<Arc<str>>,
    transactional: Arc<str>,
    topics: Vec<Arc<str>>,
    timeout: Duration,
    alarm: Arc<Alarm>,
    seen: Instant,
    /// Owned, and not told yet.
    granted: BTreeSet<TopicPartition>,
    /// To be given up, and not told yet.
    withdrawn: BTreeSet<TopicPartition>,
    /// Told to give these up, and has not yet.
    revoked: BTreeSet<TopicPartition>,
    revoked_at: Instant,
}

impl Member {
    fn expires(&self) -> Instant {
        let silent = self.seen + self.timeout;
        if self.revoked.is_empty() { silent } else { silent.min(self.revoked_at + self.timeout) }
    }
}

/// One group.
#[derive(Default)]
pub struct Group {
    next_member: u64,
    members: HashMap<u64, Member>,
    owners: HashMap<TopicPartition, u64>,
    target: HashMap<TopicPartition, u64>,
    /// Whether the members have changed since the target was made.
    stale: bool,
    replaced: HashSet<u64>,
}

impl Group {
    /// Makes a session a member. It takes over from one with the same identity at once.
    pub fn join(&mut self, config: &SessionConfig, alarm: &Arc<Alarm>, now: Instant) -> u64 {
        let id = self.next_member;
        self.next_member += 1;
        let mut inherited = BTreeSet::new();
        let same = |member: &Member| {
            member.transactional == config.transactional_id
                || (member.instance.is_some() && member.instance == config.instance_id)
        };
        let predecessors: Vec<u64> =
            self.members.iter().filter(|(_, member)| same(member)).map(|(id, _)| *id).collect();
        for predecessor in predecessors {
            self.replaced.insert(predecessor);
            inherited.extend(self.remove(predecessor));
        }
        for partition in &inherited {
            self.owners.insert(partition.clone(), id);
        }
        let rank = config.instance_id.clone().unwrap_or_else(|| format!("{}-{id:020}", config.transactional_id).into());
        let member = Member {
            rank,
            instance: config.instance_id.clone(),
            transactional: config.transactional_id.clone(),
            topics: config.topics.clone(),
            timeout: config.session_timeout,
            alarm: alarm.clone(),
            seen: now,
            granted: inherited,
            withdrawn: BTreeSet::new(),
            revoked: BTreeSet::new(),
            revoked_at: now,
        };
        self.members.insert(id, member);
        self.stale = true;
        id
    }

    /// A sign of life. Returns what the member must hear, and when it must come back at the latest.
    pub fn poll(&mut self, id: u64, topics: &Topics, now: Instant) -> Result<(News, Instant), Gone> {
        self.expire(now);
        let Some(member) = self.members.get_mut(&id) else {
            return Err(self.why_gone(id));
        };
        member.seen = now;
        if self.stale {
            self.rebalance(topics);
        }
        let next = self.members.values().map(Member::expires).min().unwrap_or(now);
        let Some(member) = self.members.get_mut(&id) else {
            return Err(self.why_gone(id));
        };
        if !member.withdrawn.is_empty() && member.revoked.is_empty() {
            member.revoked_at = now;
        }
        let news = News {
            assigned: std::mem::take(&mut member.granted).into_iter().collect(),
            revoked: member.withdrawn.iter().cloned().collect(),
        };
        member.revoked.append(&mut member.withdrawn);
        Ok((news, next.min(now + member.timeout / 3)))
    }

    /// Whether this member may commit positions of these partitions now; else why not.
    pub fn check<'a>(
        &mut self,
        id: u64,
        mut partitions: impl Iterator<Item = &'a TopicPartition>,
        now: Instant,
    ) -> Result<(), String> {
        self.expire(now);
        if !self.members.contains_key(&id) {
            return Err(match self.why_gone(id) {
                Gone::TimedOut => "the group went on without this member, which was silent for too long".into(),
                Gone::Replaced => "another session has this one's identity".into(),
            });
        }
        match partitions.find(|partition| self.owners.get(*partition) != Some(&id)) {
            Some(partition) => Err(format!("{partition} is not this member's")),
            None => Ok(()),
        }
    }

    /// Gives up partitions that were revoked.
    pub fn release(&mut self, id: u64, partitions: &[TopicPartition]) {
        if let Some(member) = self.members.get_mut(&id) {
            for partition in partitions {
                if member.revoked.remove(partition) {
                    self.owners.remove(partition);
                }
            }
            self.settle();
        }
    }

    pub fn leave(&mut self, id: u64, topics: &Topics) {
        if self.members.contains_key(&id) {
            self.remove(id);
            self.rebalance(topics);
        }
        self.replaced.remove(&id);
    }

    fn why_gone(&self, id: u64) -> Gone {
        if self.replaced.contains(&id) { Gone::Replaced } else { Gone::TimedOut }
    }

    fn expire(&mut self, now: Instant) {
        let expired: Vec<u64> =
            self.members.iter().filter(|(_, member)| member.expires() < now).map(|(id, _)| *id).collect();
        for id in expired {
            self.remove(id);
        }
    }

    /// Takes the member out. Returns what it owned, which nobody owns now.
    fn remove(&mut self, id: u64) -> BTreeSet<TopicPartition> {
        if let Some(member) = self.members.remove(&id) {
            member.alarm.ring();
            self.stale = true;
        }
        let owned: BTreeSet<_> =
            self.owners.iter().filter(|(_, owner)| **owner == id).map(|(partition, _)| partition.clone()).collect();
        self.owners.retain(|_, owner| *owner != id);
        owned
    }

    fn rebalance(&mut self, topics: &Topics) {
        self.stale = false;
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by(|(_, one), (_, other)| one.rank.cmp(&other.rank));
        let members: Vec<_> = members.into_iter().map(|(id, member)| (*id, member.topics.as_slice())).collect();
        self.target = assignment::range(&members, topics);
        self.settle();
    }

    /// Moves ownership towards the target as far as it can go now, and wakes those whom it concerns.
    fn settle(&mut self) {
        for (partition, to) in &self.target {
            let owner = self.owners.get(partition).copied();
            if owner == Some(*to) {
                if let Some(owner) = self.members.get_mut(to) {
                    owner.withdrawn.remove(partition);
                }
                continue;
            }
            if let Some(from) = owner.and_then(|owner| self.members.get_mut(&owner)) {
                // One that has not heard that it has the partition need not hear that it has not.
                if !from.granted.remove(partition) {
                    if !from.revoked.contains(partition) && from.withdrawn.insert(partition.clone()) {
                        from.alarm.ring();
                    }
                    continue;
                }
            }
            if let Some(member) = self.members.get_mut(to) {
                self.owners.insert(partition.clone(), *to);
                member.granted.insert(partition.clone());
                member.alarm.ring();
            }
        }
    }
}

/// All groups that have had members since the log was opened.
#[derive(Default)]
pub struct Groups(Mutex<HashMap<Arc<str>, Arc<Mutex<Group>>>>);

impl Groups {
    pub fn get(&self, name: &Arc<str>) -> Arc<Mutex<Group>> {
        self.0.lock().entry(name.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(9);

    struct Scene {
        group: Group,
        topics: Topics,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { group: Group::default(), topics: Topics::with("orders", 4), now: Instant::now() }
        }

        fn join(&mut self, name: &str) -> u64 {
            let config = SessionConfig {
                group: "group".into(),
                topics: vec!["orders".into()],
                transactional_id: name.into(),
                instance_id: Some(name.into()),
                session_timeout: TIMEOUT,
                max_batch: 1,
            };
            self.group.join(&config, &Arc::default(), self.now)
        }

        /// Which partitions the member hears that it got, and that it must give up.
        fn poll(&mut self, member: u64) -> Result<(Vec<u32>, Vec<u32>), Gone> {
            let (news, _) = self.group.poll(member, &self.topics, self.now)?;
            let numbers = |partitions: Vec<TopicPartition>| partitions.iter().map(|named| named.partition).collect();
            Ok((numbers(news.assigned), numbers(news.revoked)))
        }

        fn may_commit(&mut self, member: u64, partition: u32) -> bool {
            let partition = TopicPartition::new("orders", partition);
            self.group.check(member, [&partition].into_iter(), self.now).is_ok()
        }

        fn release(&mut self, member: u64, partitions: &[u32]) {
            let partitions: Vec<_> =
                partitions.iter().map(|partition| TopicPartition::new("orders", *partition)).collect();
            self.group.release(member, &partitions);
        }
    }

    #[test]
    fn a_partition_moves_when_it_is_released() {
        let mut scene = Scene::new();
        let a = scene.join("a");
        assert_eq!(scene.poll(a), Ok((vec![0, 1, 2, 3], vec![])));
        let b = scene.join("b");
        assert_eq!(scene.poll(b), Ok((vec![], vec![])));
        assert_eq!(scene.poll(a), Ok((vec![], vec![2, 3])));
        assert!(scene.may_commit(a, 3) && !scene.may_commit(b, 3));
        scene.release(a, &[2]);
        assert_eq!(scene.poll(b), Ok((vec![2], vec![])));
        assert!(!scene.may_commit(a, 2) && scene.may_commit(a, 3));
        scene.release(a, &[3]);
        assert_eq!(scene.poll(b), Ok((vec![3], vec![])));
    }

    #[test]
    fn who_keeps_revoked_partitions_for_too_long_is_out() {
        let mut scene = Scene::new();
        let a = scene.join("a");
        assert_eq!(scene.poll(a), Ok((vec![0, 1, 2, 3], vec![])));
        let b = scene.join("b");
        assert_eq!(scene.poll(b), Ok((vec![], vec![])));
        assert_eq!(scene.poll(a), Ok((vec![], vec![2, 3])));
        for _ in 0..2 {
            scene.now += TIMEOUT / 2;
            assert_eq!(scene.poll(a), Ok((vec![], vec![])));
            assert_eq!(scene.poll(b), Ok((vec![], vec![])));
        }
        scene.now += Duration::from_secs(1);
        assert_eq!(scene.poll(b), Ok((vec![0, 1, 2, 3], vec![])));
        assert!(!scene.may_commit(a, 0));
        assert_eq!(scene.poll(a), Err(Gone::TimedOut));
    }

    #[test]
    fn who_is_silent_is_out_though_nobody_else_is_there() {
        let mut scene = Scene::new();
        let a = scene.join("a");
        assert_eq!(scene.poll(a), Ok((vec![0, 1, 2, 3], vec![])));
        scene.now += TIMEOUT;
        assert!(scene.may_commit(a, 0));
        scene.now += Duration::from_millis(1);
        assert!(!scene.may_commit(a, 0));
        assert_eq!(scene.poll(a), Err(Gone::TimedOut));
    }

    #[test]
    fn a_partition_that_goes_and_comes_back_unheard_of_stays() {
        let mut scene = Scene::new();
        let a = scene.join("a");
        assert_eq!(scene.poll(a), Ok((vec![0, 1, 2, 3], vec![])));
        let b = scene.join("b");
        assert_eq!(scene.poll(b), Ok((vec![], vec![])));
        scene.group.leave(b, &scene.topics);
        assert_eq!(scene.poll(a), Ok((vec![], vec![])));
        assert!(scene.may_commit(a, 3));
    }

    #[test]
    fn who_comes_back_by_name_takes_over_at_once() {
        let mut scene = Scene::new();
        let (a, b) = (scene.join("a"), scene.join("b"));
        assert_eq!(scene.poll(a), Ok((vec![0, 1], vec![])));
        assert_eq!(scene.poll(b), Ok((vec![2, 3], vec![])));
        let again = scene.join("a");
        assert_eq!(scene.poll(again), Ok((vec![0, 1], vec![])));
        assert_eq!(scene.poll(b), Ok((vec![], vec![])));
        assert_eq!(scene.poll(a), Err(Gone::Replaced));
        assert!(!scene.may_commit(a, 0));
    }
}
