//! What inventory says it holds of one SKU for one order.

use tradewind_schemas::{Timestamp, inventory::InventoryEvent};

use super::violation::{Breach, Invariant, Place, ensure};

/// Of one SKU, for one order.
pub struct Holding {
    /// The SKU's number in the books.
    pub sku: usize,
    pub held: Held,
    /// What was committed, whether it was returned since or not.
    pub committed: Option<i64>,
    /// The last event's.
    pub last: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Nothing,
    Reserved { quantity: i64, until: Timestamp },
    Allocated { quantity: i64 },
}

impl Held {
    fn says(self) -> String {
        match self {
            Self::Nothing => "nothing held".to_owned(),
            Self::Reserved { quantity, until } => format!("{quantity} reserved until {until}"),
            Self::Allocated { quantity } => format!("{quantity} allocated"),
        }
    }
}

impl Holding {
    pub fn new(sku: usize, at: Place) -> Self {
        Self { sku, held: Held::Nothing, committed: None, last: at }
    }

    /// What is wrong with the next event about this order.
    pub fn check(&self, event: &InventoryEvent, at: Timestamp) -> Result<(), Breach> {
        use InventoryEvent as E;
        let (so, expected) = match (event, self.held) {
            (E::StockReserved { .. }, held) => (held == Held::Nothing, "nothing held before a reservation"),
            (E::ReservationCommitted { quantity: moved, .. }, Held::Reserved { quantity, until }) => {
                (*moved == quantity && at < until, "the reservation committed as it is, before it ends")
            }
            (E::ReservationReleased { quantity: moved, .. }, Held::Reserved { quantity, .. }) => {
                (*moved == quantity, "the reservation released as it is")
            }
            (E::ReservationExpired { quantity: moved, .. }, Held::Reserved { quantity, until }) => {
                (*moved == quantity && at >= until, "the reservation expired as it is, not before it ends")
            }
            (E::ReservationCommitted { .. } | E::ReservationReleased { .. } | E::ReservationExpired { .. }, _) => {
                (false, "a reservation")
            }
            (E::StockReturned { quantity: moved, .. }, held) => {
                (held == Held::Allocated { quantity: *moved }, "what is returned allocated before")
            }
            (E::CommitRefused { .. }, held) => (held == Held::Nothing, "nothing held where a commit is refused"),
            (E::ReservationRepeated { quantity: said, committed, .. }, held) => {
                let so = match held {
                    Held::Nothing => false,
                    Held::Reserved { quantity, .. } => !committed && *said == quantity,
                    Held::Allocated { quantity } => *said == quantity,
                };
                (so, "what is answered again held")
            }
            (E::StockReceived { .. } | E::StockAdjusted { .. } | E::StockRefused { .. }, _) => return Ok(()),
        };
        let actual = || format!("{} with {}", tradewind_schemas::kind(event), self.held.says());
        if so { Ok(()) } else { Err(Breach::new(Invariant::ReservationsMatch, expected, actual())) }
    }

    /// Believes the event.
    pub fn take(&mut self, event: &InventoryEvent, place: Place) {
        match event {
            InventoryEvent::StockReserved { quantity, until, .. } => {
                self.held = Held::Reserved { quantity: *quantity, until: *until };
            }
            InventoryEvent::ReservationCommitted { quantity, .. } => {
                self.held = Held::Allocated { quantity: *quantity };
                self.committed = Some(*quantity);
            }
            InventoryEvent::ReservationReleased { .. }
            | InventoryEvent::ReservationExpired { .. }
            | InventoryEvent::StockReturned { .. } => self.held = Held::Nothing,
            InventoryEvent::StockReceived { .. }
            | InventoryEvent::StockAdjusted { .. }
            | InventoryEvent::StockRefused { .. }
            | InventoryEvent::CommitRefused { .. }
            | InventoryEvent::ReservationRepeated { .. } => {}
        }
        self.last = place;
    }

    /// Whether what is held, or was committed, is what was ordered.
    pub fn fits(&self, ordered: Option<i64>) -> Result<(), Breach> {
        let held = match self.held {
            Held::Nothing => None,
            Held::Reserved { quantity, .. } | Held::Allocated { quantity } => Some(quantity),
        };
        let expected = ordered.map_or("nothing, as it is not ordered".to_owned(), |n| n.to_string());
        let Some(moved) = held.or(self.committed) else { return Ok(()) };
        ensure(ordered == Some(moved), Invariant::ReservedAsOrdered, expected, moved)
    }
}
