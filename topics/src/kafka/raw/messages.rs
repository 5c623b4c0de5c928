//! Taking many messages out of a reader's queue at once: librdkafka looks at the clock twice for each time that it is
//! asked, and locks the partition for each event.

use std::{collections::VecDeque, hint, ptr, sync::Arc, time::Duration};

use rdkafka::{
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};

use super::{
    super::{contexts::Logging, faults::Fault},
    Event, Events, Owned, copied, millis,
    records::Records,
};
use crate::Copies;

/// So many are taken at once.
const MOST: usize = 256;

/// What a consumer reads that joins no group: asked for messages, librdkafka would answer a rebalance by itself.
pub struct Messages {
    /// Given back before the queue.
    taken: Taken,
    queue: Owned<rd::rd_kafka_queue_t>,
    records: Records,
    /// Asked for messages, librdkafka would also print its log by itself, and keep its faults to itself.
    notices: Events,
    /// Keeps the client alive while the queue is; fields are dropped in this order.
    _consumer: Arc<BaseConsumer<Logging>>,
}

/// Messages that were taken and are still to be looked at.
struct Taken {
    messages: VecDeque<Owned<rd::rd_kafka_message_t>>,
    /// Room for what librdkafka answers.
    answer: Box<[*mut rd::rd_kafka_message_t; MOST]>,
}

// SAFETY: librdkafka's queues may be polled from any thread, and messages that were taken are ours to read and to give
// back on any; `next` takes `&mut self`, so it is one thread at a time.
unsafe impl Send for Messages {}

impl Messages {
    /// `values` says how to keep those of the records, and `headers` whether they come with theirs. `None` for a consumer
    /// without the name of a group, which has no such queue.
    pub fn of(consumer: Arc<BaseConsumer<Logging>>, values: Copies, headers: bool) -> Option<Self> {
        // SAFETY: the handle is that of a living consumer; the reference to the queue that is returned is ours.
        let queue = unsafe {
            Owned::new(rd::rd_kafka_queue_get_consumer(consumer.client().native_ptr()), rd::rd_kafka_queue_destroy)
        }?;
        let taken = Taken { messages: VecDeque::with_capacity(MOST), answer: Box::new([ptr::null_mut(); MOST]) };
        let notices = Events::of_client(Arc::clone(&consumer))?;
        Some(Self { taken, queue, records: Records::new(values, headers), notices, _consumer: consumer })
    }

    /// Waits up to `timeout` for a record, an end, or a fault.
    pub fn next(&mut self, timeout: Duration) -> Option<Event> {
        if self.taken.messages.is_empty() {
            if let Some(notice) = self.notices.next(Duration::ZERO) {
                return Some(notice);
            }
            // Asked for many, it waits until there are so many.
            if !self.take(Duration::ZERO, MOST) && !timeout.is_zero() {
                self.take(timeout, 1);
            }
        }
        let message = self.taken.messages.pop_front()?;
        // SAFETY: the message is ours until it is dropped.
        Some(unsafe { self.read(message.pointer.as_ref()) })
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
    unsafe fn read(&mut self, message: &rd::rd_kafka_message_t) -> Event {
        if message.err == Response::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Event::Record(unsafe { self.records.record(message) });
        }
        let at = (!message.rkt.is_null()).then(|| (unsafe { self.records.place(message) }, message.offset));
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
