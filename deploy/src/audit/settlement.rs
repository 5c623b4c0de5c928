//! An order, its stock and its payment held against each other, once everything is read.

use tradewind_schemas::{OrderId, PaymentId, Timestamp};

use super::{
    books::Account,
    charge::{self, Charge},
    holding::{Held, Holding},
    ledger::Ledger,
    story::{Stage, Story, money},
    verdict::Why,
    violation::{Breach, Invariant, Place, Subject, ensure},
};

/// One order, with what it takes to judge it.
pub struct Case<'b> {
    pub id: OrderId,
    pub account: &'b Account,
    /// The payment that says it is this order's.
    pub charge: Option<(PaymentId, &'b Charge)>,
    pub ledgers: &'b [Ledger],
    pub clock: Timestamp,
}

pub type Found = (Subject, Option<Place>, Breach);

impl Case<'_> {
    /// Why it is still open, if it is, and all that is wrong with it.
    pub fn judge(&self) -> (Option<Why>, Vec<Found>) {
        let mut found = Vec::new();
        let Some(story) = &self.account.story else {
            if !self.account.moved_on {
                let breach = Breach::new(Invariant::OrderKnown, "an order that was placed", "no OrderPlaced");
                found.push((Subject::Order(self.id), self.any_place(), breach));
            }
            return (Some(Why::MovedOn), found);
        };
        let mut check = |place: Place, checked: Result<(), Breach>| {
            found.extend(checked.err().map(|breach| (Subject::Order(self.id), Some(place), breach)));
        };
        for holding in &self.account.holdings {
            let ordered = story.lines.iter().find(|line| line.sku == holding.sku).map(|line| line.quantity);
            check(holding.last, self.of_sku(holding.sku, holding.fits(ordered)));
        }
        if let Some((payment_id, charge)) = self.charge {
            check(charge.last, belongs(story, payment_id, charge));
        }
        if story.confirmed {
            check(story.last, self.was_committed(story));
            check(story.last, self.was_captured(story));
        }
        let (why, place, end) = self.end(story);
        check(place, end);
        if why.is_none() {
            let net = self.charge.map_or(0, |(_, charge)| charge.net());
            let (said, was) = (story.net(), format!("{net} by its payment"));
            check(story.last, ensure(net == said, Invariant::NetTotals, was, format_args!("{said} by the order")));
        }
        (why, found)
    }

    /// Whether it has come to a right end, or is on its way there.
    fn end(&self, story: &Story) -> (Option<Why>, Place, Result<(), Breach>) {
        let stuck = story.stuck || self.charge.is_some_and(|(_, charge)| charge.stuck);
        let deadline = self.charge.map_or(story.deadline, |(_, charge)| story.deadline.max(charge.deadline));
        let waiting = if stuck { Why::LeftToStaff } else { Why::UnderWay };
        let (place, right) = match story.stage {
            Stage::Rejected | Stage::Cancelled => self.is_undone(story),
            Stage::Confirmed => self.is_kept(story),
            _ => {
                let (place, early) = self.not_early(story);
                if let (Err(_), false) = (&early, self.account.moved_on) {
                    return (Some(waiting), place, early);
                }
                let expected = format!("an end, or another step, by {deadline}");
                let actual = format!("{} still", story.stage.name());
                (story.last, Err(Breach::new(Invariant::EndsInTime, expected, actual)))
            }
        };
        match right {
            Ok(()) => (self.account.moved_on.then_some(Why::MovedOn), place, Ok(())),
            Err(_) if self.account.moved_on => (Some(Why::MovedOn), place, Ok(())),
            // What is confirmed is confirmed: nothing that is under way would mend it.
            Err(breach) if story.stage == Stage::Confirmed => (None, place, Err(breach)),
            Err(_) if stuck => (Some(Why::LeftToStaff), place, Ok(())),
            Err(_) if self.clock <= deadline => (Some(Why::UnderWay), place, Ok(())),
            late => (Some(Why::UnderWay), place, late),
        }
    }

    fn was_committed(&self, story: &Story) -> Result<(), Breach> {
        for line in &story.lines {
            let committed = self.holding(line.sku).and_then(|holding| holding.committed);
            let actual = committed.map_or("none".to_owned(), |committed| committed.to_string());
            let expected = format!("{} committed", line.quantity);
            let checked = ensure(committed == Some(line.quantity), Invariant::ConfirmedWithStock, expected, actual);
            self.of_sku(line.sku, checked)?;
        }
        Ok(())
    }

    fn was_captured(&self, story: &Story) -> Result<(), Breach> {
        let captured = self.charge.map_or(0, |(_, charge)| charge.captured);
        let total = story.grand_total;
        let expected = format!("{} captured", money(total));
        ensure(captured == total.amount, Invariant::ConfirmedWithPayment, expected, captured)
    }

    /// Confirmed: the stock and the money stay where they are.
    fn is_kept(&self, story: &Story) -> (Place, Result<(), Breach>) {
        for line in &story.lines {
            let held = self.holding(line.sku).map_or(Held::Nothing, |holding| holding.held);
            if held != (Held::Allocated { quantity: line.quantity }) {
                let expected = format!("{} allocated", line.quantity);
                let breach = Breach::new(Invariant::ConfirmedWithStock, expected, format_args!("{held:?}"));
                return (self.place_of(line.sku, story.last), self.of_sku(line.sku, Err(breach)));
            }
        }
        let Some((_, charge)) = self.charge else { return (story.last, Ok(())) };
        let back = charge.refunded.saturating_add(charge.refunding);
        let checked =
            ensure(back == 0, Invariant::ConfirmedWithPayment, "nothing given back", format_args!("{back} given back"));
        (charge.last, checked)
    }

    /// Rejected or cancelled: nothing is held, and no money stays.
    fn is_undone(&self, story: &Story) -> (Place, Result<(), Breach>) {
        for Holding { sku, held, last, .. } in &self.account.holdings {
            if *held != Held::Nothing {
                let breach = Breach::new(Invariant::EndedWithoutStock, "nothing held", format_args!("{held:?}"));
                return (*last, self.of_sku(*sku, Err(breach)));
            }
        }
        let Some((_, charge)) = self.charge.filter(|(_, charge)| !charge.is_undone()) else {
            let (said, net) = (story.net(), self.charge.map_or(0, |(_, charge)| charge.net()));
            let heard = ensure(said == net, Invariant::NetTotals, format_args!("{net} by its payment"), said);
            return (story.last, heard);
        };
        let unconfirmed = charge.stage == charge::Stage::Captured && !story.confirmed;
        let invariant = if unconfirmed { Invariant::CaptureNeedsConfirmation } else { Invariant::EndedWithoutMoney };
        let actual = format!("{:?}, {} captured, {} refunded", charge.stage, charge.captured, charge.refunded);
        (charge.last, Err(Breach::new(invariant, "the money voided or given back", actual)))
    }

    /// Nothing is captured, and nothing asked to be, before the stock is committed.
    fn not_early(&self, story: &Story) -> (Place, Result<(), Breach>) {
        let Some((_, charge)) = self.charge else { return (story.last, Ok(())) };
        let capturing = matches!(charge.stage, charge::Stage::Capturing | charge::Stage::Captured);
        let so = story.stage == Stage::Capturing || !capturing;
        let actual = format!("{:?} while {}", charge.stage, story.stage.name());
        (charge.last, ensure(so, Invariant::CaptureNeedsConfirmation, "the stock committed before the capture", actual))
    }

    fn holding(&self, sku: usize) -> Option<&Holding> {
        self.account.holdings.iter().find(|holding| holding.sku == sku)
    }

    fn place_of(&self, sku: usize, otherwise: Place) -> Place {
        self.holding(sku).map_or(otherwise, |holding| holding.last)
    }

    fn any_place(&self) -> Option<Place> {
        let stock = self.account.holdings.first().map(|holding| holding.last);
        stock.or(self.charge.map(|(_, charge)| charge.last))
    }

    /// Says which SKU it is about.
    fn of_sku(&self, sku: usize, checked: Result<(), Breach>) -> Result<(), Breach> {
        checked.map_err(|breach| {
            let expected = format!("{} of {}", breach.expected, self.ledgers[sku].sku);
            Breach { expected, ..breach }
        })
    }
}

fn belongs(story: &Story, payment_id: PaymentId, charge: &Charge) -> Result<(), Breach> {
    ensure(story.payment_id == payment_id, Invariant::OnePayment, story.payment_id, payment_id)?;
    let (total, amount) = (story.grand_total, charge.amount);
    ensure(total == amount, Invariant::PaymentAmount, money(total), money(amount))
}
