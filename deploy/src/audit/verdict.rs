//! What the books come to.

use std::{collections::BTreeMap, fmt};

use tradewind_schemas::{Currency, OrderId, Timestamp};

use super::{
    amounts::{amounts, grouped},
    books::Books,
    holding::Held,
    settlement::Case,
    story::Stage,
    violation::{Invariant, Place, Subject, Violation, ensure},
};

/// What was checked, what is open, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub confirmed: u64,
    pub rejected: u64,
    pub cancelled: u64,
    /// Not yet any of these.
    pub in_flight: u64,
    pub skus: u64,
    pub lines: u64,
    pub ledger_entries: u64,
    /// In minor units.
    pub captured: BTreeMap<Currency, i128>,
    pub refunded: BTreeMap<Currency, i128>,
    /// Orders whose end, stock or money is still under way.
    pub open: Vec<Open>,
    /// The first ones, in the order they were found.
    pub violations: Vec<Violation>,
    /// All of them.
    pub violation_count: u64,
}

/// An order that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub order_id: OrderId,
    pub why: Why,
    /// How far it is.
    pub stage: &'static str,
    /// Its last event.
    pub last: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Within its deadlines.
    UnderWay,
    /// Its money is for staff to look after.
    LeftToStaff,
    /// More has happened to it since the audit began.
    MovedOn,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::UnderWay => "under way",
            Why::LeftToStaff => "left to staff",
            Why::MovedOn => "gone on since the audit began",
        };
        write!(f, "order {}: {}, {why}", self.order_id, self.stage)?;
        match &self.last {
            Some(place) => write!(f, " (last at {place})"),
            None => Ok(()),
        }
    }
}

impl Books {
    /// The latest that any event happened: deadlines are measured against it.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// What everything that was fed comes to.
    pub fn verdict(mut self) -> Verdict {
        let mut verdict = Verdict { lines: self.lines, ledger_entries: self.entries, ..Verdict::default() };
        let mut sums = Sums::default();
        let mut held = vec![(0i128, 0i128); self.ledgers.len()];
        for (id, account) in &self.accounts {
            for holding in &account.holdings {
                match holding.held {
                    Held::Nothing => {}
                    Held::Reserved { quantity, .. } => held[holding.sku].0 += i128::from(quantity),
                    Held::Allocated { quantity } => held[holding.sku].1 += i128::from(quantity),
                }
            }
            let charge = account.payment.and_then(|payment| Some((payment, self.charges.get(&payment)?)));
            let case = Case { id: *id, account, charge, ledgers: &self.ledgers, clock: self.clock };
            let (why, found) = case.judge();
            found.into_iter().for_each(|(subject, place, breach)| self.findings.add(subject, place, Err(breach)));
            let story = account.story.as_ref();
            verdict.count(story.map(|story| story.stage));
            let net = charge.map_or(0, |(_, charge)| charge.net());
            let said = story.map_or(0, |story| story.net());
            if let Some(currency) =
                story.map(|story| story.grand_total.currency).or(charge.map(|(_, charge)| charge.amount.currency))
            {
                *sums.orders.entry(currency).or_default() += i128::from(said);
                // What a payment has done and its order has not heard of yet.
                let unheard = if why.is_some() { i128::from(net) - i128::from(said) } else { 0 };
                *sums.unheard.entry(currency).or_default() += unheard;
            }
            verdict.open.extend(why.map(|why| Open {
                order_id: *id,
                why,
                stage: story.map_or("placed", |story| story.stage.name()),
                last: story.map(|story| story.last),
            }));
        }
        for (ledger, (reserved, allocated)) in self.ledgers.iter().zip(held) {
            verdict.skus += u64::from(ledger.level.entries > 0);
            self.findings.add(Subject::Sku(ledger.sku.clone()), ledger.last, ledger.add_up(reserved, allocated));
        }
        for charge in self.charges.values() {
            let currency = charge.amount.currency;
            *verdict.captured.entry(currency).or_default() += i128::from(charge.captured);
            *verdict.refunded.entry(currency).or_default() += i128::from(charge.refunded);
        }
        for (currency, captured) in &verdict.captured {
            let of = |sums: &BTreeMap<Currency, i128>| sums.get(currency).copied().unwrap_or_default();
            let net = captured - of(&verdict.refunded);
            let orders = of(&sums.orders) + of(&sums.unheard);
            let expected = format!("{net} {currency} by the payments");
            let checked =
                ensure(net == orders, Invariant::MoneyAddsUp, expected, format_args!("{orders} by the orders"));
            self.findings.add(Subject::Sum, None, checked);
        }
        (verdict.violations, verdict.violation_count) = (self.findings.kept, self.findings.count);
        verdict
    }
}

#[derive(Default)]
struct Sums {
    orders: BTreeMap<Currency, i128>,
    unheard: BTreeMap<Currency, i128>,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        self.violation_count == 0
    }

    pub fn orders(&self) -> u64 {
        self.confirmed + self.rejected + self.cancelled + self.in_flight
    }

    fn count(&mut self, stage: Option<Stage>) {
        match stage {
            Some(Stage::Confirmed) => self.confirmed += 1,
            Some(Stage::Rejected) => self.rejected += 1,
            Some(Stage::Cancelled) => self.cancelled += 1,
            Some(Stage::Reserving | Stage::Authorising | Stage::Committing | Stage::Capturing) | None => {
                self.in_flight += 1;
            }
        }
    }
}

/// The last line of an audit.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.violation_count {
            0 => f.write_str("audit clean: ")?,
            1 => f.write_str("audit failed with 1 violation: ")?,
            count => write!(f, "audit failed with {} violations: ", grouped(count.into()))?,
        }
        let [orders, confirmed, rejected, cancelled, in_flight, skus, lines, entries] = [
            self.orders(),
            self.confirmed,
            self.rejected,
            self.cancelled,
            self.in_flight,
            self.skus,
            self.lines,
            self.ledger_entries,
        ]
        .map(|count| grouped(count.into()));
        write!(
            f,
            "{orders} orders ({confirmed} confirmed, {rejected} rejected, {cancelled} cancelled, {in_flight} in flight), {skus} SKUs, {lines} lines, {entries} ledger entries"
        )?;
        write!(f, ", captured {}, refunded {}", amounts(&self.captured), amounts(&self.refunded))?;
        let settling = self.open.len() as u64 - self.in_flight.min(self.open.len() as u64);
        let staff = self.open.iter().filter(|open| open.why == Why::LeftToStaff).count();
        if settling > 0 {
            write!(f, "; {} more with stock or money under way", grouped(settling.into()))?;
        }
        if staff > 0 {
            write!(f, "; {} left to staff", grouped(staff as i128))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_what_was_checked() {
        let verdict = Verdict {
            confirmed: 830,
            skus: 77,
            lines: 2155,
            ledger_entries: 5123,
            captured: BTreeMap::from([(Currency::USD, 126_579_304)]),
            refunded: BTreeMap::from([(Currency::USD, 0)]),
            ..Verdict::default()
        };
        assert_eq!(
            verdict.to_string(),
            "audit clean: 830 orders (830 confirmed, 0 rejected, 0 cancelled, 0 in flight), 77 SKUs, 2,155 lines, 5,123 ledger entries, captured 1,265,793.04 USD, refunded 0.00 USD"
        );
    }
}
