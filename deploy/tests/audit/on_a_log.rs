//! The same, read from a log: what `tradewind audit` does.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tempfile::TempDir;
use tradewind::audit::{Invariant, Progress, Verdict, Why, read};
use tradewind_registry::server::Registry;
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::{Contract, Envelope, order::OrderEvent};
use tradewind_topics::{
    Append, Cleanup, Log, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
    list, partition_of,
};

use crate::history::*;

const PARTITIONS: u32 = 3;

/// A log with the topics of events.
struct Shop {
    log: Arc<dyn Log>,
    layout: Layout,
    codecs: Codecs,
    written: usize,
    _directory: TempDir,
}

impl Shop {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log: Arc<dyn Log> = EmbeddedLog::open(directory.path(), Options::default()).unwrap();
        let names = ["order.events", "inventory.events", "payment.events"];
        let spec = |name: &&str| TopicSpec {
            name: format!("shop.{name}").into(),
            partitions: PARTITIONS,
            cleanup: Cleanup::Keep,
        };
        log.admin().create(&names.iter().map(spec).collect::<Vec<_>>()).unwrap();
        let registry = Registry::open(&log, "shop.registry.schemas").unwrap();
        let resolved = registry.resolve(&list::all()).unwrap();
        let codecs = Codecs::all(|topic| resolved.id(topic), &resolved.source).unwrap();
        let partitions: HashMap<_, _> = names.iter().map(|name| ((*name).to_owned(), PARTITIONS)).collect();
        Self { log, layout: Layout::new("shop", partitions), codecs, written: 0, _directory: directory }
    }

    fn put(&self, topic: &str, key: &str, value: Vec<u8>) {
        let partition = partition_of(key.as_bytes(), PARTITIONS);
        let record = Append {
            to: TopicPartition::new(self.layout.physical(topic), partition),
            timestamp: 1_700_000_000_000,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: Some(value.into()),
            headers: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.log.writer().unwrap().append(record)).unwrap();
    }

    fn event<V: Contract>(&self, topic: &str, event: &Envelope<V>) {
        let value = self.codecs.of::<V>(topic).unwrap().encode(event).unwrap();
        self.put(topic, &event.key, value);
    }

    /// Writes what a history has more than was written before.
    fn catch_up_with(&mut self, history: &History) {
        for event in &history.events[self.written..] {
            match event {
                Event::Order(event) => self.event("order.events", event),
                Event::Inventory(event) => self.event("inventory.events", event),
                Event::Payment(event) => self.event("payment.events", event),
            }
        }
        self.written = history.events.len();
    }

    fn audit(&self, mut told: impl FnMut(Progress)) -> Verdict {
        read(self.log.as_ref(), &self.layout, &self.codecs, &mut told).unwrap().verdict()
    }
}

#[test]
fn a_log_at_rest_is_read_to_its_end() {
    let mut shop = Shop::open();
    let history =
        (1..=20).fold(History::default().received(CUP, 100).received(POT, 50), History::confirmed).cancelled(21);
    shop.catch_up_with(&history);
    let mut last = None;
    let verdict = shop.audit(|progress| last = Some(progress));
    assert!(verdict.is_clean(), "{:#?}", verdict.violations);
    assert_eq!(verdict.open, []);
    assert_eq!(
        verdict.to_string(),
        "audit clean: 21 orders (20 confirmed, 0 rejected, 1 cancelled, 0 in flight), 2 SKUs, 42 lines, 88 ledger entries, captured 1,551.90 USD, refunded 73.90 USD"
    );
    let last = last.expect("progress is told");
    assert_eq!((last.topic, last.passed), ("order.events", last.of));
}

#[test]
fn an_empty_log_is_clean() {
    assert!(Shop::open().audit(|_| {}).is_clean());
}

#[test]
fn a_record_that_cannot_be_read_is_found_where_it_lies() {
    let mut shop = Shop::open();
    shop.catch_up_with(&History::stocked().confirmed(1));
    shop.put("payment.events", "x", b"not framed".to_vec());
    let verdict = shop.audit(|_| {});
    let found = verdict.violations.first().expect("it is found");
    assert_eq!((verdict.violation_count, found.breach.invariant), (1, Invariant::Readable));
    let place = found.place.expect("it has a place");
    assert_eq!((place.topic, place.partition), ("payment.events", partition_of(b"x", PARTITIONS)));
}

#[test]
fn a_shop_that_goes_on_meanwhile_is_audited_fairly() {
    let mut shop = Shop::open();
    let history = History::stocked().confirmed(1);
    shop.catch_up_with(&history);
    // Once the orders are read: one of them is cancelled, and another is placed.
    let history = history
        .order(1, OrderEvent::OrderCancelled { reason: None })
        .returned(CUP, 1, 2)
        .returned(POT, 1, 1)
        .payment(1, refund_requested(1, TOTAL))
        .payment(1, refunded(1, TOTAL, TOTAL))
        .confirmed(2);
    let (log, layout, codecs) = (shop.log.clone(), shop.layout.clone(), shop.codecs.clone());
    let verdict = read(log.as_ref(), &layout, &codecs, &mut |progress| {
        if progress.topic == "order.events" && progress.passed == progress.of {
            shop.catch_up_with(&history);
        }
    });
    let verdict = verdict.unwrap().verdict();
    assert!(verdict.is_clean(), "{:#?}", verdict.violations);
    let open: Vec<_> = verdict.open.iter().map(|open| (open.order_id, open.why, open.stage)).collect();
    assert_eq!(open, [(order_id(1), Why::MovedOn, "confirmed"), (order_id(2), Why::MovedOn, "placed")]);
}
