//! Partitions and positions in librdkafka's lists.

use rdkafka::{Offset as Native, TopicPartitionList, error::KafkaError};

use super::faults::failed;
use crate::{LogError, Offset, TopicPartition};

/// These partitions, without positions.
pub fn list_of<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for at in partitions {
        list.add_partition(&at.topic, at.partition as i32);
    }
    list
}

/// These partitions with their positions.
pub fn list_at<'a>(
    positions: impl IntoIterator<Item = (&'a TopicPartition, Native)>,
) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    for (at, position) in positions {
        list.add_partition(&at.topic, at.partition as i32)
            .set_offset(position)
            .map_err(|_: KafkaError| LogError::Misuse(format!("{position:?} is no position of {at}")))?;
    }
    Ok(list)
}

/// What the brokers answered for these partitions, in the order asked; `None` where there is no position.
pub fn answers(
    list: &TopicPartitionList,
    asked: &[TopicPartition],
    doing: &str,
) -> Result<Vec<Option<Offset>>, LogError> {
    asked
        .iter()
        .map(|at| {
            let Some(answer) = list.find_partition(&at.topic, at.partition as i32) else { return Ok(None) };
            answer.error().map_err(failed(format!("{doing} {at}")))?;
            Ok(match answer.offset() {
                Native::Offset(offset) => Some(offset),
                _ => None,
            })
        })
        .collect()
}
