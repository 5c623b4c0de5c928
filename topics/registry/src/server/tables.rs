//! What the registry knows, folded from its records.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Which, fault::Fault, record::Entry};
use crate::{compatibility::Level, schema::Parsed};

#[derive(Default)]
pub struct Tables {
    /// By subject and version.
    subjects: BTreeMap<String, BTreeMap<u32, Version>>,
    schemas: BTreeMap<u32, Arc<Parsed>>,
    /// By canonical form: one schema has one id, whatever subjects it is under.
    ids: HashMap<String, u32>,
    level: Level,
    levels: HashMap<String, Level>,
}

/// A schema as a subject has it.
#[derive(Clone)]
pub struct Version {
    pub subject: String,
    pub version: u32,
    pub id: u32,
    pub(crate) parsed: Arc<Parsed>,
}

impl Version {
    /// The schema, as JSON.
    pub fn text(&self) -> &str {
        &self.parsed.text
    }
}

impl Tables {
    /// Takes in a record. Taking it in again changes nothing.
    pub fn apply(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Schema { subject, version, id, text } => {
                let parsed = Arc::new(Parsed::parse(&text)?);
                let known = *self.ids.entry(parsed.canonical.clone()).or_insert(id);
                if known != id {
                    return Err(format!("it gives id {id} to a schema that has id {known}"));
                }
                let kept = self.schemas.entry(id).or_insert(parsed.clone());
                if kept.canonical != parsed.canonical {
                    return Err(format!("it gives id {id} to a second schema"));
                }
                let row = Version { subject: subject.clone(), version, id, parsed: kept.clone() };
                self.subjects.entry(subject).or_default().insert(version, row);
            }
            Entry::Level { subject: None, level } => self.level = level,
            Entry::Level { subject: Some(subject), level } => {
                self.levels.insert(subject, level);
            }
        }
        Ok(())
    }

    /// The id a schema has, or will have.
    pub fn id_for(&self, parsed: &Parsed) -> u32 {
        let next = || self.schemas.last_key_value().map_or(1, |(last, _)| last + 1);
        self.ids.get(&parsed.canonical).copied().unwrap_or_else(next)
    }

    pub fn schema(&self, id: u32) -> Option<&Parsed> {
        self.schemas.get(&id).map(Arc::as_ref)
    }

    pub fn subjects(&self) -> Vec<String> {
        self.subjects.keys().cloned().collect()
    }

    /// Oldest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<Version>, Fault> {
        let versions = self.subjects.get(subject).ok_or_else(|| Fault::NoSuchSubject(subject.to_owned()))?;
        Ok(versions.values().cloned().collect())
    }

    pub fn version(&self, subject: &str, which: Which) -> Result<Version, Fault> {
        let versions = self.subjects.get(subject).ok_or_else(|| Fault::NoSuchSubject(subject.to_owned()))?;
        let found = match which {
            Which::Latest => versions.values().next_back().ok_or_else(|| Fault::NoSuchSubject(subject.to_owned())),
            Which::Number(number) => versions.get(&number).ok_or(Fault::NoSuchVersion(number)),
        };
        found.cloned()
    }

    /// The version of this subject that has this schema.
    pub fn find(&self, subject: &str, parsed: &Parsed) -> Result<Version, Fault> {
        let versions = self.subjects.get(subject).ok_or_else(|| Fault::NoSuchSubject(subject.to_owned()))?;
        let id = self.ids.get(&parsed.canonical);
        let found = versions.values().find(|version| Some(&version.id) == id);
        found.cloned().ok_or_else(|| Fault::NoSuchSchema(subject.to_owned()))
    }

    /// Every subject and version that has the schema of this id.
    pub fn uses(&self, id: u32) -> Vec<Version> {
        self.subjects.values().flat_map(BTreeMap::values).filter(|version| version.id == id).cloned().collect()
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// The level that a subject was given.
    pub fn own_level(&self, subject: &str) -> Option<Level> {
        self.levels.get(subject).copied()
    }

    /// The level that counts for a subject.
    pub fn level_of(&self, subject: &str) -> Level {
        self.own_level(subject).unwrap_or(self.level)
    }
}
