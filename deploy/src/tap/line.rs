//! A record as a line of JSON.

use serde_json::{Map, Value, json};
use tradewind_schemas::Timestamp;
use tradewind_topics::Record;

use super::{decoding::Decoder, json::hex};

/// The line, without its end. `decoder` is there for topics whose values are Avro.
pub fn line(topic: &str, record: &Record, decoder: Option<&Decoder>) -> String {
    let mut line = Map::new();
    line.insert("topic".to_owned(), topic.into());
    line.insert("partition".to_owned(), record.source.partition.into());
    line.insert("offset".to_owned(), record.offset.into());
    line.insert("timestamp".to_owned(), Timestamp::from_millis(record.timestamp).to_string().into());
    line.insert("key".to_owned(), record.key.as_deref().map_or(Value::Null, text));
    line.insert("headers".to_owned(), headers(record));
    match (&record.value, decoder) {
        (None, _) => drop(line.insert("value".to_owned(), Value::Null)),
        (Some(value), Some(decoder)) => match decoder.decode(value) {
            Ok(shown) => drop(line.insert("value".to_owned(), shown)),
            Err(error) => drop(line.insert("undecoded".to_owned(), undecoded(value, &error))),
        },
        (Some(value), None) => {
            line.insert("undecoded".to_owned(), undecoded(value, "this topic's values are the platform's own"));
        }
    }
    Value::Object(line).to_string()
}

/// What a value is not shown of may be anybody's secret: how long it is, and why.
fn undecoded(value: &[u8], error: &str) -> Value {
    json!({ "bytes": value.len(), "error": error })
}

/// By name; a name that repeats has all of its values.
fn headers(record: &Record) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in &record.headers {
        let value = text(value);
        match all.get_mut(name.as_ref()) {
            None => drop(all.insert(name.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(all)
}

/// As it is where it is UTF-8, else in hex.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("hex:{}", hex(bytes)).into(),
    }
}
