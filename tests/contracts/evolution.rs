//! Two versions of one contract, reading each other.

use std::sync::Arc;

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};
use tradewind_schemas::{Actor, Codec, CodecError, Contract, Envelope, MessageId, Timestamp};
use uuid::Uuid;

use crate::registry::Published;

const TOPIC: &str = "parcel.events";

pub fn envelope<P: apache_avro::AvroSchemaComponent>(payload: P) -> Envelope<P> {
    let id = MessageId::new(Uuid::from_u128(1));
    Envelope {
        id,
        key: "parcel-1".to_owned(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor: Actor::service("parcel"),
        at: Timestamp::from_millis(1_767_225_600_000),
        request: None,
        cause: None,
        payload,
    }
}

/// The release that runs.
pub mod old {
    use super::*;

    pub const ID: u32 = 1;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel", repr = "bare_union")]
    pub enum Parcel {
        Packed { id: i64, weight: i64, label: Label },
        Collected { id: i64 },
        Delayed { id: i64, why: Why, because: Cause },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    pub struct Label {
        pub lines: Vec<Line>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    pub struct Line {
        pub text: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    #[serde(rename_all = "snake_case")]
    pub enum Why {
        Weather,
        Strike,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel", repr = "bare_union")]
    pub enum Cause {
        Ours { code: i64 },
        Theirs { code: i64 },
    }

    pub fn codec() -> (Codec<Parcel>, Arc<Published>) {
        super::codec(ID)
    }
}

/// The next one. New branches and symbols stand in front, so that every number shifts, and have the fields of old ones.
pub mod new {
    use super::*;

    pub const ID: u32 = 2;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel", repr = "bare_union")]
    pub enum Parcel {
        Lost {
            id: i64,
        },
        Delayed {
            id: i64,
            why: Why,
            because: Cause,
        },
        Collected {
            id: i64,
        },
        Packed {
            /// Added, with a default.
            #[avro(default = "3")]
            priority: i64,
            id: i64,
            weight: i64,
            label: Label,
            /// Added, optional.
            carrier: Option<String>,
        },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    pub struct Label {
        pub lines: Vec<Line>,
        pub note: Option<Line>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    pub struct Line {
        #[avro(default = "\"de\"")]
        pub language: String,
        pub text: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel")]
    #[serde(rename_all = "snake_case")]
    pub enum Why {
        Customs,
        Weather,
        Strike,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel", repr = "bare_union")]
    pub enum Cause {
        Nobodys { code: i64 },
        Theirs { code: i64 },
        Ours { code: i64 },
    }

    pub fn codec() -> (Codec<Parcel>, Arc<Published>) {
        super::codec(ID)
    }
}

fn codec<P: Contract>(id: u32) -> (Codec<P>, Arc<Published>) {
    let published = Published::default()
        .with(old::ID, &old::Parcel::schema(TOPIC))
        .with(new::ID, &new::Parcel::schema(TOPIC))
        .with(incomplete::ID, &incomplete::Parcel::schema(TOPIC));
    let published = Arc::new(published);
    (Codec::new(TOPIC, id, published.clone()).expect("a codec"), published)
}

fn upgraded(written: old::Parcel) -> Result<new::Parcel, CodecError> {
    let record = old::codec().0.encode(&envelope(written)).expect("encodes");
    new::codec().0.decode(&record).map(|read| {
        assert_eq!(read.clone().with(()), envelope(()), "the envelope is as it was");
        read.payload
    })
}

fn downgraded(written: new::Parcel) -> Result<old::Parcel, CodecError> {
    let record = new::codec().0.encode(&envelope(written)).expect("encodes");
    old::codec().0.decode(&record).map(|read| read.payload)
}

fn old_line(text: &str) -> old::Line {
    old::Line { text: text.to_owned() }
}

fn new_line(language: &str, text: &str) -> new::Line {
    new::Line { language: language.to_owned(), text: text.to_owned() }
}

#[test]
fn what_an_old_writer_did_not_know_takes_its_default() {
    let label = old::Label { lines: vec![old_line("Ada"), old_line("London")] };
    let read = upgraded(old::Parcel::Packed { id: 1, weight: 200, label }).unwrap();
    let label = new::Label { lines: vec![new_line("de", "Ada"), new_line("de", "London")], note: None };
    assert_eq!(read, new::Parcel::Packed { priority: 3, id: 1, weight: 200, label, carrier: None });
}

#[test]
fn what_an_old_reader_does_not_know_is_dropped() {
    let label = new::Label { lines: vec![new_line("en", "Ada")], note: Some(new_line("en", "fragile")) };
    let packed = new::Parcel::Packed { priority: 9, id: 1, weight: 200, label, carrier: Some("post".to_owned()) };
    let label = old::Label { lines: vec![old_line("Ada")] };
    assert_eq!(downgraded(packed).unwrap(), old::Parcel::Packed { id: 1, weight: 200, label });
}

#[test]
fn a_branch_is_found_by_its_name_and_never_by_its_shape_or_number() {
    assert_eq!(upgraded(old::Parcel::Collected { id: 5 }).unwrap(), new::Parcel::Collected { id: 5 });
    assert_eq!(downgraded(new::Parcel::Collected { id: 5 }).unwrap(), old::Parcel::Collected { id: 5 });
    for (was, is) in [
        (old::Cause::Ours { code: 1 }, new::Cause::Ours { code: 1 }),
        (old::Cause::Theirs { code: 1 }, new::Cause::Theirs { code: 1 }),
    ] {
        let was = old::Parcel::Delayed { id: 1, why: old::Why::Strike, because: was };
        let is = new::Parcel::Delayed { id: 1, why: new::Why::Strike, because: is };
        assert_eq!(upgraded(was.clone()).unwrap(), is);
        assert_eq!(downgraded(is).unwrap(), was);
    }
}

#[test]
fn what_a_release_cannot_know_is_a_clear_error() {
    let delayed = |why, because| new::Parcel::Delayed { id: 1, why, because };
    for (written, says) in [
        (new::Parcel::Lost { id: 5 }, "payload: Lost is not known to this release"),
        (delayed(new::Why::Strike, new::Cause::Nobodys { code: 1 }), "because: Nobodys is not known to this release"),
        (delayed(new::Why::Customs, new::Cause::Ours { code: 1 }), "customs"),
    ] {
        let refused = downgraded(written).unwrap_err();
        assert!(matches!(refused, CodecError::Incompatible { id: new::ID, .. }), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(!refused.is_environment());
    }
}

/// A contract that no compatibility check would have let through.
mod incomplete {
    use super::*;

    pub const ID: u32 = 3;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "tradewind.parcel", repr = "bare_union")]
    pub enum Parcel {
        Collected { number: i64 },
    }
}

#[test]
fn a_field_that_is_missing_without_a_default_is_named() {
    let written =
        codec::<incomplete::Parcel>(incomplete::ID).0.encode(&envelope(incomplete::Parcel::Collected { number: 1 }));
    let refused = old::codec().0.decode(&written.unwrap()).unwrap_err();
    assert!(refused.to_string().contains("payload: id: missing, without a default"), "{refused}");
}
