//! What librdkafka reports, sorted into what the platform acts on.

use std::fmt;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::LogError;

/// An error as librdkafka tells it.
#[derive(Clone, Debug)]
pub struct Fault {
    pub code: Option<Code>,
    pub text: String,
    /// The client that reported it is of no use any more.
    pub fatal: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<KafkaError> for Fault {
    fn from(error: KafkaError) -> Self {
        let fatal = matches!(&error, KafkaError::Transaction(cause) if cause.is_fatal());
        let code = match &error {
            KafkaError::AdminOp(code) => Some(*code),
            other => other.rdkafka_error_code(),
        };
        Self { code, text: error.to_string(), fatal: fatal || code == Some(Code::Fatal) }
    }
}

impl Fault {
    pub fn new(code: Code) -> Self {
        Self { code: Some(code), text: code.to_string(), fatal: code == Code::Fatal }
    }

    /// Someone else took over the transactional id.
    pub fn is_producer_fenced(&self) -> bool {
        matches!(self.code, Some(Code::ProducerFenced | Code::InvalidProducerEpoch | Code::Fenced))
    }

    /// The group went on without this member.
    pub fn is_member_fenced(&self) -> bool {
        matches!(self.code, Some(Code::IllegalGeneration | Code::UnknownMemberId | Code::FencedInstanceId))
    }

    pub fn is_unknown_topic(&self) -> bool {
        matches!(self.code, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition))
    }

    /// The partition is between two leaders, or has just been made, or librdkafka knows it from before.
    pub fn lacks_leader(&self) -> bool {
        matches!(
            self.code,
            Some(
                Code::LeaderNotAvailable
                    | Code::NotLeaderForPartition
                    | Code::FencedLeaderEpoch
                    | Code::UnknownLeaderEpoch
                    | Code::OffsetNotAvailable
            )
        )
    }

    /// The group is between two coordinators, or is the brokers' first.
    pub fn lacks_coordinator(&self) -> bool {
        matches!(
            self.code,
            Some(
                Code::NotCoordinator
                    | Code::CoordinatorNotAvailable
                    | Code::CoordinatorLoadInProgress
                    | Code::WaitingForCoordinator
            )
        )
    }

    /// The connection comes and goes: librdkafka reconnects by itself, so a poll only has to go on.
    pub fn is_passing(&self) -> bool {
        !self.fatal
            && matches!(
                self.code,
                Some(
                    Code::BrokerTransportFailure
                        | Code::AllBrokersDown
                        | Code::Resolve
                        | Code::OperationTimedOut
                        | Code::TimedOutQueue
                        | Code::RequestTimedOut
                        | Code::WaitingForCoordinator
                        | Code::LeaderNotAvailable
                        | Code::NotLeaderForPartition
                        | Code::NetworkException
                        | Code::CoordinatorLoadInProgress
                        | Code::CoordinatorNotAvailable
                        | Code::NotCoordinator
                        | Code::RebalanceInProgress
                        | Code::PollExceeded
                )
            )
    }

    /// As an error of the log; `doing` says what failed, on what.
    pub fn while_doing(self, doing: impl fmt::Display) -> LogError {
        if self.is_unknown_topic() {
            LogError::UnknownTopic(doing.to_string())
        } else if self.is_producer_fenced() || self.is_member_fenced() {
            LogError::Fenced(format!("{doing}: {self}"))
        } else {
            LogError::Unavailable(format!("{doing}: {self}"))
        }
    }
}

/// For `map_err`: [`Fault::while_doing`] of anything librdkafka returns.
pub(super) fn failed<E: Into<Fault>>(doing: impl fmt::Display) -> impl FnOnce(E) -> LogError {
    move |error| error.into().while_doing(doing)
}
