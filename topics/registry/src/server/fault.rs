//! What the registry says no with.

use tradewind_topics::{LogError, Offset, TopicPartition};

use crate::compatibility::{Finding, Level};

/// Why a registry did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the schema registry's topic {topic} cannot be used: {cause}")]
    Log { topic: String, cause: LogError },
    #[error("the record at offset {offset} of {partition} is none of this schema registry's: {what}")]
    Foreign { partition: TopicPartition, offset: Offset, what: String },
}

/// Why a request was not met. The messages are Confluent's where it has one for the case.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("Subject '{0}' not found.")]
    NoSuchSubject(String),
    #[error("Version {0} not found.")]
    NoSuchVersion(u32),
    #[error("Schema {0} not found.")]
    NoSuchId(u32),
    #[error("Schema not found under subject '{0}'.")]
    NoSuchSchema(String),
    #[error("Subject '{0}' does not have subject-level compatibility configured")]
    NoLevel(String),
    #[error("Subject '{0}' does not have subject-level mode configured")]
    NoMode(String),
    #[error("Invalid schema: {0}")]
    InvalidSchema(String),
    #[error(
        "The specified version '{0}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \
         \"latest\""
    )]
    InvalidVersion(String),
    #[error(
        "Invalid compatibility level '{0}'. Valid values are none, backward, forward, full, backward_transitive, \
         forward_transitive, and full_transitive"
    )]
    InvalidLevel(String),
    #[error(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}, \
         {{compatibility: '{level}'}}]", details(.problems)
    )]
    Incompatible { subject: String, level: Level, problems: Vec<Finding> },
    #[error("The request is not understood: {0}")]
    Malformed(String),
    #[error("HTTP 404 Not Found")]
    NoSuchPath,
    #[error("HTTP 405 Method Not Allowed")]
    NoSuchMethod,
    #[error("Error in the backend data store: {0}")]
    Log(#[from] LogError),
    #[error("Error in the backend data store: {0}")]
    Topic(#[from] OpenError),
    #[error("The request failed inside of the registry")]
    Panicked,
}

impl Fault {
    /// Confluent's error code; its first three digits are the HTTP status.
    pub fn code(&self) -> u32 {
        match self {
            Self::Malformed(_) => 400,
            Self::NoSuchPath => 404,
            Self::NoSuchMethod => 405,
            Self::NoSuchSubject(_) => 40401,
            Self::NoSuchVersion(_) => 40402,
            Self::NoSuchId(_) | Self::NoSuchSchema(_) => 40403,
            Self::NoLevel(_) => 40408,
            Self::NoMode(_) => 40409,
            Self::Incompatible { .. } => 409,
            // A schema too large for the log is the request's fault, not the log's.
            Self::InvalidSchema(_) | Self::Log(LogError::TooLarge { .. }) => 42201,
            Self::InvalidVersion(_) => 42202,
            Self::InvalidLevel(_) => 42203,
            Self::Log(_) | Self::Topic(_) | Self::Panicked => 50001,
        }
    }
}

/// Problems as Confluent lists them.
fn details(problems: &[Finding]) -> String {
    messages(problems).join(", ")
}

/// One line for each problem.
pub fn messages(problems: &[Finding]) -> Vec<String> {
    let line = |Finding { version, kind, description }: &Finding| {
        format!("{{errorType:'{kind}', description:'{description}', oldSchemaVersion: {version}}}")
    };
    problems.iter().map(line).collect()
}
