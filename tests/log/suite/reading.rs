//! Reading without a group.

use std::thread;

use bytes::Bytes;
use tradewind_topics::{Append, LogError, Purpose, Reader, Start, TopicPartition};

use super::{A_WHILE, PATIENCE, Subject, number_in, numbered, wait, wait_for};

/// Reads until there are so many.
fn read(reader: &mut dyn Reader, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    wait_for("the records are read", || {
        numbers.extend(reader.poll(A_WHILE).expect("records are read").iter().map(number_in));
        numbers.len() >= count
    });
    numbers
}

pub fn every_shape_of_record_comes_back(subject: &Subject) {
    let topic = subject.topic("shapes", 1);
    let to = subject.partitions(&topic)[0].clone();
    let bytes = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let header = |name: &str, value: &'static [u8]| (name.into(), Bytes::from_static(value));
    let large = Some(Bytes::from(vec![7; 300_000]));
    let shapes = [
        (bytes(b"key"), bytes(b"value"), vec![]),
        (None, bytes(b"value"), vec![]),
        (bytes(b""), bytes(b""), vec![]),
        (bytes(b"key"), None, vec![header("why", b"a tombstone")]),
        (None, None, vec![]),
        (bytes(b"key"), large, vec![header("twice", b"1"), header("twice", b"\xff\x00"), header("empty", b"")]),
        (bytes(&[0xff; 200]), bytes("Grüße".as_bytes()), vec![header("größe", b"x")]),
    ];
    // From before 1970, too, and that of whoever states none.
    let times = [1_700_000_000_000, -1, 1, -86_400_000, 4_102_444_800_000, 1_700_000_000_000, -2];
    let records: Vec<Append> = shapes
        .into_iter()
        .zip(times)
        .map(|((key, value, headers), timestamp)| Append { to: to.clone(), timestamp, key, value, headers })
        .collect();
    let writer = subject.log.writer().expect("a writer");
    for record in &records {
        wait(writer.append(record.clone())).expect("it is appended");
    }
    let mut worker = subject.lone_worker(&topic);
    worker.append(records.clone());
    worker.commit();

    let there: Vec<Append> = subject
        .read(&topic)
        .into_iter()
        .map(|record| Append {
            to: record.source,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
        })
        .collect();
    assert_eq!(there[..records.len()], records, "as appended");
    assert_eq!(there[records.len()..], records, "as committed");
}

/// A log may move the very beginning of 1970 by a millisecond, and to no other time.
pub fn the_beginning_of_time_is_not_now(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let to = subject.partitions(&topic)[0].clone();
    let record = Append { timestamp: 0, ..numbered(&to, 1) };
    wait(subject.log.writer().expect("a writer").append(record.clone())).expect("it is appended");
    let mut worker = subject.lone_worker(&topic);
    worker.append([record]);
    worker.commit();
    let times: Vec<_> = subject.read(&topic).iter().map(|record| record.timestamp).collect();
    assert!(matches!(times[..], [0 | 1, 0 | 1]), "{times:?}");
}

pub fn a_reader_begins_where_it_is_told(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let offsets = subject.write_numbers(&partition, 0..10);
    let mut reader = subject.log.reader().expect("a reader");
    for (start, numbers) in [
        (Start::Beginning, (0..10).collect::<Vec<_>>()),
        (Start::Offset(offsets[4]), (4..10).collect()),
        (Start::Offset(offsets[3] + 1), (4..10).collect()),
    ] {
        reader.assign(&[(partition.clone(), start)]).expect("it is assigned");
        assert_eq!(read(&mut *reader, numbers.len()), numbers, "{start:?}");
    }
    reader.assign(&[(partition.clone(), Start::End)]).expect("it is assigned");
    let end = subject.end(&partition);
    wait_for("the reader knows the end", || {
        assert!(reader.poll(A_WHILE).expect("records are read").is_empty());
        reader.position(&partition).expect("it was assigned") >= end
    });
    subject.write_numbers(&partition, 10..11);
    assert_eq!(read(&mut *reader, 1), [10]);
}

