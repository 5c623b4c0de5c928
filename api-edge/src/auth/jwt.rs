//! Access tokens: EdDSA-signed JWTs, valid for 15 minutes.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tradewind_schemas::{Role, SessionId, UserId};

/// In seconds.
pub const LIFETIME: u64 = 900;
const ISSUER: &str = "tradewind";
const AUDIENCE: &str = "tradewind";
/// For clocks that disagree, in seconds.
const LEEWAY: u64 = 30;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    /// The session it belongs to.
    pub sid: SessionId,
    pub roles: Vec<Role>,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    pub exp: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not ours")]
    Invalid,
}

/// The signing keys of this shop cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key that signs access tokens cannot be used: {0}")]
pub struct NoSigningKey(String);

/// Signs and verifies.
pub struct Jwt {
    key_id: String,
    public: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl Jwt {
    pub fn new(seed: &[u8; 32]) -> Result<Self, NoSigningKey> {
        let key = SigningKey::from_bytes(seed);
        let private = key.to_pkcs8_der().map_err(|e| NoSigningKey(e.to_string()))?;
        let public = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        // The key's id is its thumbprint (RFC 7638).
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#));
        // The algorithm is fixed here: what a token's header says about it must agree, and chooses nothing.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY;
        Ok(Self {
            key_id: BASE64_URL_SAFE_NO_PAD.encode(thumbprint),
            verifying: DecodingKey::from_ed_der(key.verifying_key().as_bytes()),
            signing: EncodingKey::from_ed_der(private.as_bytes()),
            public,
            validation,
        })
    }

    /// A token for this session, issued at `now` (seconds since the Unix epoch).
    pub fn issue(&self, user: UserId, session: SessionId, roles: &[Role], now: u64) -> Result<String, NoSigningKey> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            roles: roles.to_vec(),
            iat: now,
            exp: now + LIFETIME,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(|e| NoSigningKey(e.to_string()))
    }

    pub fn verify(&self, token: &str) -> Result<Claims, JwtError> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation);
        match decoded {
            Ok(token) if token.header.kid.as_deref() == Some(&self.key_id) => Ok(token.claims),
            Ok(_) => Err(JwtError::Invalid),
            Err(e) if matches!(e.kind(), ErrorKind::ExpiredSignature) => Err(JwtError::Expired),
            Err(_) => Err(JwtError::Invalid),
        }
    }

    /// The public keys, for others who verify.
    pub fn key_set(&self) -> Value {
        json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.key_id, "x": self.public
        }]})
    }
}
