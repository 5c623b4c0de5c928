//! What an edge must keep to itself, and keep: with other secrets, tokens and cursors die and e-mails are not found.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::ZeroizeOnDrop;

/// Four keys of 32 bytes. All edges of a shop have the same.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secrets {
    /// The seed of the Ed25519 key that signs access tokens.
    pub signing_seed: [u8; 32],
    /// Keys the codes of cursors, consistency tokens, refresh tokens and fingerprints.
    pub edge_key: [u8; 32],
    /// Makes e-mail claims.
    pub email_pepper: [u8; 32],
    /// Wraps people's data keys.
    pub master_key: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the secrets at {path} cannot be {doing}: {cause}")]
    Io { path: PathBuf, doing: &'static str, cause: io::Error },
    #[error(
        "the file {path} holds no secrets of this release ({why}): restore it from a backup; without it nobody can log in and personal data stays sealed"
    )]
    Unreadable { path: PathBuf, why: String },
    #[error("this system gives no random numbers: {0}")]
    Random(String),
}

/// The file: base64, by name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    signing_seed: String,
    edge_key: String,
    email_pepper: String,
    master_key: String,
}

impl Secrets {
    /// New ones.
    pub fn generate() -> Result<Self, SecretsError> {
        let fresh = || {
            let mut key = [0; 32];
            OsRng.try_fill_bytes(&mut key).map_err(|e| SecretsError::Random(e.to_string()))?;
            Ok(key)
        };
        Ok(Self { signing_seed: fresh()?, edge_key: fresh()?, email_pepper: fresh()?, master_key: fresh()? })
    }

    /// Those in the file; where there is none, new ones, written to it for the owner's eyes only. Of several processes
    /// that find none at the same time, one writes, and all have what it wrote.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretsError> {
        if let Some(there) = Self::load(path)? {
            return Ok(there);
        }
        Self::generate()?.write(path)?;
        Self::read(path, fs::read(path))
    }

    /// Those in the file, if there is one.
    pub fn load(path: &Path) -> Result<Option<Self>, SecretsError> {
        match fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Self::read(path, read).map(Some),
        }
    }

    /// Tells these from others, and nothing of them.
    pub fn fingerprint(&self) -> String {
        let keys = [&self.signing_seed, &self.edge_key, &self.email_pepper, &self.master_key];
        let digest = Sha256::new_with_prefix("tradewind secrets 1");
        format!("{:x}", keys.iter().fold(digest, |digest, key| digest.chain_update(key)).finalize())
    }

    fn read(path: &Path, read: io::Result<Vec<u8>>) -> Result<Self, SecretsError> {
        let bytes = read.map_err(|cause| SecretsError::Io { path: path.to_owned(), doing: "read", cause })?;
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, SecretsError> {
        let unreadable = |why: String| SecretsError::Unreadable { path: path.to_owned(), why };
        let file: File = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        if file.format != 1 {
            return Err(unreadable(format!("it has format {}", file.format)));
        }
        let key = |text: &str| {
            let bytes = BASE64_STANDARD.decode(text).map_err(|e| unreadable(e.to_string()))?;
            <[u8; 32]>::try_from(bytes).map_err(|_| unreadable("a key is not 32 bytes long".to_owned()))
        };
        Ok(Self {
            signing_seed: key(&file.signing_seed)?,
            edge_key: key(&file.edge_key)?,
            email_pepper: key(&file.email_pepper)?,
            master_key: key(&file.master_key)?,
        })
    }

    /// Written whole or not at all: a file half written would lock everybody out. What another process has written
    /// meanwhile stays.
    fn write(&self, path: &Path) -> Result<(), SecretsError> {
        let text = |key: &[u8; 32]| BASE64_STANDARD.encode(key);
        let file = File {
            format: 1,
            signing_seed: text(&self.signing_seed),
            edge_key: text(&self.edge_key),
            email_pepper: text(&self.email_pepper),
            master_key: text(&self.master_key),
        };
        let json = serde_json::to_vec_pretty(&file).unwrap_or_default();
        let written = || -> io::Result<()> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let draft = path.with_extension(format!("new-{}", std::process::id()));
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&draft)?;
            io::Write::write_all(&mut file, &json)?;
            file.sync_all()?;
            // Unlike a rename, a link does not replace what is there.
            let linked = fs::hard_link(&draft, path);
            fs::remove_file(&draft)?;
            match linked {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
                _ => fs::File::open(folder)?.sync_all(),
            }
        };
        written().map_err(|cause| SecretsError::Io { path: path.to_owned(), doing: "written", cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_survive_a_restart_and_are_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/secrets.json");
        let first = Secrets::load_or_create(&path).unwrap();
        let second = Secrets::load_or_create(&path).unwrap();
        assert_eq!(first.signing_seed, second.signing_seed);
        assert_eq!(first.master_key, second.master_key);
        assert_ne!(first.edge_key, first.email_pepper);
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(first.fingerprint().len(), 64);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }

    #[test]
    fn a_fingerprint_is_of_every_key() {
        let ones = || Secrets { signing_seed: [1; 32], edge_key: [1; 32], email_pepper: [1; 32], master_key: [1; 32] };
        let changes: [fn(&mut Secrets) -> &mut [u8; 32]; 4] =
            [|s| &mut s.signing_seed, |s| &mut s.edge_key, |s| &mut s.email_pepper, |s| &mut s.master_key];
        for key in changes {
            let mut other = ones();
            key(&mut other)[31] = 2;
            assert_ne!(other.fingerprint(), ones().fingerprint());
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Secrets::load(&folder.path().join("secrets.json")).unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        fs::write(&path, b"{\"format\": 9}").unwrap();
        assert!(matches!(Secrets::load_or_create(&path), Err(SecretsError::Unreadable { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"{\"format\": 9}");
    }
}