pub fn a_reader_begins_at_a_time(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let times: Vec<i64> = (0..2000_i64).map(|n| 1_000_000 + n * 10 - if n % 7 == 0 { 500 } else { 0 }).collect();
    let writer = subject.log.writer().expect("a writer");
    let appends: Vec<_> = times
        .iter()
        .zip(0..)
        .map(|(timestamp, n)| writer.append(Append { timestamp: *timestamp, ..numbered(&partition, n) }))
        .collect();
    for append in appends {
        wait(append).expect("it is appended");
    }
    let mut reader = subject.log.reader().expect("a reader");
    for time in [0, 1_000_000, 1_000_001, 1_004_995, 1_005_110, 1_007_000, 1_012_345, 1_019_990] {
        let first = times.iter().position(|timestamp| *timestamp >= time).expect("there is one") as u64;
        reader.assign(&[(partition.clone(), Start::Timestamp(time))]).expect("it is assigned");
        assert_eq!(read(&mut *reader, 1)[0], first, "from {time}");
    }
    reader.assign(&[(partition.clone(), Start::Timestamp(1_019_991))]).expect("it is assigned");
    let end = subject.end(&partition);
    wait_for("the reader knows that there is none", || {
        assert!(reader.poll(A_WHILE).expect("records are read").is_empty());
        reader.position(&partition).expect("it was assigned") >= end
    });
}

pub fn assigning_replaces_what_is_read(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    subject.write_numbers(&partitions[0], 0..3);
    subject.write_numbers(&partitions[1], 10..13);
    let mut reader = subject.log.reader().expect("a reader");
    for (partition, numbers) in [(0, [0, 1, 2]), (1, [10, 11, 12])] {
        reader.assign(&[(partitions[partition].clone(), Start::Beginning)]).expect("it is assigned");
        assert_eq!(read(&mut *reader, 3), numbers);
    }
    subject.write_numbers(&partitions[0], 3..4);
    subject.write_numbers(&partitions[1], 13..14);
    assert_eq!(read(&mut *reader, 1), [13]);
    assert!(reader.position(&partitions[0]).is_err());
}

/// A log may have more at hand than it hands out with a poll.
pub fn nothing_of_an_earlier_assignment_is_handed_out(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let all = 12_000;
    subject.write_numbers(&partition, 0..all);
    let mut reader = subject.log.reader().expect("a reader");
    for _ in 0..3 {
        reader.assign(&[(partition.clone(), Start::Beginning)]).expect("it is assigned");
        let mut first = Vec::new();
        wait_for("records come", || {
            first = reader.poll(A_WHILE).expect("records are read");
            !first.is_empty()
        });
        assert_eq!(number_in(&first[0]), 0);
    }
    reader.assign(&[(partition.clone(), Start::Beginning)]).expect("it is assigned");
    assert!(read(&mut *reader, all as usize).into_iter().eq(0..all));
}

pub fn readers_of_any_purpose_read_the_same(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let headers = vec![("traceparent".into(), Bytes::from_static(b"00-1"))];
    let written = Append { headers: headers.clone(), ..numbered(&partition, 7) };
    wait(subject.log.writer().expect("a writer").append(written.clone())).expect("it is appended");
    for (to_end, with_headers) in [(false, false), (false, true), (true, false), (true, true)] {
        let purpose = Purpose { to_end, headers: with_headers };
        let mut reader = subject.log.reader_for(purpose).expect("a reader");
        reader.assign(&[(partition.clone(), Start::Beginning)]).expect("it is assigned");
        let mut records = Vec::new();
        wait_for("the reader is at the end", || {
            records.extend(reader.poll(A_WHILE).expect("records are read"));
            reader.position(&partition).expect("it was assigned") >= subject.end(&partition)
        });
        let [record] = &records[..] else { panic!("{purpose:?}: {records:?}") };
        assert_eq!((&record.key, &record.value), (&written.key, &written.value), "{purpose:?}");
        assert!(record.headers == headers || !with_headers, "{purpose:?}: {record:?}");
    }
}

pub fn an_offset_beyond_the_end_is_out_of_range(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..3);
    let beyond = subject.end(&partition) + 1000;
    let mut reader = subject.log.reader().expect("a reader");
    let mut error = reader.assign(&[(partition.clone(), Start::Offset(beyond))]).err();
    wait_for("the reader hears of it", || {
        error = error.take().or_else(|| reader.poll(A_WHILE).err());
        error.is_some()
    });
    assert!(
        matches!(&error, Some(LogError::OffsetOutOfRange { partition: of, offset }) if *of == partition && *offset == beyond),
        "{error:?}"
    );
}

pub fn a_waiting_reader_hears_of_new_records(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition: TopicPartition = subject.partitions(&topic)[0].clone();
    let mut reader = subject.log.reader().expect("a reader");
    reader.assign(&[(partition.clone(), Start::End)]).expect("it is assigned");
    reader.poll(A_WHILE).expect("there is nothing yet");
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let mut records = Vec::new();
            wait_for("the record arrives", || {
                records.extend(reader.poll(PATIENCE).expect("records are read"));
                !records.is_empty()
            });
            number_in(&records[0])
        });
        subject.write_numbers(&partition, 5..6);
        assert_eq!(waiting.join().expect("the reader got on"), 5);
    });
}
