//! Identity: users, their e-mail claims, their sessions and their addresses.

use std::collections::HashSet;

use apache_avro::{
    AvroSchema, AvroSchemaComponent, Schema,
    schema::{Name, NamespaceRef, RecordField},
};
use serde::{Deserialize, Serialize};

use crate::{AddressId, Key, Role, Sealed, SessionId, Timestamp, UserId, View};

/// A keyed hash (HMAC-SHA-256 with a secret pepper, in hex) of a normalised e-mail address: equal addresses meet under
/// it, and nobody without the pepper can tell whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailClaim(pub String);

impl AvroSchemaComponent for EmailClaim {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::String
    }
    fn get_record_fields_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Option<Vec<RecordField>> {
        None
    }
}

impl Key for EmailClaim {
    fn text(&self) -> String {
        self.0.clone()
    }
}

/// What a record of identity is about: users and e-mail claims share its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKey {
    User(UserId),
    Email(EmailClaim),
}

impl Key for IdentityKey {
    fn text(&self) -> String {
        match self {
            Self::User(id) => id.text(),
            Self::Email(claim) => claim.text(),
        }
    }
}

impl From<UserId> for IdentityKey {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}
impl From<EmailClaim> for IdentityKey {
    fn from(claim: EmailClaim) -> Self {
        Self::Email(claim)
    }
}

/// Keyed by user id, or by e-mail claim (`ClaimEmail`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.identity", repr = "bare_union")]
pub enum IdentityCommand {
    /// Settled once the e-mail claim is decided.
    Register {
        user_id: UserId,
        claim: EmailClaim,
        email: Sealed,
        name: Sealed,
        /// argon2id, in the PHC string format; the edge has hashed it.
        password_hash: String,
        roles: Vec<Role>,
    },
    UpdateProfile {
        name: Sealed,
    },
    ChangePassword {
        password_hash: String,
        /// The version that the edge has verified.
        password_version: i64,
    },
    AssignRoles {
        roles: Vec<Role>,
    },
    /// The edge has verified the password; `password_version` says which.
    OpenSession {
        session_id: SessionId,
        password_version: i64,
        /// SHA-256, in hex.
        refresh_hash: String,
        expires_at: Timestamp,
    },
    /// Rotates the refresh token. The edge has made sure that it once gave out the token, and derives the successor from
    /// it, so that a repeat names the same one.
    RefreshSession {
        session_id: SessionId,
        refresh_hash: String,
        next_hash: String,
        expires_at: Timestamp,
    },
    CloseSession {
        session_id: SessionId,
    },
    ClaimEmail {
        user_id: UserId,
    },
    /// The answers to `ClaimEmail`, keyed by user id.
    EmailClaimed {},
    EmailClaimRefused {},
    /// Into the user's address book.
    AddAddress {
        address_id: AddressId,
        /// An `Address`, as JSON.
        address: Sealed,
    },
    ChangeAddress {
        address_id: AddressId,
        address: Sealed,
        /// Of the address, if it must be that one still.
        version: Option<i64>,
    },
    RemoveAddress {
        address_id: AddressId,
        version: Option<i64>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.identity", repr = "bare_union")]
pub enum IdentityEvent {
    RegistrationRequested {
        user_id: UserId,
        claim: EmailClaim,
        email: Sealed,
        name: Sealed,
        password_hash: String,
        roles: Vec<Role>,
    },
    UserRegistered {
        user_id: UserId,
    },
    RegistrationRefused {
        user_id: UserId,
    },
    EmailClaimGranted {
        claim: EmailClaim,
        user_id: UserId,
    },
    EmailClaimDenied {
        claim: EmailClaim,
        user_id: UserId,
    },
    ProfileUpdated {
        name: Sealed,
    },
    PasswordChanged {
        password_hash: String,
        password_version: i64,
    },
    RolesAssigned {
        roles: Vec<Role>,
    },
    SessionOpened {
        session_id: SessionId,
        refresh_hash: String,
        expires_at: Timestamp,
    },
    SessionRefreshed {
        session_id: SessionId,
        refresh_hash: String,
        expires_at: Timestamp,
    },
    /// The previous token came again so soon that its answer must have been lost: the successor is the same.
    SessionRefreshRepeated {
        session_id: SessionId,
    },
    /// A token that was replaced long ago came again: somebody else has it. Closes the session.
    SessionReuseDetected {
        session_id: SessionId,
    },
    SessionClosed {
        session_id: SessionId,
    },
    AddressAdded {
        address_id: AddressId,
        address: Sealed,
    },
    AddressChanged {
        address_id: AddressId,
        address: Sealed,
    },
    AddressRemoved {
        address_id: AddressId,
    },
}

/// The key of a record of `identity.keys`: a person may have several data keys, and compaction keeps each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectKeyId {
    pub user_id: UserId,
    pub key_id: String,
}

impl SubjectKeyId {
    /// Reads a record's key back, such as a tombstone's.
    pub fn parse(text: &str) -> Option<Self> {
        let (user_id, key_id) = text.split_once('/')?;
        Some(Self { user_id: user_id.parse().ok()?, key_id: key_id.to_owned() })
    }
}

impl Key for SubjectKeyId {
    fn text(&self) -> String {
        format!("{}/{}", self.user_id, self.key_id)
    }
}

/// A person's data key, wrapped by the master key. Compacted, keyed by user id and key id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.identity", repr = "bare_union")]
pub enum SubjectKey {
    WrappedKey {
        user_id: UserId,
        key_id: String,
        #[avro(with)]
        #[serde(with = "apache_avro::serde::bytes")]
        nonce: Vec<u8>,
        #[avro(with)]
        #[serde(with = "apache_avro::serde::bytes")]
        wrapped: Vec<u8>,
    },
}

impl SubjectKey {
    /// What its record is keyed by.
    pub fn id(&self) -> SubjectKeyId {
        let Self::WrappedKey { user_id, key_id, .. } = self;
        SubjectKeyId { user_id: *user_id, key_id: key_id.clone() }
    }
}

/// A part of the directory of users, which are spread over so many that no key gets every registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryShelf(u8);

impl DirectoryShelf {
    /// For good: another number would look for users where they are not.
    const COUNT: u8 = 16;

