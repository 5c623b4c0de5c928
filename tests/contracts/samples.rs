//! Samples of a schema: values made up from it, so that no variant is forgotten.

use apache_avro::{
    Schema, Uuid,
    schema::{NamesRef, ResolvedSchema},
    types::Value,
    writer::datum::GenericDatumWriter,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Makes values up.
pub struct Samples<'s> {
    schema: &'s Schema,
    names: NamesRef<'s>,
    random: ChaCha8Rng,
}

impl<'s> Samples<'s> {
    pub fn of(schema: &'s Schema, seed: u64) -> Self {
        let names = ResolvedSchema::new(schema).expect("a whole schema").get_names().clone();
        Self { schema, names, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// One record for each branch of the payload, as datum bytes, with the branch's name.
    pub fn of_each_branch(&mut self) -> Vec<(String, Vec<u8>)> {
        let Schema::Record(envelope) = self.schema else { panic!("not an envelope") };
        let place = *envelope.lookup.get("payload").expect("a payload");
        let Schema::Union(union) = &envelope.fields[place].schema else { panic!("a payload that is no union") };
        let writer = GenericDatumWriter::builder(self.schema).build().expect("a sound schema");
        let branches = union.variants().iter().enumerate();
        branches
            .map(|(index, branch)| {
                let name = branch.name().expect("branches are records").name().to_owned();
                let Value::Record(mut fields) = self.value(self.schema) else { panic!("{name}: not a record") };
                fields[place].1 = Value::Union(index as u32, Box::new(self.value(branch)));
                let datum = writer.write_value_to_vec(Value::Record(fields)).unwrap_or_else(|e| panic!("{name}: {e}"));
                (name, datum)
            })
            .collect()
    }

    fn value(&mut self, schema: &Schema) -> Value {
        match schema {
            Schema::Null => Value::Null,
            Schema::Boolean => Value::Boolean(self.random.random()),
            Schema::Int => Value::Int(self.random.random()),
            Schema::Long => Value::Long(self.random.random()),
            Schema::TimestampMillis => Value::TimestampMillis(self.random.random()),
            Schema::Bytes => Value::Bytes((0..self.random.random_range(0..40)).map(|_| self.random.random()).collect()),
            Schema::String => Value::String(self.text()),
            Schema::Uuid(_) => Value::Uuid(Uuid::from_u128(self.random.random())),
            Schema::Enum(symbols) => {
                let index = self.random.random_range(0..symbols.symbols.len());
                Value::Enum(index as u32, symbols.symbols[index].clone())
            }
            Schema::Array(array) => {
                let length = self.random.random_range(0..4);
                Value::Array((0..length).map(|_| self.value(&array.items)).collect())
            }
            Schema::Union(union) => {
                let index = self.random.random_range(0..union.variants().len());
                Value::Union(index as u32, Box::new(self.value(&union.variants()[index])))
            }
            Schema::Record(record) => {
                let fields = record.fields.iter().map(|field| (field.name.clone(), self.value(&field.schema)));
                Value::Record(fields.collect())
            }
            Schema::Ref { name } => self.value(self.names[name]),
            other => panic!("no contract has used {other:?} before: teach this how to make one up"),
        }
    }

    /// Three capitals are fit for whatever travels as text: names, SKUs, currencies.
    fn text(&mut self) -> String {
        (0..3).map(|_| char::from(self.random.random_range(b'A'..=b'Z'))).collect()
    }
}
