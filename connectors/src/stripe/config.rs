use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// Where the gateway is, how to prove who asks, and how long to wait.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) base_url: Url,
    pub(super) secret_key: SecretString,
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
}

/// Why a configuration was refused. No message shows the key, nor an address that may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the gateway's address is not a URL")]
    Url(#[source] <Url as FromStr>::Err),
    #[error("the gateway's address `{0}` must be http:// or https:// with a host, and end with the path")]
    Address(String),
    #[error("the gateway's address must not contain a user or a password; give the secret key instead")]
    Credentials,
    #[error("the gateway's secret key cannot be sent in a header; it must be of visible ASCII characters")]
    SecretKey(#[source] InvalidHeaderValue),
    #[error("the gateway's secret key is empty")]
    NoSecretKey,
    #[error("the gateway's time-outs must be longer than zero")]
    Timeout,
    #[error("cannot set up the gateway's HTTP client")]
    Http(#[source] reqwest::Error),
}

impl Config {
    /// A gateway at `base_url` (without `/v1`), with 2 s to connect and 10 s for a whole request.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn new(base_url: &str, secret_key: SecretString) -> Result<Self, ConfigError> {
        let base_url = Url::parse(base_url).map_err(ConfigError::Url)?;
        if !base_url.username().is_empty() || base_url.password().is_some() {
            return Err(ConfigError::Credentials);
        }
        let plain = base_url.query().is_none() && base_url.fragment().is_none();
        if !matches!(base_url.scheme(), "http" | "https") || !base_url.has_host() || !plain {
            return Err(ConfigError::Address(base_url.into()));
        }
        if secret_key.expose_secret().is_empty() {
            return Err(ConfigError::NoSecretKey);
        }
        let config = Self {
            base_url,
            secret_key,
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(10),
        };
        config.authorization().map(|_| config.clone())
    }

    /// With other times to wait for a connection, and for a request from its start to the end of its answer.
    ///
    /// # Errors
    /// When one is zero.
    pub fn with_timeouts(self, connect: Duration, request: Duration) -> Result<Self, ConfigError> {
        if connect.is_zero() || request.is_zero() {
            return Err(ConfigError::Timeout);
        }
        Ok(Self { connect_timeout: connect, request_timeout: request, ..self })
    }

    /// The header that proves who asks; it is marked so that it is never logged.
    pub(super) fn authorization(&self) -> Result<HeaderValue, ConfigError> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.secret_key.expose_secret()))
            .map_err(ConfigError::SecretKey)?;
        header.set_sensitive(true);
        Ok(header)
    }
}
