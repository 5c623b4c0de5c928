//! Which member of a group gets which partition.

use std::{collections::HashMap, sync::Arc};

use super::topics::Topics;
use crate::TopicPartition;

/// Kafka's range assignment: each topic by itself, its partitions in runs over the members in order, so that topics
/// with equal partition counts and the same members are cut alike. `members` are in the order of their names.
pub fn range(members: &[(u64, &[Arc<str>])], topics: &Topics) -> HashMap<TopicPartition, u64> {
    let mut subscribers: HashMap<&Arc<str>, Vec<u64>> = HashMap::new();
    for (member, subscription) in members {
        for topic in *subscription {
            let those = subscribers.entry(topic).or_default();
            if those.last() != Some(member) {
                those.push(*member);
            }
        }
    }
    let mut assignment = HashMap::new();
    for (topic, members) in subscribers {
        let Ok(topic) = topics.get(topic) else { continue };
        let (each, more) = (topic.partitions.len() / members.len(), topic.partitions.len() % members.len());
        let mut partitions = topic.partitions.iter();
        for (rank, member) in members.iter().enumerate() {
            for partition in partitions.by_ref().take(each + usize::from(rank < more)) {
                assignment.insert(partition.name.clone(), *member);
            }
        }
    }
    assignment
}
