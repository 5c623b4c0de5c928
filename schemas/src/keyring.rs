//! The keys of personal data: one or more data keys per person, each wrapped by the platform's master key.
//!
//! ```text
//! MasterKey (configuration) ── wraps ──► data key (random, per person) ── seals ──► Sealed, in records
//!                                            └─ published, wrapped, in identity.keys
//! ```
//! Erasing a person deletes their data keys: what they sealed stays where it lies, and says nothing any more.

use std::{collections::HashMap, fmt, str::FromStr};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, AeadCore, OsRng, Payload},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use parking_lot::RwLock;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Sealed, UserId, identity::SubjectKey};

/// Why something was not sealed, opened or learned.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    #[error("the personal data of {0} was erased")]
    Erased(UserId),
    /// Perhaps not known *yet*: the key is a record of `identity.keys`.
    #[error("no data key {key_id} of {subject} is known")]
    UnknownKey { subject: UserId, key_id: String },
    #[error("no data key of {0} is known")]
    UnknownSubject(UserId),
    /// Damaged, or sealed for another subject, topic or field.
    #[error("{field} of {subject}, sealed for {topic}, does not open: it was altered, or sealed as something else")]
    DoesNotOpen { subject: UserId, topic: String, field: String },
    #[error("data key {key_id} of {subject} is not wrapped by this master key; was the master key replaced?")]
    OtherMaster { subject: UserId, key_id: String },
    #[error("{bytes} bytes are too many to seal")]
    TooLong { bytes: usize },
}

/// 32 bytes that are wiped when dropped and never printed.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Fresh, from the operating system.
    pub(crate) fn generate() -> Self {
        Self::new(Aes256Gcm::generate_key(OsRng).into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn encoded(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(self.bytes()))
    }

    fn seal(&self, nonce: &[u8], aad: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
        let cipher = Aes256Gcm::new(self.bytes().into());
        cipher.encrypt(Nonce::from_slice(nonce), Payload { msg: plaintext, aad }).ok()
    }

    fn open(&self, nonce: &[u8], aad: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; 12] = nonce.try_into().ok()?;
        let cipher = Aes256Gcm::new(self.bytes().into());
        cipher.decrypt(&nonce.into(), Payload { msg: ciphertext, aad }).ok()
    }
}

/// That is no secret of 32 bytes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a secret is 32 bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct NoSecret;

impl FromStr for Secret {
    type Err = NoSecret;
    fn from_str(text: &str) -> Result<Self, NoSecret> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| NoSecret)?);
        bytes.as_slice().try_into().map(Self::new).map_err(|_| NoSecret)
    }
}

/// The key that wraps every person's data keys; from configuration.
#[derive(Clone)]
pub struct MasterKey(Secret);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    /// As it is read back by [`FromStr`]: base64.
    pub fn encoded(&self) -> Zeroizing<String> {
        self.0.encoded()
    }
}

impl FromStr for MasterKey {
    type Err = NoSecret;
    fn from_str(text: &str) -> Result<Self, NoSecret> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// What is known of a person's keys.
enum Subject {
    /// By key id. Ids are time-ordered, so the newest key is the last; there are one or two.
    Keys(Vec<(String, Secret)>),
    Erased,
}

/// The data keys that this process has unwrapped. Shared between threads.
pub struct Keyring {
    master: MasterKey,
    subjects: RwLock<HashMap<UserId, Subject>>,
}

impl Keyring {
    pub fn new(master: MasterKey) -> Self {
        Self { master, subjects: RwLock::default() }
    }

    /// Makes a data key for a person, and holds it. What it seals can be read by others once the record is in
    /// `identity.keys`: write that first, under [`SubjectKey::id`].
    ///
    /// # Errors
    /// `Erased`.
    pub fn create(&self, subject: UserId) -> Result<(String, SubjectKey), KeyringError> {
        let key_id = Uuid::now_v7().to_string();
        let key = Secret::generate();
        let nonce = Aes256Gcm::generate_nonce(OsRng).to_vec();
        let wrapped = self.master.0.seal(&nonce, &wrapping(subject, &key_id), key.bytes());
        let wrapped = wrapped.ok_or(KeyringError::TooLong { bytes: key.bytes().len() })?;
        self.hold(subject, key_id.clone(), key)?;
        let record = SubjectKey::WrappedKey { user_id: subject, key_id: key_id.clone(), nonce, wrapped };
        Ok((key_id, record))
    }

