//! Failed logins, counted per account and per address.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tradewind_schemas::identity::EmailClaim;

use crate::problem::{Code, Problem};

/// How many failures within which time are too many.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleConfig {
    pub per_account: u32,
    pub per_address: u32,
    pub window: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self { per_account: 10, per_address: 200, window: Duration::from_secs(300) }
    }
}

/// Beyond this many, those whose window is over are forgotten.
const MOST_REMEMBERED: usize = 100_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(String),
    Address(IpAddr),
}

struct Failures {
    count: u32,
    since: Instant,
}

/// Local to this edge.
pub struct Throttle {
    config: ThrottleConfig,
    failures: Mutex<HashMap<Who, Failures>>,
}

impl Throttle {
    pub fn new(config: ThrottleConfig) -> Self {
        Self { config, failures: Mutex::default() }
    }

    /// # Errors
    /// `TooManyAttempts`, with the seconds until another is allowed.
    pub fn check(&self, account: &EmailClaim, address: Option<IpAddr>, now: Instant) -> Result<(), Problem> {
        let failures = self.failures.lock();
        for (who, most) in self.counted(account, address) {
            let Some(known) = failures.get(&who) else { continue };
            let rest = self.config.window.saturating_sub(now.saturating_duration_since(known.since));
            if known.count >= most && !rest.is_zero() {
                let seconds = rest.as_secs().max(1);
                let detail = format!("Too many failed attempts; try again in {seconds} s.");
                return Err(Problem::new(Code::TooManyAttempts, detail).retry_after(seconds));
            }
        }
        Ok(())
    }

    pub fn failed(&self, account: &EmailClaim, address: Option<IpAddr>, now: Instant) {
        let mut failures = self.failures.lock();
        let over = |known: &Failures| now.saturating_duration_since(known.since) >= self.config.window;
        if failures.len() >= MOST_REMEMBERED {
            failures.retain(|_, known| !over(known));
        }
        for (who, _) in self.counted(account, address) {
            let known = failures.entry(who).or_insert(Failures { count: 0, since: now });
            if over(known) {
                *known = Failures { count: 0, since: now };
            }
            known.count += 1;
        }
    }

    /// A right password clears its account, not the address: that may be guessing at others.
    pub fn succeeded(&self, account: &EmailClaim) {
        self.failures.lock().remove(&Who::Account(account.0.clone()));
    }

    fn counted(&self, account: &EmailClaim, address: Option<IpAddr>) -> impl Iterator<Item = (Who, u32)> {
        let account = (Who::Account(account.0.clone()), self.config.per_account);
        let address = address.map(|address| (Who::Address(address), self.config.per_address));
        [Some(account), address].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_closed_for_a_while_and_then_open_again() {
        let config = ThrottleConfig { per_account: 3, per_address: 5, window: Duration::from_secs(60) };
        let throttle = Throttle::new(config);
        let (anna, bert) = (EmailClaim("anna".into()), EmailClaim("bert".into()));
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        let start = Instant::now();
        for _ in 0..3 {
            throttle.check(&anna, here, start).unwrap();
            throttle.failed(&anna, here, start);
        }
        let refused = throttle.check(&anna, here, start + Duration::from_secs(20)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (Code::TooManyAttempts, Some(40)));
        throttle.check(&bert, here, start).unwrap();
        throttle.check(&anna, here, start + Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn an_address_that_guesses_at_many_accounts_is_closed() {
        let config = ThrottleConfig { per_account: 3, per_address: 5, window: Duration::from_secs(60) };
        let throttle = Throttle::new(config);
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        let now = Instant::now();
        for account in 0..5 {
            throttle.failed(&EmailClaim(account.to_string()), here, now);
            throttle.succeeded(&EmailClaim(account.to_string()));
        }
        let fresh = EmailClaim("fresh".into());
        assert_eq!(throttle.check(&fresh, here, now).unwrap_err().code, Code::TooManyAttempts);
        throttle.check(&fresh, Some(IpAddr::from([127, 0, 0, 2])), now).unwrap();
    }
}
