//! E-mail claims: how equal addresses meet without being known.

use std::{fmt, str::FromStr};

use hmac::{Hmac, Mac, digest::KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    identity::EmailClaim,
    keyring::{NoSecret, Secret},
};

/// The secret that e-mail claims are keyed with; from configuration. Another pepper makes other claims of the same
/// addresses, so it is kept for as long as the claims are.
#[derive(Clone)]
pub struct Pepper(Secret);

impl Pepper {
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

    /// The claim of an address: HMAC-SHA-256, in hex, of its normalised form (trimmed, in lower case).
    pub fn claim(&self, email: &str) -> EmailClaim {
        let normalised = Zeroizing::new(email.trim().to_lowercase());
        // HMAC pads a short key with zeros to the block of its hash; 64 bytes are such a block.
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(self.0.bytes());
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*key).into());
        mac.update(normalised.as_bytes());
        EmailClaim(format!("{:x}", mac.finalize().into_bytes()))
    }
}

impl FromStr for Pepper {
    type Err = NoSecret;
    fn from_str(text: &str) -> Result<Self, NoSecret> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_addresses_meet_however_they_are_written() {
        let pepper = Pepper::new([7; 32]);
        let claim = pepper.claim("ada@example.com");
        assert_eq!(claim.0.len(), 64);
        for same in [" ada@example.com", "ADA@Example.COM", "ada@example.com\n"] {
            assert_eq!(pepper.claim(same), claim, "{same:?}");
        }
        for other in ["ada@example.org", "a.da@example.com", ""] {
            assert_ne!(pepper.claim(other), claim, "{other:?}");
        }
    }

    #[test]
    fn nobody_finds_a_claim_without_the_pepper() {
        let claim = Pepper::new([7; 32]).claim("ada@example.com");
        assert_ne!(Pepper::new([8; 32]).claim("ada@example.com"), claim);
        assert_eq!(format!("{:?}", Pepper::new([7; 32])), "Pepper(…)");
    }

    /// The expected value was computed with Python's hmac module.
    #[test]
    fn it_is_hmac_sha_256_of_the_normalised_address() {
        let expected = "481a08ba07a1082e20c2628ba7a86446e03b4828252f0a689e4696ea89761a98";
        assert_eq!(Pepper::new([0x0b; 32]).claim(" Hi There ").0, expected);
    }
}
