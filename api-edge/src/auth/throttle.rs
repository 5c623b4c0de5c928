//! Failed logins, counted per account and per address.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tradewind_schemas::identity::EmailClaim;

use crate::{
    client::network,
    problem::{Code, Problem},
};

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

/// Beyond this many, those whose window is over are forgotten, and then the oldest.
const MOST_REMEMBERED: usize = 100_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(String),
    Network(IpAddr),
}

struct Attempts {
    failed: u32,
    /// Not known yet to be right or wrong.
    open: u32,
    since: Instant,
}

/// Local to this edge.
pub struct Throttle {
    config: ThrottleConfig,
    attempts: Mutex<HashMap<Who, Attempts>>,
    settled: Notify,
}

/// A login under way. It counts as a failure until it is known what it was; dropped, it was none.
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    who: Vec<Who>,
    failed: bool,
}

impl Throttle {
    pub fn new(config: ThrottleConfig) -> Self {
        Self { config, attempts: Mutex::default(), settled: Notify::new() }
    }

    /// Lets an attempt begin. As many may be under way at a time as may fail; more wait until one of them is settled.
    ///
    /// # Errors
    /// `TooManyAttempts`, with the seconds until another is allowed.
    pub async fn admit(&self, account: &EmailClaim, address: Option<IpAddr>) -> Result<Attempt<'_>, Problem> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // From before the look, so that nothing slips through between the two.
            settled.as_mut().enable();
            if let Some(attempt) = self.begin(account, address, Instant::now())? {
                return Ok(attempt);
            }
            settled.await;
        }
    }

    /// `None` where others must be settled first.
    fn begin(
        &self,
        account: &EmailClaim,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<Option<Attempt<'_>>, Problem> {
        let mut attempts = self.attempts.lock();
        let limits = [
            Some((Who::Account(account.0.clone()), self.config.per_account)),
            address.map(|address| (Who::Network(network(address)), self.config.per_address)),
        ];
        let limits: Vec<_> = limits.into_iter().flatten().collect();
        let mut has_to_wait = false;
        for (who, most) in &limits {
            let Some(known) = attempts.get_mut(who) else { continue };
            let rest = self.config.window.saturating_sub(now.saturating_duration_since(known.since));
            if rest.is_zero() {
                (known.failed, known.since) = (0, now);
            }
            if known.failed >= *most {
                let seconds = rest.as_secs().max(1);
                let detail = format!("Too many failed attempts; try again in {seconds} s.");
                return Err(Problem::new(Code::TooManyAttempts, detail).retry_after(seconds));
            }
            has_to_wait |= known.failed + known.open >= *most;
        }
        if has_to_wait {
            return Ok(None);
        }
        self.forget(&mut attempts, now);
        let who: Vec<Who> = limits.into_iter().map(|(who, _)| who).collect();
        for who in &who {
            attempts.entry(who.clone()).or_insert(Attempts { failed: 0, open: 0, since: now }).open += 1;
        }
        Ok(Some(Attempt { throttle: self, who, failed: false }))
    }

    fn forget(&self, attempts: &mut HashMap<Who, Attempts>, now: Instant) {
        if attempts.len() < MOST_REMEMBERED {
            return;
        }
        let window = self.config.window;
        attempts.retain(|_, known| known.open > 0 || now.saturating_duration_since(known.since) < window);
        if attempts.len() < MOST_REMEMBERED {
            return;
        }
        let mut begun: Vec<Instant> = attempts.values().map(|known| known.since).collect();
        let (_, oldest, _) = begun.select_nth_unstable(MOST_REMEMBERED / 10);
        let oldest = *oldest;
        attempts.retain(|_, known| known.open > 0 || known.since > oldest);
    }
}

impl Attempt<'_> {
    /// The password was right. That clears its account, not the address, which may be guessing at others.
    pub fn right(self) {
        if let Some(known) = self.throttle.attempts.lock().get_mut(&self.who[0]) {
            known.failed = 0;
        }
    }

    pub fn wrong(mut self) {
        self.failed = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut attempts = self.throttle.attempts.lock();
        for who in &self.who {
            let Some(known) = attempts.get_mut(who) else { continue };
            known.open -= 1;
            known.failed += u32::from(self.failed);
            if known.failed == 0 && known.open == 0 {
                attempts.remove(who);
            }
        }
        drop(attempts);
        self.throttle.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn throttle() -> Throttle {
        Throttle::new(ThrottleConfig { per_account: 3, per_address: 5, window: Duration::from_secs(60) })
    }

    fn claim(name: impl ToString) -> EmailClaim {
        EmailClaim(name.to_string())
    }

    fn begin<'a>(throttle: &'a Throttle, name: &str, now: Instant) -> Attempt<'a> {
        throttle.begin(&claim(name), HERE, now).unwrap().unwrap()
    }

    fn refusal(throttle: &Throttle, name: &str, now: Instant) -> Problem {
        throttle.begin(&claim(name), HERE, now).err().unwrap()
    }

    #[test]
    fn an_account_is_closed_for_a_while_and_then_open_again() {
        let (throttle, start) = (throttle(), Instant::now());
        for _ in 0..3 {
            begin(&throttle, "anna", start).wrong();
        }
        let refused = refusal(&throttle, "anna", start + Duration::from_secs(20));
        assert_eq!((refused.code, refused.retry_after), (Code::TooManyAttempts, Some(40)));
        begin(&throttle, "bert", start).wrong();
        begin(&throttle, "anna", start + Duration::from_secs(60)).wrong();
    }

    #[test]
    fn an_address_that_guesses_at_many_accounts_is_closed() {
        let (throttle, now) = (throttle(), Instant::now());
        for account in 0..5 {
            begin(&throttle, "own", now).right();
            begin(&throttle, &account.to_string(), now).wrong();
        }
        assert_eq!(refusal(&throttle, "fresh", now).code, Code::TooManyAttempts);
        assert!(throttle.begin(&claim("fresh"), Some(IpAddr::from([127, 0, 0, 2])), now).unwrap().is_some());
    }

    #[test]
    fn no_more_are_under_way_than_may_fail() {
        let (throttle, now) = (throttle(), Instant::now());
        let mut under_way: Vec<_> = (0..3).map(|_| begin(&throttle, "anna", now)).collect();
        assert!(throttle.begin(&claim("anna"), HERE, now).unwrap().is_none(), "the fourth waits");
        drop(under_way.pop());
        under_way.push(begin(&throttle, "anna", now));
        under_way.into_iter().for_each(Attempt::wrong);
        assert_eq!(refusal(&throttle, "anna", now).code, Code::TooManyAttempts);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, start) = (throttle(), Instant::now());
        for n in 0..MOST_REMEMBERED as u32 + 1000 {
            let now = start + Duration::from_micros(n.into());
            throttle.begin(&claim(n), None, now).unwrap().unwrap().wrong();
        }
        let attempts = throttle.attempts.lock();
        assert!(attempts.len() <= MOST_REMEMBERED);
        assert!(attempts.contains_key(&Who::Account(MOST_REMEMBERED.to_string())), "the latest are remembered");
    }
}
