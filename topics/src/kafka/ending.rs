//! librdkafka's clients end in their own time: closing waits for answers of brokers that may be gone, and has been seen
//! to wait for good. Whoever lets go of one waits for a while, and then goes on without it.

use std::{ops::Deref, sync::mpsc, thread, time::Duration};

use tracing::{error, warn};

/// Longer than any request of a client that closes may take.
const WITHIN: Duration = Duration::from_secs(10);

/// A client that ends on a thread of its own.
pub struct Ending<T: Send + 'static> {
    /// There until it is dropped.
    client: Option<T>,
    what: &'static str,
}

impl<T: Send + 'static> Ending<T> {
    /// `what` names the client in the log.
    pub fn new(what: &'static str, client: T) -> Self {
        Self { client: Some(client), what }
    }
}

impl<T: Send + 'static> Deref for Ending<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.client.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send + 'static> Drop for Ending<T> {
    fn drop(&mut self) {
        let_go(self.client.take(), self.what, WITHIN);
    }
}

fn let_go(client: impl Send + 'static, what: &'static str, within: Duration) {
    let (told, ended) = mpsc::channel::<()>();
    let end = move || {
        drop(client);
        drop(told);
    };
    match thread::Builder::new().name("kafka-ending".into()).spawn(end) {
        // Nothing is ever sent: the end of the thread ends the waiting.
        Ok(_) if ended.recv_timeout(within) == Err(mpsc::RecvTimeoutError::Timeout) => {
            warn!(what, "a Kafka client does not end within {within:?}: going on without it");
        }
        Ok(_) => {}
        Err(error) => error!(what, %error, "no thread to end a Kafka client on: it ended here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow(mpsc::Receiver<()>);

    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }

    #[test]
    fn a_client_that_never_ends_keeps_nobody() {
        let (_never, forever) = mpsc::channel();
        let_go(Slow(forever), "a client that hangs", Duration::from_millis(10));
    }

    #[test]
    fn a_client_has_ended_when_it_was_let_go() {
        struct Noted(mpsc::Sender<()>);
        impl Drop for Noted {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (noted, note) = mpsc::channel();
        drop(Ending::new("a client", Noted(noted)));
        assert_eq!(note.try_recv(), Ok(()));
    }
}
