//! Forgetting by key. When it happens is the log's affair; what must be left is not.

use std::{collections::BTreeMap, time::Duration};

use tradewind_topics::{Append, Cleanup};

use super::{Subject, number_in, numbered, wait};

pub fn the_last_value_of_each_key_stays(subject: &Subject) {
    let topic = subject.topic_with("customers", 1, Cleanup::Compact { tombstones_for: Duration::from_secs(3600) });
    let partition = subject.partitions(&topic)[0].clone();
    let writer = subject.log.writer().expect("a writer");
    let appends: Vec<_> = (0..300_u64)
        .map(|n| writer.append(Append { key: Some((n % 10).to_string().into()), ..numbered(&partition, n) }))
        .collect();
    for append in appends {
        wait(append).expect("it is appended");
    }
    let records = subject.read(&topic);
    assert!(records.is_sorted_by_key(|record| record.offset));
    let last: BTreeMap<_, _> = records.iter().map(|record| (record.key.clone(), number_in(record))).collect();
    assert_eq!(last.into_values().collect::<Vec<_>>(), (290..300).collect::<Vec<_>>());
}
