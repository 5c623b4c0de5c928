//! Small opaque texts that clients carry for us and cannot make up: cursors and consistency tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

const TAG: usize = 16;

/// Seals and opens texts of one purpose.
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    /// Texts made for one purpose are strangers to every other.
    pub fn new(secret: &[u8; 32], purpose: &str) -> Self {
        Self { keyed: keyed(secret).chain_update(purpose).chain_update([0]) }
    }

    pub fn seal(&self, content: &impl Serialize) -> String {
        let mut bytes = serde_json::to_vec(content).unwrap_or_default();
        let tag = self.keyed.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The content, if we made it.
    pub fn open<T: DeserializeOwned>(&self, text: &str) -> Option<T> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        self.keyed.clone().chain_update(content).verify_truncated_left(tag).ok()?;
        serde_json::from_slice(content).ok()
    }

    /// A keyed hash, in hex: says of two texts whether they are the same, and nothing else to who has no key.
    pub fn fingerprint(&self, text: &str) -> String {
        self.derive(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// 32 bytes that follow from these, and that nobody without the key can tell.
    pub fn derive(&self, from: &[u8]) -> [u8; 32] {
        self.keyed.clone().chain_update(from).finalize().into_bytes().into()
    }
}

fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; 32 bytes are never refused.
    <Hmac<Sha256> as Mac>::new_from_slice(secret).unwrap_or_else(|e| unreachable!("HMAC refused a key: {e}"))
}
