//! The test driver: given, when, then over a capability, without any log.

use std::{fmt::Debug, time::Duration};

use serde::de::DeserializeOwned;
use tradewind_schemas::{Actor, Contract, Key, MessageId, Rejection, RowKey, Timestamp, View, edge::Settled};
use tradewind_state::{TaskState, model::ModelDisk};
use tradewind_topics::Topic;
use uuid::Uuid;

use crate::{Capability, Context, Outgoing, Views, entity::STORES, pipeline};

/// The id of a scenario's command, by its number from 1: for what names it.
pub fn command_id(number: u64) -> MessageId {
    MessageId::derived(Uuid::NAMESPACE_OID, &format!("command {number}"))
}

/// A capability's task in memory, and what the last thing done to it led to.
pub struct Scenario<C: Capability> {
    capability: C,
    task: TaskState,
    key: String,
    now: Timestamp,
    actor: Actor,
    given_ids: u64,
    last: Option<(MessageId, C::Command)>,
    reminders: Vec<(Timestamp, String, C::Command)>,
    events: Vec<C::Event>,
    sends: Vec<Outgoing>,
    settled: Option<Settled>,
    rejection: Option<Rejection>,
}

impl<C: Capability> Scenario<C>
where
    C::Event: PartialEq + Debug,
{
    /// Nothing has happened yet; it is the first of January 2026.
    pub fn of(key: impl Into<C::Key>) -> Self
    where
        C: Default,
    {
        Self::with(C::default(), key)
    }

    /// The same, of a capability with settings of its own.
    pub fn with(capability: C, key: impl Into<C::Key>) -> Self {
        let store = ModelDisk::new().open(&STORES).expect("an empty model opens");
        let task = TaskState::new(std::sync::Arc::new(store)).expect("an empty model can be read");
        Self {
            capability,
            task,
            key: key.into().text(),
            now: Timestamp::from_millis(1_767_225_600_000),
            actor: Actor::service("test"),
            given_ids: 0,
            last: None,
            reminders: Vec::new(),
            events: Vec::new(),
            sends: Vec::new(),
            settled: None,
            rejection: None,
        }
    }

    /// Goes on with another key of the same task.
    pub fn on(mut self, key: impl Into<C::Key>) -> Self {
        self.key = key.into().text();
        self
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock; what falls due by then happens, in order.
    pub fn at(mut self, later: Timestamp) -> Self {
        assert!(later >= self.now, "the clock only moves forward");
        self.forget();
        self.reminders.sort_by_key(|(due, ..)| *due);
        while self.reminders.first().is_some_and(|(due, ..)| *due <= later) {
            let (due, key, command) = self.reminders.remove(0);
            self.now = self.now.max(due);
            let id = self.fresh_id();
            self.handle(id, key, command, Actor::service(C::NAME));
            self.reminders.sort_by_key(|(due, ..)| *due);
        }
        self.now = later;
        self
    }

    pub fn after(self, duration: Duration) -> Self {
        let later = self.now + duration;
        self.at(later)
    }

    /// On whose behalf the next commands are.
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// What has happened before, to this key.
    pub fn given(mut self, events: impl IntoIterator<Item = C::Event>) -> Self {
        for event in events {
            pipeline::replay::<C>(&mut self.task, &self.key, &event, self.now).expect("the model does not fail");
            self.task.accept();
        }
        self
    }

    pub fn when(mut self, command: C::Command) -> Self {
        let id = self.fresh_id();
        self.give(id, command)
    }

    /// The last command once more, under its own id: a retry.
    pub fn again(self) -> Self {
        let (id, command) = self.last.clone().expect("again follows when");
        self.give(id, command)
    }

    fn give(mut self, id: MessageId, command: C::Command) -> Self {
        self.forget();
        self.last = Some((id, command.clone()));
        let (key, actor) = (self.key.clone(), self.actor.clone());
        self.handle(id, key, command, actor);
        self
    }

    fn handle(&mut self, id: MessageId, key: String, command: C::Command, actor: Actor) {
        let context = Context { key: &key, id, at: self.now, actor: &actor };
        let handled =
            pipeline::handle(&self.capability, &mut self.task, &command, &context).expect("the model does not fail");
        self.task.accept();
        self.settled = handled.settled.or(self.settled.take());
        match handled.result {
            Err(rejection) => self.rejection = Some(rejection),
            Ok(events) => {
                for event in events {
                    self.events.push(event.event);
                    self.sends.extend(event.sends);
                    self.reminders.extend(event.reminders.into_iter().map(|(due, c)| (due, key.clone(), c)));
                }
            }
        }
    }

    fn fresh_id(&mut self) -> MessageId {
        self.given_ids += 1;
        command_id(self.given_ids)
    }

    fn forget(&mut self) {
        self.events.clear();
        self.sends.clear();
        self.settled = None;
        self.rejection = None;
    }

    /// The last thing led to exactly these events.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = C::Event>) -> Self {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.events, expected, "events of {} (rejection: {:?})", self.key, self.rejection);
        self
    }

    /// … to events of these names.
    #[track_caller]
    pub fn then_kinds<'k>(self, expected: impl IntoIterator<Item = &'k str>) -> Self {
        let kinds: Vec<_> = self.events.iter().map(tradewind_schemas::kind).collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(kinds, expected, "events of {} (rejection: {:?}): {:#?}", self.key, self.rejection, self.events);
        self
    }

    /// … to no event and no rejection.
    #[track_caller]
    pub fn nothing(self) -> Self {
        assert!(self.rejection.is_none(), "{} was rejected: {:?}", self.key, self.rejection);
        self.then([])
    }

    /// … to a rejection with this code.
    #[track_caller]
    pub fn rejected(self, code: &str) -> Self {
        let got = self.rejection.as_ref().map(|rejection| rejection.code.as_str());
        assert_eq!(got, Some(code), "{}: {:?}; events {:#?}", self.key, self.rejection, self.events);
        self
    }

    /// … to this record, among others.
    #[track_caller]
    pub fn sends<K: Key, V: Contract + PartialEq + Debug>(
        self,
        topic: Topic<K, V>,
        key: impl Into<K>,
        payload: V,
    ) -> Self {
        let key = key.into().text();
        let there: Vec<_> = self.sends.iter().filter(|sent| sent.topic == topic.name && sent.key == key).collect();
        let found = there.iter().any(|sent| sent.payload::<V>() == Some(&payload));
        assert!(
            found,
            "not sent to {} {key}: {payload:#?}; but {:#?}",
            topic.name,
            there.iter().map(|sent| sent.payload::<V>()).collect::<Vec<_>>()
        );
        self
    }

    /// … to exactly these records, in order: topic and kind.
    #[track_caller]
    pub fn sends_kinds<'k>(self, expected: impl IntoIterator<Item = (&'k str, &'k str)>) -> Self {
        let sent: Vec<_> = self.sends.iter().map(|sent| (sent.topic, sent.kind())).collect();
        let sent: Vec<_> = sent.iter().map(|(topic, kind)| (*topic, kind.as_str())).collect();
        assert_eq!(sent, expected.into_iter().collect::<Vec<_>>(), "sends of {}", self.key);
        self
    }

    /// … to this answer for whoever waits.
    #[track_caller]
    pub fn settles(self, expected: Settled) -> Self {
        assert_eq!(self.settled, Some(expected), "answer of {}", self.key);
        self
    }

    /// The rejection that the last thing led to, if it did.
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// A view's row under the key in hand.
    pub fn view<R: RowKey, V: DeserializeOwned>(&self, view: View<R, V>, row: &R) -> Option<V> {
        Views::new(&self.task, &self.key).get(view, row)
    }

    /// Looks at anything on the way.
    #[track_caller]
    pub fn check(self, look: impl FnOnce(&Self)) -> Self {
        look(&self);
        self
    }
}
