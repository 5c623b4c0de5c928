//! Refresh tokens: opaque to clients, hashed at rest, each followed by one successor.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use tradewind_schemas::{SessionId, UserId};
use uuid::Uuid;

use crate::signed::Signer;

/// Whose it is, for which session, and 32 bytes that nobody guesses.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub user_id: UserId,
    pub session_id: SessionId,
    secret: [u8; 32],
}

impl RefreshToken {
    /// The first of a session; `None` where the system gives no random numbers.
    pub fn first(user_id: UserId, session_id: SessionId) -> Option<Self> {
        let mut secret = [0; 32];
        OsRng.try_fill_bytes(&mut secret).ok()?;
        Some(Self { user_id, session_id, secret })
    }

    /// The one that follows. It follows from this one alone, so that a client whose answer was lost gets the same again.
    pub fn next(&self, signer: &Signer) -> Self {
        Self { secret: signer.derive(&self.bytes()), ..self.clone() }
    }

    pub fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes())
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (user, rest) = bytes.split_at(16);
        let (session, secret) = rest.split_at(16);
        Some(Self {
            user_id: UserId::new(Uuid::from_slice(user).ok()?),
            session_id: SessionId::new(Uuid::from_slice(session).ok()?),
            secret: secret.try_into().ok()?,
        })
    }

    /// SHA-256, in hex: what is kept of it.
    pub fn hash(&self) -> String {
        format!("{:x}", Sha256::digest(self.bytes()))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.user_id.uuid().as_bytes(), self.session_id.uuid().as_bytes(), &self.secret[..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_answered_the_same_again() {
        let signer = Signer::new(&[1; 32], "refresh");
        let (user, session) = (UserId::new(Uuid::from_u128(1)), SessionId::new(Uuid::from_u128(2)));
        let first = RefreshToken::first(user, session).unwrap();
        let read = RefreshToken::parse(&first.text()).unwrap();
        assert!(read == first && read.next(&signer) == first.next(&signer));
        assert_ne!(first.hash(), first.next(&signer).hash());
        assert!(first.next(&signer) != first.next(&Signer::new(&[2; 32], "refresh")));
        for broken in ["", "AAAA", &first.text()[1..], "not base64 at all!"] {
            assert!(RefreshToken::parse(broken).is_none());
        }
    }
}
