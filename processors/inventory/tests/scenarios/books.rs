//! The ledger.

use tradewind_inventory::Inventory;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::inventory::{Entry, EntryKind, LEDGER, STOCK, StockLevel};

use crate::shelf::*;

#[test]
fn the_ledger_tells_it_all_and_can_be_recomputed() {
    let scenario = stocked(10)
        .when(reserve(1, 4, soon()))
        .when(reserve(2, 7, soon()))
        .when(reserve(1, 4, soon()))
        .when(commit(1))
        .when(commit(1))
        .when(commit(2))
        .when(give_back(1))
        .by(merchant())
        .when(adjust(-2));
    let kinds = [
        ("StockReceived", None, 10),
        ("StockReserved", Some(order(1)), 4),
        ("StockRefused", Some(order(2)), 7),
        ("ReservationCommitted", Some(order(1)), 4),
        ("CommitRefused", Some(order(2)), 0),
        ("StockReturned", Some(order(1)), 4),
        ("StockAdjusted", None, -2),
    ];
    let mut chains = Vec::new();
    for (number, (kind, order_id, quantity)) in (1..).zip(kinds) {
        let entry = scenario.view(LEDGER, &number).unwrap();
        assert_eq!((entry.number, entry.kind.as_str()), (number, kind));
        assert_eq!((entry.order_id, entry.quantity, entry.level.entries), (order_id, quantity, number));
        assert!(!chains.contains(&entry.level.chain));
        chains.push(entry.level.chain);
    }
    assert_eq!(scenario.view(LEDGER, &8), None, "a repeated answer is no entry");
    assert_eq!(scenario.view(STOCK, &()).map(|stock| stock.level.chain), chains.pop());
}

/// A repeatable stream of numbers below a bound.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Ten orders that want up to five cups each, in any order of commands, with time passing.
fn anything(scenario: Scenario<Inventory>, dice: &mut Dice) -> Scenario<Inventory> {
    let number = dice.roll(10) as u32 + 1;
    let quantity = dice.roll(5) as i64 + 1;
    let until = scenario.now() + MINUTE * dice.roll(20) as u32;
    match dice.roll(9) {
        0 => scenario.by(merchant()).when(receive(quantity)).by(system()),
        1 => scenario.by(merchant()).when(adjust(-quantity)).by(system()),
        2 | 3 => scenario.when(reserve(number, quantity, until)),
        4 => scenario.when(commit(number)),
        5 => scenario.when(release(number)),
        6 => scenario.when(expire(number)),
        7 => scenario.when(give_back(number)),
        _ => scenario.after(MINUTE * dice.roll(10) as u32),
    }
}

#[test]
fn whatever_comes_the_books_balance() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut scenario = stocked(10);
        for _ in 0..300 {
            scenario = anything(scenario, &mut dice);
        }
        let (mut level, mut number) = (StockLevel::default(), 1);
        while let Some(line) = scenario.view(LEDGER, &number) {
            let kind = KINDS.into_iter().find(|kind| kind.name() == line.kind).expect("a kind of entry");
            let entry = Entry { kind, order_id: line.order_id, quantity: line.quantity, at: line.at };
            level = level.after(&entry).unwrap_or_else(|| panic!("seed {seed}: entry {number} leaves the books"));
            assert_eq!(level, line.level, "seed {seed}: entry {number}");
            assert!(level.available() >= 0, "seed {seed}: entry {number} promises what is not there");
            number += 1;
        }
        assert!(number > 100, "seed {seed} did little");
        assert_eq!(scenario.view(STOCK, &()).map(|stock| stock.level), Some(level.clone()), "seed {seed}");
        // When everyone gives up, all is available again.
        for number in 1..=10 {
            scenario = scenario.when(release(number)).when(give_back(number));
        }
        levels(scenario, (level.on_hand, 0, 0));
    }
}

const KINDS: [EntryKind; 9] = [
    EntryKind::StockReceived,
    EntryKind::StockAdjusted,
    EntryKind::StockReserved,
    EntryKind::StockRefused,
    EntryKind::ReservationCommitted,
    EntryKind::CommitRefused,
    EntryKind::ReservationReleased,
    EntryKind::ReservationExpired,
    EntryKind::StockReturned,
];
