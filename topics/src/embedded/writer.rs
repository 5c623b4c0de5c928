//! Appending outside transactions.

use std::sync::Arc;

use futures::{FutureExt, future, future::BoxFuture};
use tokio::sync::oneshot;

use super::{engine::Engine, queue::Request, staged::Staged};
use crate::{Append, LogError, Offset, Writer};

pub struct EmbeddedWriter {
    engine: Arc<Engine>,
}

impl EmbeddedWriter {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

impl Writer for EmbeddedWriter {
    /// The order is that of the calls, whenever the futures are polled.
    fn append(&self, record: Append) -> BoxFuture<'static, Result<Offset, LogError>> {
        let mut staged = Staged::default();
        if let Err(error) = staged.push(&record, &self.engine.topics, self.engine.options.max_record_bytes) {
            return future::ready(Err(error)).boxed();
        }
        let (done, answer) = oneshot::channel();
        self.engine.enqueue(Request::Append { record: staged, done });
        let closed = || LogError::Unavailable("the log was closed before the record was written".into());
        answer.map(move |answer| answer.unwrap_or_else(|_| Err(closed()))).boxed()
    }
}
