//! Avro values as JSON for people: variants by name, times in RFC 3339, secrets masked.

use apache_avro::{
    Schema,
    schema::{NamesRef, UnionSchema},
    types::Value as Avro,
};
use serde_json::{Map, Value};
use tradewind_schemas::Timestamp;

/// What stands where something is not shown.
pub const MASK: &str = "•••";

/// Hashes that a guess could be tried on, keys, and what stands for a card.
const SECRET: [&str; 5] = ["password_hash", "refresh_hash", "next_hash", "wrapped", "token"];
/// Personal data under a person's key.
const SEALED: &str = "Sealed";

/// A value with the schema it was written with; `names` are that schema's.
pub fn json(value: Avro, schema: &Schema, names: &NamesRef<'_>) -> Value {
    match (value, definition(schema, names)) {
        (Avro::Union(branch, value), Schema::Union(union)) => match union.variants().get(branch as usize) {
            Some(written) => {
                let shown = json(*value, written, names);
                if is_choice(union, names) { named(shown, definition(written, names)) } else { shown }
            }
            None => Value::Null,
        },
        (Avro::Record(_), Schema::Record(record)) if record.name.name() == SEALED => MASK.into(),
        (Avro::Record(fields), Schema::Record(record)) => {
            let shown = fields.into_iter().map(|(name, value)| {
                let place = record.lookup.get(&name).and_then(|place| record.fields.get(*place));
                let value = match place {
                    Some(field) => json(value, &field.schema, names),
                    None => Value::Null,
                };
                let secret = SECRET.contains(&name.as_str()) && !value.is_null();
                (name, if secret { MASK.into() } else { value })
            });
            Value::Object(shown.collect())
        }
        (Avro::Array(items), Schema::Array(array)) => {
            items.into_iter().map(|item| json(item, &array.items, names)).collect()
        }
        (Avro::Map(entries), Schema::Map(map)) => {
            let shown = entries.into_iter().map(|(key, value)| (key, json(value, &map.types, names)));
            Value::Object(shown.collect())
        }
        (Avro::TimestampMillis(millis), _) => Timestamp::from_millis(millis).to_string().into(),
        (Avro::Bytes(bytes) | Avro::Fixed(_, bytes), _) => hex(&bytes).into(),
        // Numbers, strings, enums, UUIDs.
        (other, _) => Value::try_from(other).unwrap_or(Value::Null),
    }
}

/// A union of records, rather than a value that may be missing.
fn is_choice(union: &UnionSchema, names: &NamesRef<'_>) -> bool {
    union.variants().iter().all(|variant| matches!(definition(variant, names), Schema::Record(_)))
}

/// With the name of the record first.
fn named(shown: Value, schema: &Schema) -> Value {
    match (shown, schema) {
        (Value::Object(fields), Schema::Record(record)) => {
            let mut all = Map::with_capacity(fields.len() + 1);
            all.insert("type".to_owned(), record.name.name().into());
            all.extend(fields);
            Value::Object(all)
        }
        (masked, _) => masked,
    }
}

/// What a reference by name stands for.
fn definition<'s>(schema: &'s Schema, names: &NamesRef<'s>) -> &'s Schema {
    match schema {
        Schema::Ref { name } => names.get(name).copied().unwrap_or(schema),
        other => other,
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use apache_avro::schema::ResolvedSchema;
    use serde_json::json;

    use super::*;

    fn shown(schema: Value, value: Avro) -> Value {
        let schema = Schema::parse(&schema).unwrap();
        let resolved = ResolvedSchema::new(&schema).unwrap();
        super::json(value, &schema, resolved.get_names())
    }

    fn record(name: &str, fields: Value) -> Value {
        json!({ "type": "record", "name": name, "fields": fields })
    }

    fn text(text: &str) -> Avro {
        Avro::String(text.to_owned())
    }

    #[test]
    fn what_is_secret_is_masked_and_nothing_else() {
        let sealed = record("Sealed", json!([{ "name": "key_id", "type": "string" }]));
        let fields = [
            ("password_hash", json!("string"), text("$argon2id$…"), json!(MASK)),
            ("refresh_hash", json!("string"), text("ab12"), json!(MASK)),
            ("next_hash", json!("string"), text("ab12"), json!(MASK)),
            ("wrapped", json!("bytes"), Avro::Bytes(vec![1, 2]), json!(MASK)),
            ("token", json!(["null", "string"]), Avro::Union(1, Box::new(text("tok_visa"))), json!(MASK)),
            ("email", sealed, Avro::Record(vec![("key_id".to_owned(), text("k"))]), json!(MASK)),
            ("name", json!(["null", "Sealed"]), Avro::Union(0, Box::new(Avro::Null)), json!(null)),
            ("password_version", json!("long"), Avro::Long(3), json!(3)),
            ("claim", json!("string"), text("9f86"), json!("9f86")),
            ("nonce", json!("bytes"), Avro::Bytes(vec![1, 255]), json!("01ff")),
        ];
        for (name, schema, value, expected) in fields {
            // `name` refers to a schema that `email` defines.
            let before = json!({ "name": "before", "type": record("Sealed", json!([])) });
            let mut all = vec![json!({ "name": name, "type": schema })];
            let mut values = vec![(name.to_owned(), value)];
            if name == "name" {
                all.insert(0, before);
                values.insert(0, ("before".to_owned(), Avro::Record(Vec::new())));
            }
            let line = shown(record("Event", json!(all)), Avro::Record(values));
            assert_eq!(line[name], expected, "{name}");
        }
    }

    #[test]
    fn a_choice_of_records_says_which_it_is() {
        let payload =
            json!([record("Confirmed", json!([{ "name": "amount", "type": "long" }])), record("Rejected", json!([])),]);
        let at = json!({ "type": "long", "logicalType": "timestamp-millis" });
        let schema = record(
            "Envelope",
            json!([
                { "name": "at", "type": at },
                { "name": "request", "type": ["null", record("Request", json!([{ "name": "digest", "type": "string" }]))] },
                { "name": "payload", "type": payload },
            ]),
        );
        let value = Avro::Record(vec![
            ("at".to_owned(), Avro::TimestampMillis(1_500)),
            ("request".to_owned(), Avro::Union(1, Box::new(Avro::Record(vec![("digest".to_owned(), text("ab"))])))),
            ("payload".to_owned(), Avro::Union(0, Box::new(Avro::Record(vec![("amount".to_owned(), Avro::Long(5))])))),
        ]);
        let expected = json!({
            "at": "1970-01-01T00:00:01.500Z",
            "request": { "digest": "ab" },
            "payload": { "type": "Confirmed", "amount": 5 },
        });
        assert_eq!(shown(schema, value), expected);
    }
}
