//! A wishlist: the worked example of docs/engine.md, which quotes this file whole.
//!
//! ```text
//! wishlist.commands ─► [wishlist] ─┬─► wishlist.events
//!   by customer                    └─► wishlist.by-sku ─► [wishlist.by-sku]   how many want a SKU
//! ```

mod on_a_log;
mod pages;

use std::time::Duration;

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};
use tradewind_runtime::{Capability, Context, Entity, Fold, Reactions, Rows, Views, scenario::Scenario};
use tradewind_schemas::{Actor, CustomerId, Key, Rejection, Sku, Timestamp, View};
use tradewind_topics::{Cleanup, Topic};
use uuid::Uuid;

use {Command::*, Event::*};

/// Keyed by customer. `Expire` is what a wish's timer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.wishlist", repr = "bare_union")]
pub enum Command {
    Add { sku: Sku },
    Remove { sku: Sku },
    Expire { sku: Sku },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.wishlist", repr = "bare_union")]
pub enum Event {
    Added { sku: Sku, until: Timestamp },
    Removed { sku: Sku },
    Expired { sku: Sku },
}

/// The same news, keyed by SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.wishlist", repr = "bare_union")]
pub enum Demand {
    Changed { by: i64 },
}

// A capability of the platform has these lines in `topics!`, in topics/src/list.rs.
const COMMANDS: Topic<CustomerId, Command> = Topic::new("wishlist.commands", "wishlist", Cleanup::Keep);
const EVENTS: Topic<CustomerId, Event> = Topic::new("wishlist.events", "wishlist", Cleanup::Keep);
const BY_SKU: Topic<Sku, Demand> = Topic::new("wishlist.by-sku", "wishlist", Cleanup::Keep);

/// Under a customer: until when each wish is kept. Under a SKU, in the other stage: how many want it.
const WISHES: View<Sku, Timestamp> = View::new("wishlist", 1);
const WANTED: View<(), i64> = View::new("wishlist.by-sku", 1);

/// The capability, with its settings: how many wishes fit a list, and how long each is kept.
pub struct Wishlists {
    pub most: u32,
    pub kept_for: Duration,
}

/// The head of a customer's state: how many wishes there are. The wishes themselves are rows: until when each is kept.
#[derive(Default, Serialize, Deserialize)]
pub struct Wishlist {
    wishes: u32,
}

const KEPT: Rows<Sku, Timestamp> = Rows::new(1);

impl Capability for Wishlists {
    type Key = CustomerId;
    type State = Wishlist;
    type Command = Command;
    type Event = Event;

    const NAME: &'static str = "wishlist";
    const COMMANDS: Topic<CustomerId, Command> = COMMANDS;
    const EVENTS: Topic<CustomerId, Event> = EVENTS;

    fn decide(
        &self,
        list: &Entity<'_, Wishlist>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Rejection> {
        let theirs = context.actor.user_id.is_some_and(|user| user.text() == context.key);
        if !theirs && !context.actor.is_service() {
            return Err(Rejection::new("forbidden", "a wishlist is its customer's own"));
        }
        let (Add { sku } | Remove { sku } | Expire { sku }) = command;
        let (sku, kept) = (sku.clone(), list.row(KEPT, sku));
        Ok(match (command, kept) {
            (Add { .. }, None) if list.wishes >= self.most => {
                return Err(Rejection::new("wishlist_full", format!("at most {} wishes fit", self.most)));
            }
            (Add { .. }, None) => vec![Added { sku, until: context.at + self.kept_for }],
            (Remove { .. }, Some(_)) => vec![Removed { sku }],
            (Expire { .. }, Some(until)) if until <= context.at => vec![Expired { sku }],
            // Said before, or gone already; or the timer of a wish that was removed and made again.
            _ => vec![],
        })
    }

    fn evolve(list: &mut Entity<'_, Wishlist>, event: &Event, _: Timestamp) {
        match event {
            Added { sku, until } => {
                list.put(KEPT, sku, until);
                list.wishes += 1;
            }
            Removed { sku } | Expired { sku } => {
                list.remove(KEPT, sku);
                list.wishes -= 1;
            }
        }
    }

