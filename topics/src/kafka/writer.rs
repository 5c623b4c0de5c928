//! Appends from outside transactions, each with its acknowledgement.

use std::sync::Arc;

use futures::{
    FutureExt,
    channel::oneshot,
    future::{self, BoxFuture},
};
use parking_lot::RwLock;
use rdkafka::{
    ClientContext, Message,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::DeliveryResult,
    producer::{Producer, ProducerContext, ThreadedProducer},
};
use tracing::{debug, warn};

use super::{
    contexts,
    faults::{Fault, failed},
    produce::{check_size, native},
    settings::Settings,
};
use crate::{Append, LogError, Offset, Writer};

/// Tells each appender where its record went.
struct Acknowledgements;

type Delivered = oneshot::Sender<Result<Offset, KafkaError>>;

impl ClientContext for Acknowledgements {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        contexts::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = Box<Delivered>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivered: Box<Delivered>) {
        let outcome = match result {
            Ok(record) => Ok(record.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        // An appender that has gone does not want to know.
        let _ = delivered.send(outcome);
    }
}

type Idempotent = ThreadedProducer<Acknowledgements>;

pub struct KafkaWriter {
    settings: Arc<Settings>,
    producer: RwLock<Arc<Idempotent>>,
}

impl KafkaWriter {
    pub fn new(settings: Arc<Settings>) -> Result<Self, LogError> {
        let producer = RwLock::new(Self::producer(&settings)?);
        Ok(Self { settings, producer })
    }

    fn producer(settings: &Settings) -> Result<Arc<Idempotent>, LogError> {
        settings.writer().create_with_context(Acknowledgements).map(Arc::new).map_err(failed("making a writer"))
    }

    fn send(&self, record: &Append) -> Result<oneshot::Receiver<Result<Offset, KafkaError>>, LogError> {
        check_size(record, self.settings.max_record())?;
        let producer = self.producer.read().clone();
        let (delivered, acknowledgement) = oneshot::channel();
        let Err((error, _)) = producer.send(native(record, Box::new(delivered))) else { return Ok(acknowledgement) };
        if error.rdkafka_error_code() == Some(Code::Fatal) {
            self.replace(&producer)?;
        }
        Err(failed(format!("writing to {}", record.to))(error))
    }

    /// An idempotent producer that lost its sequence is of no use any more; a new one starts another.
    fn replace(&self, broken: &Arc<Idempotent>) -> Result<(), LogError> {
        let mut producer = self.producer.write();
        if Arc::ptr_eq(&producer, broken) {
            let cause = broken.client().fatal_error();
            warn!(?cause, "the writer's producer failed for good and is replaced");
            *producer = Self::producer(&self.settings)?;
        }
        Ok(())
    }
}

impl Writer for KafkaWriter {
    fn append(&self, record: Append) -> BoxFuture<'static, Result<Offset, LogError>> {
        let acknowledgement = match self.send(&record) {
            Ok(acknowledgement) => acknowledgement,
            Err(error) => return future::err(error).boxed(),
        };
        let limit = self.settings.max_record();
        async move {
            let to = &record.to;
            match acknowledgement.await {
                Ok(Ok(offset)) => Ok(offset),
                Ok(Err(error)) if error.rdkafka_error_code() == Some(Code::MessageSizeTooLarge) => {
                    let size = record.key.map_or(0, |key| key.len()) + record.value.map_or(0, |value| value.len());
                    Err(LogError::TooLarge { to: record.to, size, limit })
                }
                Ok(Err(error)) => Err(Fault::from(error).while_doing(format!("writing to {to}"))),
                Err(oneshot::Canceled) => Err(LogError::Unavailable(format!("writing to {to}: the writer was closed"))),
            }
        }
        .boxed()
    }
}
