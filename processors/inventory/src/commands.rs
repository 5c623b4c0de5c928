//! What happens to a SKU's stock.

use tradewind_runtime::{Context, Entity};
use tradewind_schemas::{
    MessageId, OrderId, Rejection, Sku, Timestamp,
    inventory::{EntryKind, InventoryCommand, InventoryEvent},
};

use crate::{
    events::{ALLOCATIONS, RESERVATIONS, Reservation, Stock},
    ledger::Entries,
};

/// Of one receipt or adjustment.
const MOST_MOVED: i64 = 1_000_000_000;
/// Of one reservation.
const MOST_RESERVED: i64 = 1_000_000;
/// In characters.
const LONGEST_REASON: usize = 200;

type Decision = Result<Vec<InventoryEvent>, Rejection>;

pub fn decide(stock: &Entity<'_, Stock>, command: &InventoryCommand, context: &Context<'_>) -> Decision {
    allowed(command, context)?;
    context.key.parse::<Sku>().map_err(|no_sku| Rejection::new("invalid_sku", no_sku.to_string()))?;
    let at = context.at;
    let entries = Entries::from(&stock.level, at);
    match command {
        InventoryCommand::ReceiveStock { quantity } => receive(entries, *quantity, context.id),
        InventoryCommand::AdjustStock { delta, reason, force } => adjust(entries, *delta, reason, *force, context.id),
        InventoryCommand::ReserveStock { order_id, quantity, until } => {
            reserve(stock, entries, *order_id, &Reservation { quantity: *quantity, until: *until }, at)
        }
        InventoryCommand::CommitReservation { order_id } => {
            // The order waits for an answer, whatever is wrong with the books.
            commit(stock, entries, *order_id, at).or_else(|_| refuse(Entries::from(&stock.level, at), *order_id))
        }
        InventoryCommand::ReleaseReservation { order_id } => release(stock, entries, *order_id),
        InventoryCommand::ExpireReservation { order_id } => {
            let mut entries = entries;
            expire(stock, &mut entries, *order_id, at)?;
            Ok(entries.done())
        }
        InventoryCommand::ReturnStock { order_id } => give_back(stock, entries, *order_id),
    }
}

/// Stock is staff's, reservations are the platform's own.
fn allowed(command: &InventoryCommand, context: &Context<'_>) -> Result<(), Rejection> {
    let (may, who) = match command {
        InventoryCommand::ReceiveStock { .. } | InventoryCommand::AdjustStock { .. } => {
            (context.actor.is_staff(), "merchants and administrators")
        }
        _ => (context.actor.is_service(), "the platform itself"),
    };
    if may { Ok(()) } else { Err(Rejection::new("forbidden", format!("only {who} may do this"))) }
}

fn receive(mut entries: Entries, quantity: i64, id: MessageId) -> Decision {
    within(quantity, 1, MOST_MOVED)?;
    let received = |level| InventoryEvent::StockReceived { quantity, level, command_id: Some(id) };
    entries.add(EntryKind::StockReceived, None, quantity, received)?;
    Ok(entries.done())
}

fn adjust(mut entries: Entries, delta: i64, reason: &str, force: bool, id: MessageId) -> Decision {
    within(delta, -MOST_MOVED, MOST_MOVED)?;
    if delta == 0 {
        return Err(Rejection::new("invalid_quantity", "an adjustment by 0 changes nothing"));
    }
    if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Rejection::new("invalid_reason", format!("a reason has 1 to {LONGEST_REASON} characters")));
    }
    let level = entries.level();
    let (on_hand, promised) = (level.on_hand + delta, level.reserved + level.allocated);
    if on_hand < 0 {
        return Err(Rejection::new("below_zero", format!("only {} are on hand", level.on_hand)));
    }
    // Stock that is promised already and turns out to be too little may still be counted up.
    if on_hand < promised && delta < 0 && !force {
        return Err(Rejection::new("below_promised", format!("{promised} are promised to orders")));
    }
    entries.add(EntryKind::StockAdjusted, None, delta, |level| InventoryEvent::StockAdjusted {
        delta,
        reason: reason.to_owned(),
        level,
        command_id: Some(id),
    })?;
    Ok(entries.done())
}

