//! Passwords: argon2id on a bounded pool.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash::SaltString,
};
use rand::{TryRngCore, rngs::OsRng};
use tokio::sync::Semaphore;

use crate::problem::{Code, Problem};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies: so many at a time, so many waiting, and beyond that nobody.
pub struct Passwords {
    hasher: Argon2<'static>,
    workers: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Verified against for users that do not exist, so that they take as long as those that do.
    nobody: String,
}

impl Passwords {
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn new(workers: usize, most_waiting: usize) -> Result<Self, Problem> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| failed(&e))?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&hasher, "nobody's password")?;
        let workers = Arc::new(Semaphore::new(workers.max(1)));
        Ok(Self { hasher, workers, waiting: AtomicUsize::new(0), most_waiting, nobody })
    }

    /// In the PHC string format.
    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        let (hasher, password) = (self.hasher.clone(), password.to_owned());
        self.work(move || hash(&hasher, &password)).await?
    }

    /// Whether it is the password of this hash; with no hash it takes as long, and is not.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, Problem> {
        let (hasher, password) = (self.hasher.clone(), password.to_owned());
        let (known, against) = (stored.is_some(), stored.unwrap_or(&self.nobody).to_owned());
        let verified = move || {
            let stored = PasswordHash::new(&against).map_err(|e| failed(&e))?;
            Ok(hasher.verify_password(password.as_bytes(), &stored).is_ok())
        };
        self.work(verified).await?.map(|right| right && known)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let _place = self.queue()?;
        let permit = self.workers.clone().acquire_owned().await.map_err(|e| failed(&e))?;
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        });
        done.await.map_err(|e| failed(&e))
    }

    /// A place in the queue, until it is dropped.
    fn queue(&self) -> Result<Place<'_>, Problem> {
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            return Err(Problem::new(Code::Overloaded, "Too many are logging in at the moment.").retry_after(2));
        }
        Ok(place)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash(hasher: &Argon2<'_>, password: &str) -> Result<String, Problem> {
    let mut salt = [0_u8; 16];
    OsRng.try_fill_bytes(&mut salt).map_err(|e| failed(&e))?;
    let salt = SaltString::encode_b64(&salt).map_err(|e| failed(&e))?;
    Ok(hasher.hash_password(password.as_bytes(), &salt).map_err(|e| failed(&e))?.to_string())
}

fn failed(cause: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%cause, "a password was not hashed");
    Problem::new(Code::Internal, "Passwords cannot be worked with at the moment.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_and_nobody_has_one() {
        let passwords = Passwords::new(2, 8).unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody's password", None).await.unwrap());
    }

    #[tokio::test]
    async fn beyond_the_queue_there_is_no_waiting() {
        let passwords = Passwords::new(1, 2).unwrap();
        let _first = passwords.queue().unwrap();
        let second = passwords.queue().unwrap();
        assert_eq!(passwords.hash("third").await.unwrap_err().code, Code::Overloaded);
        drop(second);
        assert!(passwords.hash("third").await.is_ok());
    }
}
