//! A registry that answers as Confluent's does, kept in a compacted topic of the log.
//!
//! What it lacks of Confluent's: deleting, references between schemas, contexts, modes other than READWRITE, and
//! anything but Avro.

mod answers;
mod fault;
mod journal;
mod local;
mod record;
mod routes;
mod tables;

use std::sync::Arc;

use apache_avro::Schema;
use parking_lot::{Mutex, RwLock};
use tradewind_topics::Log;

pub use fault::{Fault, OpenError};
pub use tables::Version;

use self::{journal::Journal, record::Entry, tables::Tables};
use crate::{
    compatibility::{Finding, Level, findings},
    schema::Parsed,
};

/// The registry. Calls wait for the disk, so an asynchronous caller makes them from a thread that may block; its
/// [`router`](Registry::router) does.
pub struct Registry {
    tables: RwLock<Tables>,
    /// Whoever holds it is the only one to decide and to write.
    journal: Mutex<Journal>,
}

impl Registry {
    /// Opens the registry kept in `topic` (its physical name), creating the topic where there is none, and reads it to
    /// its end.
    ///
    /// # Errors
    /// [`OpenError::Log`] if the log fails or has the topic with more than one partition; [`OpenError::Foreign`] if
    /// the topic holds what no registry of this version wrote.
    pub fn open(log: &Arc<dyn Log>, topic: &str) -> Result<Arc<Self>, OpenError> {
        let mut journal = Journal::open(log.as_ref(), topic)?;
        let mut tables = Tables::default();
        journal.catch_up(&mut tables)?;
        Ok(Arc::new(Self { tables: RwLock::new(tables), journal: Mutex::new(journal) }))
    }

    /// The id of this schema under this subject, which gets it as a new version if it has not got it yet. When this
    /// answers, the version is durable.
    pub fn register(&self, subject: &str, text: &str) -> Result<u32, Fault> {
        let parsed = Parsed::parse(text).map_err(Fault::InvalidSchema)?;
        if let Ok(known) = self.tables.read().find(subject, &parsed) {
            return Ok(known.id);
        }
        let mut journal = self.journal.lock();
        self.settle(&mut journal)?;
        let (id, version) = {
            let tables = self.tables.read();
            if let Ok(known) = tables.find(subject, &parsed) {
                return Ok(known.id);
            }
            let level = tables.level_of(subject);
            let earlier = tables.versions(subject).unwrap_or_default();
            let problems = findings(level, &parsed.schema, &compared(&earlier));
            if !problems.is_empty() {
                return Err(Fault::Incompatible { subject: subject.to_owned(), level, problems });
            }
            (tables.id_for(&parsed), earlier.last().map_or(1, |last| last.version + 1))
        };
        self.write(&mut journal, Entry::schema(subject, version, id, parsed.text))?;
        Ok(id)
    }

    /// The version of this subject that has this schema.
    pub fn lookup(&self, subject: &str, text: &str) -> Result<Version, Fault> {
        let parsed = Parsed::parse(text).map_err(Fault::InvalidSchema)?;
        self.tables.read().find(subject, &parsed)
    }

    /// The text of the schema of this id.
    pub fn schema(&self, id: u32) -> Result<String, Fault> {
        self.tables.read().schema(id).map(|parsed| parsed.text.clone()).ok_or(Fault::NoSuchId(id))
    }

    /// What keeps this schema from following one version of this subject, or all of them (`None`), at the subject's
    /// level.
    pub fn check(&self, subject: &str, against: Option<Which>, text: &str) -> Result<Vec<Finding>, Fault> {
        let parsed = Parsed::parse(text).map_err(Fault::InvalidSchema)?;
        let tables = self.tables.read();
        let earlier = match against {
            None => tables.versions(subject).unwrap_or_default(),
            // The first version of a subject has nothing to get along with.
            Some(Which::Latest) => tables.version(subject, Which::Latest).into_iter().collect(),
            Some(which) => vec![tables.version(subject, which)?],
        };
        Ok(findings(tables.level_of(subject), &parsed.schema, &compared(&earlier)))
    }

    /// Sets the level of a subject, or of all subjects that have none of their own.
    pub fn set_level(&self, subject: Option<&str>, level: Level) -> Result<(), Fault> {
        let mut journal = self.journal.lock();
        self.settle(&mut journal)?;
        self.write(&mut journal, Entry::level(subject, level))
    }

    /// Takes in what an append wrote whose answer never came.
    fn settle(&self, journal: &mut Journal) -> Result<(), Fault> {
        if journal.is_behind() {
            journal.catch_up(&mut self.tables.write())?;
        }
        Ok(())
    }

    fn write(&self, journal: &mut Journal, entry: Entry) -> Result<(), Fault> {
        journal.append(&entry)?;
        self.tables.write().apply(entry).map_err(Fault::InvalidSchema)
    }
}

/// Which version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Number(u32),
    Latest,
}

fn compared(versions: &[Version]) -> Vec<(u32, &Schema)> {
    versions.iter().map(|version| (version.version, &version.parsed.schema)).collect()
}
