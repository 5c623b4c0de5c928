//! Taking many messages out of a consumer's queue at once: librdkafka looks at the clock twice for each time that it is
//! asked, and locks the partition for each event.

use std::{collections::VecDeque, hint, ptr, time::Duration};

use rdkafka::{
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    error::RDKafkaErrorCode as Code,
};

use super::{Event, Events, Fault, Owned, copied, millis};

/// So many are taken at once.
const MOST: usize = 256;

/// Messages that were taken and are still to be looked at.
pub(super) struct Taken {
    messages: VecDeque<Owned<rd::rd_kafka_message_t>>,
    /// Room for what librdkafka answers.
    answer: Box<[*mut rd::rd_kafka_message_t; MOST]>,
}

impl Default for Taken {
    fn default() -> Self {
        Self { messages: VecDeque::with_capacity(MOST), answer: Box::new([ptr::null_mut(); MOST]) }
    }
}

impl Events {
    /// Like [`next`](Events::next), for a consumer that joins no group: librdkafka would answer a rebalance by itself.
    pub fn next_of_many(&mut self, timeout: Duration) -> Option<Event> {
        // Asked for many, it waits until there are so many.
        if self.taken.messages.is_empty() && !self.take(Duration::ZERO, MOST) && !timeout.is_zero() {
            self.take(timeout, 1);
        }
        let message = self.taken.messages.pop_front()?;
        // SAFETY: the message is ours until it is dropped.
        Some(unsafe { self.read_message(message.pointer.as_ref()) })
    }

    /// What was taken is of an assignment that is over.
    pub fn forget(&mut self) {
        self.taken.messages.clear();
    }

    /// Waits until there are so many, or for so long: whether there are any.
    fn take(&mut self, timeout: Duration, most: usize) -> bool {
        let Taken { messages, answer } = &mut self.taken;
        let room = most.min(answer.len());
        // SAFETY: the queue is ours and there is room for so many pointers; each message is ours from here on.
        unsafe {
            let count = rd::rd_kafka_consume_batch_queue(self.queue.get(), millis(timeout), answer.as_mut_ptr(), room);
            let count = usize::try_from(count).unwrap_or(0);
            look_ahead(&answer[..count]);
            messages.extend(answer[..count].iter().filter_map(|&it| Owned::new(it, rd::rd_kafka_message_destroy)));
        }
        !messages.is_empty()
    }

    /// SAFETY: `message` lives through the call.
    unsafe fn read_message(&mut self, message: &rd::rd_kafka_message_t) -> Event {
        if message.err == Response::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Event::Record(unsafe { self.record(message) });
        }
        let at = (!message.rkt.is_null()).then(|| (unsafe { self.place(message) }, message.offset));
        match (Code::from(message.err), at) {
            (Code::PartitionEOF, Some((partition, offset))) => Event::End(partition, offset),
            (code, at) => {
                let text = unsafe { copied(rd::rd_kafka_message_errstr(message)) };
                Event::Fault(Fault { code: Some(code), text, fatal: code == Code::Fatal }, at)
            }
        }
    }
}

/// Fetches what is read of these messages next, the waits for memory all at once instead of one after the other: another
/// thread has written them, a while ago.
///
/// SAFETY: they live through the call.
unsafe fn look_ahead(messages: &[*mut rd::rd_kafka_message_t]) {
    let length = |message: &*mut rd::rd_kafka_message_t| unsafe { message.as_ref() }.map_or(0, |message| message.len);
    hint::black_box(messages.iter().map(length).fold(0, |sum, length| sum ^ length));
}
