//! Stock that is not what its ledger says.

use std::time::Duration;

use tradewind::audit::Invariant;
use tradewind_schemas::inventory::{InventoryEvent, StockLevel};

use super::{Broken, broken, level, of, order};
use crate::history::*;

pub fn ledgers() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    vec![
        broken("an entry is lost", LedgerConsecutive, of(CUP), "inventory.events-0-1", {
            let mut history = History::default().received(CUP, 1).received(CUP, 1).received(CUP, 1);
            history.events.remove(1);
            history
        }),
        broken("an entry is doubled", LedgerConsecutive, of(CUP), "inventory.events-0-2", {
            let mut history = stocked();
            history.events.push(history.events[0].clone());
            history
        }),
        broken(
            "a receipt counts one too many",
            LedgerNumbers,
            of(POT),
            "inventory.events-0-1",
            stocked().spoil_inventory(1, |event| level(event).on_hand += 1),
        ),
        broken(
            "a repeated answer moves stock",
            LedgerNumbers,
            of(CUP),
            "inventory.events-0-3",
            stocked().placed(1).reserved(CUP, 1, 2).repeated(CUP, 1, 2, false).spoil_inventory(3, |event| {
                level(event).reserved = 4;
            }),
        ),
        broken(
            "a hash is another",
            LedgerChain,
            of(CUP),
            "inventory.events-0-0",
            stocked().spoil_inventory(0, |event| level(event).chain.replace_range(..2, "zz")),
        ),
        broken(
            "more is adjusted away than is there",
            NothingNegative,
            of(CUP),
            "inventory.events-0-2",
            stocked().inventory(
                CUP,
                InventoryEvent::StockAdjusted {
                    delta: -11,
                    reason: "counted".to_owned(),
                    level: StockLevel { on_hand: -1, entries: 2, ..StockLevel::default() },
                    command_id: None,
                },
            ),
        ),
        broken(
            "the last cup is sold twice",
            NothingOversold,
            of(CUP),
            "inventory.events-0-2",
            History::default().received(CUP, 1).reserved(CUP, 1, 1).reserved(CUP, 2, 1),
        ),
        broken(
            "more is committed than was reserved",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).committed(CUP, 1, 1),
        ),
        broken(
            "a reservation is committed after its end",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).later(Duration::from_secs(900)).committed(CUP, 1, 2),
        ),
        broken(
            "a reservation expires before its end",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).expired(CUP, 1, 2),
        ),
        broken(
            "stock is returned twice",
            ReservationsMatch,
            order(1),
            "inventory.events-0-12",
            stocked().confirmed(2).cancelled(1).returned(CUP, 1, 2),
        ),
        broken(
            "a release takes less than was reserved",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().secured(1).released(CUP, 1, 1),
        ),
    ]
}