    fn react(_: &Entity<'_, Wishlist>, event: &Event, to: &mut Reactions<Command>) {
        match event {
            Added { sku, until } => {
                to.send(BY_SKU, sku.clone(), Demand::Changed { by: 1 });
                to.remind(*until, Expire { sku: sku.clone() });
            }
            Removed { sku } | Expired { sku } => to.send(BY_SKU, sku.clone(), Demand::Changed { by: -1 }),
        }
    }

    fn view(_: &Entity<'_, Wishlist>, event: &Event, _: Timestamp, views: &mut Views<'_>) {
        match event {
            Added { sku, until } => views.put(WISHES, sku, until),
            Removed { sku } | Expired { sku } => views.remove(WISHES, sku),
        }
    }
}

/// The second stage. Each change comes exactly once, so that adding up is enough.
pub struct WishesBySku;

impl Fold for WishesBySku {
    type Key = Sku;
    type Record = Demand;

    const STAGE: &'static str = "wishlist.by-sku";
    const SOURCE: Topic<Sku, Demand> = BY_SKU;

    fn fold(record: &Demand, _: &Context<'_>, views: &mut Views<'_>) {
        let Demand::Changed { by } = record;
        let wanted = views.get(WANTED, &()).unwrap_or(0) + by;
        views.put(WANTED, &(), &wanted);
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn customer(name: &str) -> CustomerId {
    CustomerId::derived(Uuid::NAMESPACE_OID, name)
}

fn sku(text: &str) -> Sku {
    text.parse().expect("a SKU")
}

/// Ann's list, on which two wishes fit.
fn list() -> Scenario<Wishlists> {
    Scenario::with(Wishlists { most: 2, kept_for: 90 * DAY }, customer("Ann"))
}

#[test]
fn a_wish_is_kept_for_ninety_days() {
    let (cup, until) = (sku("CUP"), list().now() + 90 * DAY);
    let list = list().when(Add { sku: cup.clone() }).then([Added { sku: cup.clone(), until }]);
    let list = list.sends(BY_SKU, cup.clone(), Demand::Changed { by: 1 });
    let list = list.check(|list| assert_eq!(list.view(WISHES, &cup), Some(until)));
    let list = list.after(89 * DAY).nothing().after(DAY).then([Expired { sku: cup.clone() }]);
    let list = list.sends(BY_SKU, cup.clone(), Demand::Changed { by: -1 });
    list.check(|list| assert_eq!(list.view(WISHES, &cup), None));
}

#[test]
fn what_is_said_twice_happens_once() {
    let list = list().when(Add { sku: sku("CUP") }).then_kinds(["Added"]).again().nothing();
    list.when(Remove { sku: sku("CUP") }).then_kinds(["Removed"]).again().nothing();
}

#[test]
fn the_timer_of_an_earlier_wish_leaves_a_later_one_alone() {
    let list = list().when(Add { sku: sku("CUP") }).when(Remove { sku: sku("CUP") });
    list.after(DAY).when(Add { sku: sku("CUP") }).after(89 * DAY).nothing().after(DAY).then_kinds(["Expired"]);
}

#[test]
fn a_full_list_takes_no_more() {
    let list = list().when(Add { sku: sku("CUP") }).when(Add { sku: sku("POT") });
    let list = list.when(Add { sku: sku("PAN") }).rejected("wishlist_full").when(Remove { sku: sku("POT") });
    list.when(Add { sku: sku("PAN") }).then_kinds(["Added"]);
}

#[test]
fn nobody_wishes_for_another() {
    let list = list().by(Actor::user(customer("Bob"), vec![])).when(Add { sku: sku("CUP") }).rejected("forbidden");
    list.by(Actor::user(customer("Ann"), vec![])).when(Add { sku: sku("CUP") }).then_kinds(["Added"]);
}
