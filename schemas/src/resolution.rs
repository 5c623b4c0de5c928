//! Schema resolution: brings a value from the schema it was written with to ours.
//!
//! Avro's rules, with the branch of a union found by name wherever the branches have names. The library's own resolution
//! finds a branch by its shape, so that a record with fewer fields can be taken for another.

use std::collections::HashMap;

use apache_avro::{
    Error, Schema,
    schema::{NamesRef, RecordSchema, ResolvedSchema, SchemaKind, UnionSchema},
    types::Value,
};

/// From one schema to another. Both live as long as the process.
pub(crate) struct Resolution {
    from: (&'static Schema, NamesRef<'static>),
    to: (&'static Schema, NamesRef<'static>),
}

impl Resolution {
    pub(crate) fn new(from: &'static Schema, to: &'static Schema) -> Result<Self, Error> {
        let named = |schema| Ok::<_, Error>((schema, ResolvedSchema::new(schema)?.get_names().clone()));
        Ok(Self { from: named(from)?, to: named(to)? })
    }

    /// # Errors
    /// Where in the value, and why not.
    pub(crate) fn resolve(&self, value: Value) -> Result<Value, String> {
        self.value(value, self.from.0, self.to.0)
    }

    fn value(&self, value: Value, from: &Schema, to: &Schema) -> Result<Value, String> {
        match (value, definition(from, &self.from.1)?, definition(to, &self.to.1)?) {
            (Value::Union(branch, value), Schema::Union(from), to) => {
                let written = from.variants().get(branch as usize).ok_or_else(|| format!("no branch {branch}"))?;
                self.value(*value, written, to)
            }
            (value, from, Schema::Union(to)) => self.branch(value, from, to),
            (Value::Record(fields), Schema::Record(from), Schema::Record(to)) => self.record(fields, from, to),
            (Value::Array(items), Schema::Array(from), Schema::Array(to)) => {
                let items = items.into_iter().map(|item| self.value(item, &from.items, &to.items));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            (Value::Map(entries), Schema::Map(from), Schema::Map(to)) => {
                let resolved = |(key, value)| Ok((key, self.value(value, &from.types, &to.types)?));
                entries.into_iter().map(resolved).collect::<Result<_, String>>().map(Value::Map)
            }
            (value, _, to) => value.resolve_with_names(to, &self.to.1).map_err(|e| e.to_string()),
        }
    }

    /// Puts a value into the branch of its name; one without a name into the first that is of its kind or takes it.
    fn branch(&self, value: Value, from: &Schema, to: &UnionSchema) -> Result<Value, String> {
        let boxed = |index: usize, value| Value::Union(index as u32, Box::new(value));
        if let Some(name) = from.name() {
            let same = |schema: &Schema| schema.name().is_some_and(|other| other.name() == name.name());
            let index = to.variants().iter().position(same);
            let index = index.ok_or_else(|| format!("{} is not known to this release", name.name()))?;
            return Ok(boxed(index, self.value(value, from, &to.variants()[index])?));
        }
        let kind = SchemaKind::from(from);
        let mut unnamed: Vec<_> = to.variants().iter().enumerate().filter(|(_, to)| to.name().is_none()).collect();
        unnamed.sort_by_key(|(_, to)| SchemaKind::from(*to) != kind);
        let fits = |(index, to)| Some(boxed(index, self.value(value.clone(), from, to).ok()?));
        unnamed.into_iter().find_map(fits).ok_or_else(|| format!("{kind:?} is none of the branches"))
    }

    fn record(&self, fields: Vec<(String, Value)>, from: &RecordSchema, to: &RecordSchema) -> Result<Value, String> {
        if from.name.name() != to.name.name() {
            return Err(format!("{} is not {}", from.name.name(), to.name.name()));
        }
        let mut written: HashMap<String, Value> = fields.into_iter().collect();
        let mut resolved = Vec::with_capacity(to.fields.len());
        for field in &to.fields {
            let name = &field.name;
            let here = |why: String| format!("{name}: {why}");
            let value = match written.remove(name) {
                Some(value) => {
                    let place = from.lookup.get(name).and_then(|place| from.fields.get(*place));
                    let from = place.ok_or_else(|| here("the writer's schema lacks it".to_owned()))?;
                    self.value(value, &from.schema, &field.schema).map_err(here)?
                }
                None => {
                    let default = field.default.clone().ok_or_else(|| here("missing, without a default".to_owned()))?;
                    let default = Value::try_from(default).map_err(|e| here(e.to_string()))?;
                    default.resolve_with_names(&field.schema, &self.to.1).map_err(|e| here(e.to_string()))?
                }
            };
            resolved.push((name.clone(), value));
        }
        Ok(Value::Record(resolved))
    }
}

/// What a reference by name stands for.
fn definition<'s>(schema: &'s Schema, names: &NamesRef<'s>) -> Result<&'s Schema, String> {
    match schema {
        Schema::Ref { name } => names.get(name).copied().ok_or_else(|| format!("{name} is nowhere defined")),
        other => Ok(other),
    }
}