    /// Unwraps and holds a key that was published. A key of an erased person is not taken up again, and that is no
    /// error: the topic still has it until it is compacted.
    ///
    /// # Errors
    /// `OtherMaster`.
    pub fn learn(&self, record: &SubjectKey) -> Result<(), KeyringError> {
        let SubjectKey::WrappedKey { user_id, key_id, nonce, wrapped } = record;
        let other = || KeyringError::OtherMaster { subject: *user_id, key_id: key_id.clone() };
        let unwrapped = self.master.0.open(nonce, &wrapping(*user_id, key_id), wrapped).ok_or_else(other)?;
        let unwrapped = Zeroizing::new(unwrapped);
        let key = Secret::new(unwrapped.as_slice().try_into().map_err(|_| other())?);
        match self.hold(*user_id, key_id.clone(), key) {
            Ok(()) | Err(KeyringError::Erased(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Drops a person's keys for good: what they sealed cannot be opened here again.
    pub fn forget(&self, subject: UserId) {
        self.subjects.write().insert(subject, Subject::Erased);
    }

    /// Whether there is a key to seal with.
    pub fn knows(&self, subject: UserId) -> bool {
        matches!(self.subjects.read().get(&subject), Some(Subject::Keys(_)))
    }

    /// Encrypts personal data with the person's newest key. `topic` and `field` name where it is written first; copies
    /// in other records and views keep that name, and are opened with it.
    ///
    /// # Errors
    /// `Erased`, `UnknownSubject`.
    pub fn seal(&self, subject: UserId, topic: &str, field: &str, plaintext: &[u8]) -> Result<Sealed, KeyringError> {
        let subjects = self.subjects.read();
        let newest = match subjects.get(&subject) {
            Some(Subject::Keys(keys)) => keys.last(),
            Some(Subject::Erased) => return Err(KeyringError::Erased(subject)),
            None => None,
        };
        let (key_id, key) = newest.ok_or(KeyringError::UnknownSubject(subject))?;
        let nonce = Aes256Gcm::generate_nonce(OsRng).to_vec();
        let bytes = key.seal(&nonce, &place(topic, subject, field), plaintext);
        let bytes = bytes.ok_or(KeyringError::TooLong { bytes: plaintext.len() })?;
        Ok(Sealed { key_id: key_id.clone(), nonce, bytes })
    }

    /// Decrypts what was sealed for this subject, topic and field.
    ///
    /// # Errors
    /// `Erased`, `UnknownSubject`, `UnknownKey`, `DoesNotOpen`.
    pub fn open(&self, subject: UserId, topic: &str, field: &str, sealed: &Sealed) -> Result<Vec<u8>, KeyringError> {
        let subjects = self.subjects.read();
        let keys = match subjects.get(&subject) {
            Some(Subject::Keys(keys)) => keys,
            Some(Subject::Erased) => return Err(KeyringError::Erased(subject)),
            None => return Err(KeyringError::UnknownSubject(subject)),
        };
        let named = keys.iter().find(|(id, _)| *id == sealed.key_id);
        let (_, key) = named.ok_or_else(|| KeyringError::UnknownKey { subject, key_id: sealed.key_id.clone() })?;
        let opened = key.open(&sealed.nonce, &place(topic, subject, field), &sealed.bytes);
        opened.ok_or_else(|| KeyringError::DoesNotOpen { subject, topic: topic.to_owned(), field: field.to_owned() })
    }

    fn hold(&self, subject: UserId, key_id: String, key: Secret) -> Result<(), KeyringError> {
        let mut subjects = self.subjects.write();
        match subjects.entry(subject).or_insert_with(|| Subject::Keys(Vec::with_capacity(1))) {
            Subject::Erased => Err(KeyringError::Erased(subject)),
            Subject::Keys(keys) => {
                if let Err(place) = keys.binary_search_by(|(id, _)| id.cmp(&key_id)) {
                    keys.insert(place, (key_id, key));
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} subjects)", self.subjects.read().len())
    }
}

/// What a wrapped key is bound to.
fn wrapping(subject: UserId, key_id: &str) -> Vec<u8> {
    [subject.uuid().as_bytes(), key_id.as_bytes()].concat()
}

/// What a sealed field is bound to. The length keeps topic and field apart.
fn place(topic: &str, subject: UserId, field: &str) -> Vec<u8> {
    let length = (topic.len() as u64).to_be_bytes();
    [&length, topic.as_bytes(), subject.uuid().as_bytes(), field.as_bytes()].concat()
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
