//! What librdkafka's clients call back: their own log goes to ours.

use parking_lot::Mutex;
use rdkafka::{ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError};
use tracing::{debug, error, warn};

/// The context of consumers and of clients that only ask questions.
#[derive(Default)]
pub struct Logging {
    last_reason: Mutex<Option<String>>,
}

impl Logging {
    /// The last thing that went wrong with a connection, for an error message that can name it.
    pub fn last_reason(&self) -> Option<String> {
        self.last_reason.lock().clone()
    }
}

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
        if matches!(level, RDKafkaLogLevel::Error) {
            *self.last_reason.lock() = Some(message.to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka");
        *self.last_reason.lock() = Some(reason.to_owned());
    }
}

impl ConsumerContext for Logging {}

/// One line of librdkafka's log.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            error!(target: "librdkafka", facility, "{message}");
        }
        // Its errors are lost connections, which it mends by itself.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            debug!(target: "librdkafka", facility, "{message}");
        }
    }
}
