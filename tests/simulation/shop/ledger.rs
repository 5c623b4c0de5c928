//! A model of the stock of a SKU, written anew from what commands mean: what each must lead to, given all before it.

use std::collections::{BTreeMap, BTreeSet};

use tradewind_schemas::{
    Envelope, MessageId, OrderId,
    inventory::{InventoryCommand, InventoryEvent},
    kind,
};

/// What an event says: its name, whose, how much, and then on hand, reserved and allocated.
pub type Said = (String, Option<OrderId>, i64, [i64; 3]);

#[derive(Default)]
pub struct Stock {
    on_hand: i64,
    /// With how much, and until when.
    reserved: BTreeMap<OrderId, (i64, i64)>,
    allocated: BTreeMap<OrderId, i64>,
    /// Clients' commands that were decided.
    decided: BTreeSet<MessageId>,
    pub said: Vec<Said>,
}

impl Stock {
    fn held(&self) -> i64 {
        self.reserved.values().map(|(quantity, _)| quantity).sum()
    }

    fn available(&self) -> i64 {
        self.on_hand - self.held() - self.allocated.values().sum::<i64>()
    }

    fn say(&mut self, name: &str, order: Option<OrderId>, quantity: i64) {
        let level = [self.on_hand, self.held(), self.allocated.values().sum()];
        self.said.push((name.to_owned(), order, quantity, level));
    }

    pub fn take(&mut self, command: &Envelope<InventoryCommand>) {
        if command.request.is_some() && !self.decided.insert(command.id) {
            return;
        }
        let at = command.at.millis();
        match &command.payload {
            InventoryCommand::ReceiveStock { quantity } => {
                self.on_hand += quantity;
                self.say("StockReceived", None, *quantity);
            }
            InventoryCommand::AdjustStock { delta, .. }
                if self.on_hand + delta >= 0 && self.available() + delta >= 0 =>
            {
                self.on_hand += delta;
                self.say("StockAdjusted", None, *delta);
            }
            InventoryCommand::AdjustStock { .. } => {}
            InventoryCommand::ReserveStock { order_id, quantity, until } => {
                let until = until.millis();
                self.expire(*order_id, at);
                let held = self.reserved.get(order_id).map(|(quantity, _)| *quantity);
                match held.or(self.allocated.get(order_id).copied()) {
                    Some(before) if before == *quantity => self.say("ReservationRepeated", Some(*order_id), before),
                    None if until > at && self.available() >= *quantity => {
                        self.reserved.insert(*order_id, (*quantity, until));
                        self.say("StockReserved", Some(*order_id), *quantity);
                    }
                    _ => self.say("StockRefused", Some(*order_id), *quantity),
                }
            }
            InventoryCommand::CommitReservation { order_id } => match self.allocated.get(order_id).copied() {
                Some(sold) => self.say("ReservationRepeated", Some(*order_id), sold),
                None => {
                    self.expire(*order_id, at);
                    match self.reserved.remove(order_id) {
                        Some((quantity, _)) => {
                            self.allocated.insert(*order_id, quantity);
                            self.say("ReservationCommitted", Some(*order_id), quantity);
                        }
                        None => self.say("CommitRefused", Some(*order_id), 0),
                    }
                }
            },
            InventoryCommand::ReleaseReservation { order_id } => {
                if let Some((quantity, _)) = self.reserved.remove(order_id) {
                    self.say("ReservationReleased", Some(*order_id), quantity);
                }
            }
            InventoryCommand::ExpireReservation { order_id } => self.expire(*order_id, at),
            InventoryCommand::ReturnStock { order_id } => {
                if let Some(quantity) = self.allocated.remove(order_id) {
                    self.say("StockReturned", Some(*order_id), quantity);
                }
            }
        }
    }

    fn expire(&mut self, order: OrderId, at: i64) {
        if self.reserved.get(&order).is_some_and(|(_, until)| at >= *until)
            && let Some((quantity, _)) = self.reserved.remove(&order)
        {
            self.say("ReservationExpired", Some(order), quantity);
        }
    }
}

/// The same of an event that was written.
pub fn said(event: &InventoryEvent) -> Said {
    let level = event.level();
    let numbers = [level.on_hand, level.reserved, level.allocated];
    let (order, quantity) = match event {
        InventoryEvent::StockReceived { quantity, .. } => (None, *quantity),
        InventoryEvent::StockAdjusted { delta, .. } => (None, *delta),
        InventoryEvent::StockReserved { order_id, quantity, .. }
        | InventoryEvent::StockRefused { order_id, quantity, .. }
        | InventoryEvent::ReservationCommitted { order_id, quantity, .. }
        | InventoryEvent::ReservationReleased { order_id, quantity, .. }
        | InventoryEvent::ReservationExpired { order_id, quantity, .. }
        | InventoryEvent::StockReturned { order_id, quantity, .. }
        | InventoryEvent::ReservationRepeated { order_id, quantity, .. } => (Some(*order_id), *quantity),
        InventoryEvent::CommitRefused { order_id, .. } => (Some(*order_id), 0),
    };
    (kind(event), order, quantity, numbers)
}

/// What cannot be, whatever was said.
pub fn sane(said: &Said) -> bool {
    let (.., [on_hand, reserved, allocated]) = said;
    [on_hand, reserved, allocated].iter().all(|number| **number >= 0) && reserved + allocated <= *on_hand
}