fn reserve(
    stock: &Entity<'_, Stock>,
    mut entries: Entries,
    order_id: OrderId,
    asked: &Reservation,
    at: Timestamp,
) -> Decision {
    let &Reservation { quantity, until } = asked;
    within(quantity, 1, MOST_RESERVED)?;
    let held = stock.row(RESERVATIONS, &order_id).map(|held| held.quantity);
    let held = if expire(stock, &mut entries, order_id, at)? { None } else { held };
    let sold = stock.row(ALLOCATIONS, &order_id).map(|sold| sold.quantity);
    match held.or(sold) {
        Some(before) if before == quantity => entries.repeat(order_id, quantity, false),
        None if until > at && entries.level().available() >= quantity => {
            entries.add(EntryKind::StockReserved, Some(order_id), quantity, |level| InventoryEvent::StockReserved {
                order_id,
                quantity,
                until,
                level,
            })?;
        }
        _ => entries.add(EntryKind::StockRefused, Some(order_id), quantity, |level| InventoryEvent::StockRefused {
            order_id,
            quantity,
            level,
        })?,
    }
    Ok(entries.done())
}

/// What is past its time is expired, whether its timer has fired or not: exactly one of the two happens.
fn commit(stock: &Entity<'_, Stock>, mut entries: Entries, order_id: OrderId, at: Timestamp) -> Decision {
    if let Some(sold) = stock.row(ALLOCATIONS, &order_id) {
        entries.repeat(order_id, sold.quantity, true);
        return Ok(entries.done());
    }
    let held = stock.row(RESERVATIONS, &order_id);
    match held {
        Some(held) if !expire(stock, &mut entries, order_id, at)? => {
            let quantity = held.quantity;
            entries.add(EntryKind::ReservationCommitted, Some(order_id), quantity, |level| {
                InventoryEvent::ReservationCommitted { order_id, quantity, level }
            })?;
        }
        _ => return refuse(entries, order_id),
    }
    Ok(entries.done())
}

fn refuse(mut entries: Entries, order_id: OrderId) -> Decision {
    entries
        .add(EntryKind::CommitRefused, Some(order_id), 0, |level| InventoryEvent::CommitRefused { order_id, level })?;
    Ok(entries.done())
}

fn release(stock: &Entity<'_, Stock>, mut entries: Entries, order_id: OrderId) -> Decision {
    if let Some(Reservation { quantity, .. }) = stock.row(RESERVATIONS, &order_id) {
        entries.add(EntryKind::ReservationReleased, Some(order_id), quantity, |level| {
            InventoryEvent::ReservationReleased { order_id, quantity, level }
        })?;
    }
    Ok(entries.done())
}

/// Whether the order's reservation had come to its end.
fn expire(
    stock: &Entity<'_, Stock>,
    entries: &mut Entries,
    order_id: OrderId,
    at: Timestamp,
) -> Result<bool, Rejection> {
    let due = stock.row(RESERVATIONS, &order_id).filter(|held| at >= held.until);
    let Some(Reservation { quantity, .. }) = due else { return Ok(false) };
    entries.add(EntryKind::ReservationExpired, Some(order_id), quantity, |level| {
        InventoryEvent::ReservationExpired { order_id, quantity, level }
    })?;
    Ok(true)
}

fn give_back(stock: &Entity<'_, Stock>, mut entries: Entries, order_id: OrderId) -> Decision {
    if let Some(sold) = stock.row(ALLOCATIONS, &order_id) {
        let quantity = sold.quantity;
        entries.add(EntryKind::StockReturned, Some(order_id), quantity, |level| InventoryEvent::StockReturned {
            order_id,
            quantity,
            level,
        })?;
    }
    Ok(entries.done())
}

fn within(quantity: i64, least: i64, most: i64) -> Result<(), Rejection> {
    if (least..=most).contains(&quantity) {
        return Ok(());
    }
    Err(Rejection::new("invalid_quantity", format!("a quantity is {least} to {most}")))
}
