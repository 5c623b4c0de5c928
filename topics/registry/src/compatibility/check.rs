//! Whether values written with one schema can be read with another, by the rules of Avro's schema resolution.
//!
//! apache_avro has a checker of its own, which is not used, for it compares references to named types by how they are
//! written and not by what they mean: adding a field of a known type *before* the field that first defines that type
//! turns the definition into a reference, and the checker then says that types differ. It also knows nothing of
//! aliases of named types, takes a UUID in a string for one in 16 bytes, and stops at the first problem without saying
//! where it is. tests/registry/compatibility.rs has the cases; Avro's own library for Java (1.12) judges all of them
//! alike, but for decimals, whose scale and precision it does not look at although the specification asks for it.

use std::{collections::HashMap, iter::once};

use apache_avro::{
    Schema,
    schema::{Aliases, Name, NamesRef, RecordSchema, ResolvedSchema, UnionSchema},
};

use super::{
    Problem,
    shape::{Shape, described, shape},
};

/// What keeps readers with one schema from reading values of the other; nothing if they can read every one of them.
pub fn unreadable(reader: &Schema, writer: &Schema) -> Vec<Problem> {
    let (Ok(readers), Ok(writers)) = (ResolvedSchema::new(reader), ResolvedSchema::new(writer)) else {
        // A schema that refers to what it does not define does not parse in the first place.
        return vec![Problem::Type { path: "/".to_owned(), reader: described(reader), writer: described(writer) }];
    };
    let mut check = Check {
        readers: readers.get_names(),
        writers: writers.get_names(),
        readable: Vec::new(),
        unreadable: HashMap::new(),
    };
    check.schemas(reader, writer, "")
}

/// The full names of a reader's and a writer's record.
type Pair = (String, String);

struct Check<'c, 's> {
    readers: &'c NamesRef<'s>,
    writers: &'c NamesRef<'s>,
    /// Pairs that are readable, or under way and taken for readable: recursive types come back to themselves.
    readable: Vec<Pair>,
    unreadable: HashMap<Pair, Vec<Problem>>,
}

impl<'s> Check<'_, 's> {
    fn schemas(&mut self, reader: &'s Schema, writer: &'s Schema, path: &str) -> Vec<Problem> {
        let (reader, writer) = (follow(reader, self.readers), follow(writer, self.writers));
        if let (Schema::Decimal(r), Schema::Decimal(w)) = (reader, writer)
            && (r.precision, r.scale) != (w.precision, w.scale)
        {
            return vec![differing(reader, writer, path)];
        }
        match (shape(reader), shape(writer)) {
            (_, Some(Shape::Union(union))) => {
                union.variants().iter().flat_map(|branch| self.schemas(reader, branch, path)).collect()
            }
            (Some(Shape::Union(union)), Some(_)) => self.branches(union, writer, path),
            (Some(Shape::Record(r)), Some(Shape::Record(w))) => {
                misnamed(&r.name, &r.aliases, &w.name, path).map_or_else(|| self.records(r, w, path), |p| vec![p])
            }
            (Some(Shape::Enum(r)), Some(Shape::Enum(w))) => {
                if let Some(problem) = misnamed(&r.name, &r.aliases, &w.name, path) {
                    return vec![problem];
                }
                let symbols: Vec<String> = w.symbols.iter().filter(|s| !r.symbols.contains(s)).cloned().collect();
                match r.default.is_some() || symbols.is_empty() {
                    true => Vec::new(),
                    false => vec![Problem::Symbols { path: shown(path), symbols }],
                }
            }
            (Some(Shape::Fixed(r)), Some(Shape::Fixed(w))) => {
                if let Some(problem) = misnamed(&r.name, &r.aliases, &w.name, path) {
                    return vec![problem];
                }
                match r.size == w.size {
                    true => Vec::new(),
                    false => vec![Problem::FixedSize { path: shown(path), reader: r.size, writer: w.size }],
                }
            }
            (Some(Shape::Array(r)), Some(Shape::Array(w))) => self.schemas(&r.items, &w.items, &format!("{path}[]")),
            (Some(Shape::Map(r)), Some(Shape::Map(w))) => self.schemas(&r.types, &w.types, &format!("{path}{{}}")),
            (Some(r), Some(w)) if promotes(w, r) => Vec::new(),
            _ => vec![differing(reader, writer, path)],
        }
    }

    /// A reader's union takes a value by the branch of the same full name where there is one, else by any that fits.
    fn branches(&mut self, union: &'s UnionSchema, writer: &'s Schema, path: &str) -> Vec<Problem> {
        let same = |branch: &&Schema| branch.name().is_some() && branch.name() == writer.name();
        if let Some(branch) = union.variants().iter().find(same) {
            return self.schemas(branch, writer, path);
        }
        for branch in union.variants() {
            if self.schemas(branch, writer, path).is_empty() {
                return Vec::new();
            }
        }
        vec![Problem::Branch { path: shown(path), branch: described(writer) }]
    }

    fn records(&mut self, reader: &'s RecordSchema, writer: &'s RecordSchema, path: &str) -> Vec<Problem> {
        let pair = (reader.name.fullname(None), writer.name.fullname(None));
        if self.readable.contains(&pair) {
            return Vec::new();
        }
        if let Some(problems) = self.unreadable.get(&pair) {
            return problems.clone();
        }
        let before = self.readable.len();
        self.readable.push(pair.clone());
        let mut problems = Vec::new();
        for field in &reader.fields {
            let path = format!("{path}/{}", field.name);
            let names = || once(&field.name).chain(&field.aliases);
            match names().find_map(|name| writer.fields.iter().find(|written| written.name == *name)) {
                Some(written) => problems.extend(self.schemas(&field.schema, &written.schema, &path)),
                None if field.default.is_some() => {}
                None => problems.push(Problem::Default { path, field: field.name.clone() }),
            }
        }
        if !problems.is_empty() {
            // What was found readable meanwhile may have leant on this pair.
            self.readable.truncate(before);
            self.unreadable.insert(pair, problems.clone());
        }
        problems
    }
}

fn follow<'s>(schema: &'s Schema, names: &NamesRef<'s>) -> &'s Schema {
    match schema {
        Schema::Ref { name } => names.get(name).copied().unwrap_or(schema),
        _ => schema,
    }
}

/// Names are compared without their namespaces, as the specification and Java's library do; the reader's aliases with
/// them.
fn misnamed(reader: &Name, aliases: &Aliases, writer: &Name, path: &str) -> Option<Problem> {
    let full = writer.fullname(None);
    let alias = || aliases.iter().flatten().any(|alias| alias.fullname(reader.namespace()) == full);
    let same = reader.name() == writer.name() || alias();
    (!same).then(|| Problem::Name { path: shown(path), reader: reader.fullname(None), writer: full })
}

fn promotes(from: Shape<'_>, to: Shape<'_>) -> bool {
    use Shape::{Boolean, Bytes, Double, Float, Int, Long, Null, String};
    matches!(
        (from, to),
        (Null, Null)
            | (Boolean, Boolean)
            | (Int, Int | Long | Float | Double)
            | (Long, Long | Float | Double)
            | (Float, Float | Double)
            | (Double, Double)
            | (Bytes | String, Bytes | String)
    )
}

fn differing(reader: &Schema, writer: &Schema, path: &str) -> Problem {
    Problem::Type { path: shown(path), reader: described(reader), writer: described(writer) }
}

fn shown(path: &str) -> String {
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}
