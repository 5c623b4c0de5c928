//! librdkafka's transactional calls wait, whatever time-out they are given, until its main thread has an answer for
//! them: while a coordinator is away it may never have one. So they are made on a thread of their own, and whoever
//! waits for one goes on without it.

use std::{panic, sync::mpsc, thread, time::Duration};

use rdkafka::error::RDKafkaErrorCode as Code;

use super::faults::Fault;
use crate::LogError;

/// librdkafka keeps to a time-out within this, where it keeps to it at all.
const GRACE: Duration = Duration::from_secs(5);

/// A thread that makes one call after the other; it ends with the value, or with the call that it hangs in.
pub struct Calls {
    calls: mpsc::Sender<Box<dyn FnOnce() + Send>>,
}

impl Calls {
    pub fn start() -> Result<Self, LogError> {
        let (calls, next) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let thread = thread::Builder::new().name("kafka-calls".into()).spawn(move || {
            while let Ok(call) = next.recv() {
                call();
            }
        });
        thread.map_err(|error| LogError::Unavailable(format!("no thread for calls into librdkafka: {error}")))?;
        Ok(Self { calls })
    }

    /// Makes a call that has been given `timeout`. Where it does not return, the fault is fatal: no other call may be
    /// made for that client, which ends when the call does.
    pub fn call<T: Send + 'static>(
        &self,
        timeout: Duration,
        call: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.call_within(timeout + GRACE, call)
    }

    fn call_within<T: Send + 'static>(
        &self,
        within: Duration,
        call: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = mpsc::sync_channel(1);
        let and_tell = move || {
            // Nobody listens any more where it took too long.
            let _ = answer.send(panic::catch_unwind(panic::AssertUnwindSafe(call)));
        };
        // The thread is there as long as this is; if it were not, the answer would be missed below.
        let _ = self.calls.send(Box::new(and_tell));
        match answered.recv_timeout(within) {
            Ok(Ok(answer)) => answer,
            Ok(Err(panicked)) => panic::resume_unwind(panicked),
            Err(_) => Err(Fault {
                code: Some(Code::OperationTimedOut),
                text: format!("librdkafka does not return within {within:?}: its client is given up"),
                fatal: true,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_never_returns_keeps_nobody() {
        let (_never, forever) = mpsc::channel::<()>();
        let calls = Calls::start().expect("a thread");
        let hangs = move || {
            let _ = forever.recv();
            Ok(())
        };
        let fault = calls.call_within(Duration::from_millis(10), hangs).expect_err("it never returns");
        assert!(fault.fatal, "{fault}");
    }

    #[test]
    fn calls_are_made_one_after_the_other_and_answered() {
        let calls = Calls::start().expect("a thread");
        let thread = || Ok((thread::current().name().map(str::to_owned), thread::current().id()));
        let (first, second) = (calls.call(GRACE, thread), calls.call(GRACE, thread));
        let (first, second) = (first.expect("an answer"), second.expect("an answer"));
        assert_eq!((first.0.as_deref(), first.1), (Some("kafka-calls"), second.1));
        let refused = calls.call(GRACE, || Err::<(), _>(Fault::new(Code::NotCoordinator)));
        assert_eq!(refused.expect_err("it is refused").code, Some(Code::NotCoordinator));
    }
}
