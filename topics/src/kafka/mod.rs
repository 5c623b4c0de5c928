//! The log on Apache Kafka, through librdkafka.
//!
//! librdkafka's own threads do the I/O; each [`Session`], [`Reader`] and [`Writer`] owns its clients and is driven by
//! the thread that calls it. What librdkafka gets wrong for us, and what is done about it:
//! - its flush and commit, as rdkafka calls them, wait in steps of 100 ms: [`raw`] calls them directly;
//! - its transactional calls may never return: they are [`calls`] on a thread of their own, with a time limit;
//! - a new client finds no broker for a moment, and takes a transactional id over 500 ms later: it is waited for one;
//! - a transaction right after the last one waits 20 ms: two producers take [`turns`];
//! - a producer whose commit timed out may still end a *later* transaction: it is never used again, and
//!   [`Session::recover`] makes another with the same transactional id;
//! - the brokers accept a transaction's offsets from someone who is in no generation of the group, so a session that
//!   lost its partitions commits with the credentials of the generation in which it had them, or not at all;
//! - records of a partition that is being assigned are not fetched before the worker has restored its state.

mod admin;
mod calls;
mod contexts;
mod cursors;
mod deliveries;
mod ending;
mod faults;
mod names;
mod positions;
mod produce;
mod raw;
mod reader;
mod session;
mod settings;
mod transaction;
mod turns;
mod writer;

use std::sync::Arc;

use admin::KafkaAdmin;
use reader::KafkaReader;
use session::KafkaSession;
pub use settings::Options;
use settings::Settings;
use writer::KafkaWriter;

use crate::{Admin, Log, LogError, Purpose, Reader, Session, SessionConfig, Writer};

/// Topics on Kafka brokers. Names of topics and groups are the physical ones.
pub struct KafkaLog {
    settings: Arc<Settings>,
    admin: Arc<KafkaAdmin>,
}

impl KafkaLog {
    /// Connects to the brokers at `host:port[,host:port…]`.
    ///
    /// Without an answer within [`Options::connect_timeout`] this is [`LogError::Unavailable`] with the addresses and
    /// the reason.
    pub fn connect(brokers: &str, options: Options) -> Result<Arc<KafkaLog>, LogError> {
        let settings = Arc::new(Settings { brokers: brokers.to_owned(), options });
        let admin = Arc::new(KafkaAdmin::connect(settings.clone())?);
        Ok(Arc::new(Self { settings, admin }))
    }
}

impl Log for KafkaLog {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        Ok(Box::new(KafkaSession::join(self.settings.clone(), &config)?))
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(KafkaReader::new(self.settings.clone(), purpose)?))
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        Ok(Arc::new(KafkaWriter::new(self.settings.clone())?))
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.admin.clone()
    }
}