    /// Where a user is listed.
    pub fn of(user_id: UserId) -> Self {
        let [.., last] = user_id.uuid().into_bytes();
        Self(last % Self::COUNT)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

impl Key for DirectoryShelf {
    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A user in the directory: the record of the repartition topic `identity.directory`, keyed by shelf. Who the user is,
/// their own view says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.identity", repr = "bare_union")]
pub enum DirectoryEntry {
    UserListed { user_id: UserId, registered_at: Timestamp },
}

/// The view of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    pub id: UserId,
    pub claim: EmailClaim,
    pub email: Sealed,
    pub name: Sealed,
    pub password_hash: String,
    pub password_version: i64,
    pub roles: Vec<Role>,
    pub email_verified: bool,
    pub created_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// The view of an e-mail claim: who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailClaimView {
    pub user_id: UserId,
}

/// The view of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub closed: bool,
}

/// The view of an entry of an address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressView {
    pub id: AddressId,
    /// An `Address`, as JSON.
    pub address: Sealed,
    pub created_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// So many addresses fit an address book.
pub const MOST_ADDRESSES: usize = 50;

/// A user, by id.
pub const USER: View<(), UserView> = View::new("identity", 1);
/// Who has an e-mail claim, by claim.
pub const EMAIL_CLAIM: View<(), EmailClaimView> = View::new("identity", 2);
/// Sessions of a user.
pub const SESSIONS: View<SessionId, SessionView> = View::new("identity", 3);
/// The address book of a user.
pub const ADDRESSES: View<AddressId, AddressView> = View::new("identity", 4);
/// The users on a shelf of the directory, by when they registered.
pub const DIRECTORY: View<(Timestamp, UserId), ()> = View::new("identity.directory", 1);
