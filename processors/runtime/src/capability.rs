//! What a capability is to the runtime.

use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{Actor, Contract, Key, MessageId, Rejection, Timestamp};
use tradewind_topics::Topic;

use crate::{Entity, Reactions, Views};

/// What a decision may know besides the state and the command. There is no other clock.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The record's key, as text.
    pub key: &'a str,
    /// The command's id; derived ids take it as their namespace.
    pub id: MessageId,
    /// When the command was given.
    pub at: Timestamp,
    /// On whose behalf.
    pub actor: &'a Actor,
}

/// When the client that sent a command gets its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// With the decision.
    Now,
    /// When a later event says so, by [`Reactions::settle`]. A rejection is always an answer.
    Later,
}

/// A business capability: commands in, events out, decided key by key.
///
/// ```text
/// command ─► decide ─► events ─┬─► evolve   what is now true
///               └─► Rejection  ├─► react    asks, intents, timers, answers
///                              └─► view     what can be asked
/// ```
/// All four are pure. State under a key is a head of bounded size and any number of [`Rows`](crate::Rows).
pub trait Capability: Send + Sync + 'static {
    /// What commands and events are about.
    type Key: Key;
    /// The head of the state under one key. Its serialised form is kept: fields are only added at the end of new
    /// formats, and [`FORMAT`](Capability::FORMAT) grows with each.
    type State: Default + Serialize + DeserializeOwned + Send;
    type Command: Contract + Clone;
    type Event: Contract + Clone;

    const NAME: &'static str;
    const COMMANDS: Topic<Self::Key, Self::Command>;
    const EVENTS: Topic<Self::Key, Self::Event>;
    /// Of the stored state.
    const FORMAT: u8 = 1;

    /// What happens, if anything: no event is a fine answer to a command that has nothing new to say. The capability's
    /// settings, if it has any, are its own fields; what must hold for good goes into the events.
    fn decide(
        &self,
        entity: &Entity<'_, Self::State>,
        command: &Self::Command,
        context: &Context<'_>,
    ) -> Result<Vec<Self::Event>, Rejection>;

    /// What is true after an event.
    fn evolve(entity: &mut Entity<'_, Self::State>, event: &Self::Event, at: Timestamp);

    /// What follows from an event, given the state after it.
    fn react(entity: &Entity<'_, Self::State>, event: &Self::Event, to: &mut Reactions<Self::Command>);

    /// What can be asked from now on, given the state after the event.
    fn view(entity: &Entity<'_, Self::State>, event: &Self::Event, at: Timestamp, views: &mut Views<'_>);

    fn settles(_: &Self::Command) -> Settles {
        Settles::Now
    }
}

/// A stage that only folds records into views, keyed by what its source topic is keyed by.
pub trait Fold: Send + Sync + 'static {
    type Key: Key;
    type Record: Contract;

    /// Such as `order.by-customer`.
    const STAGE: &'static str;
    const SOURCE: Topic<Self::Key, Self::Record>;

    fn fold(record: &Self::Record, context: &Context<'_>, views: &mut Views<'_>);
}
