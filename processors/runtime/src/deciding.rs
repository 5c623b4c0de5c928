//! The stage that decides a capability's commands.

use bytes::Bytes;
use tradewind_schemas::{
    Actor, Codec, Contract, Envelope, MessageId, Position, Rejection, ReplyTo, Timestamp,
    edge::{EdgeReply, Settled},
};
use tradewind_state::TaskState;
use tradewind_topics::{Headers, Record, list};

use crate::{
    Capability, Codecs, Context, Outgoing, Settles,
    entity::{STATE, TIMERS, head_key},
    outcomes::{self, Known},
    pipeline::{self, HandledEvent},
    reading,
    stage::{Failure, Output, Place, Stage},
    timers,
};

/// Runs a [`Capability`].
pub struct Deciding<C> {
    capability: C,
    codecs: Codecs,
}

impl<C: Capability> Deciding<C> {
    pub fn new(capability: C, codecs: Codecs) -> Self {
        Self { capability, codecs }
    }

    fn commands(&self) -> Result<&Codec<C::Command>, Failure> {
        Ok(self.codecs.of(C::COMMANDS.name)?)
    }

    fn decode(&self, record: &Record) -> Result<Envelope<C::Command>, Failure> {
        if record.value.is_none() {
            return Err(Failure::Record("a command has a value".to_owned()));
        }
        reading::envelope(&self.codecs, C::COMMANDS, record)
    }
}

impl<C: Capability> Stage for Deciding<C> {
    fn name(&self) -> &str {
        C::NAME
    }

    fn source(&self) -> &'static str {
        C::COMMANDS.name
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (payload, command) = self.decode(record)?.split();
        let mut work = Work { codecs: &self.codecs, record, source: self.source(), command, out };
        if work.already_known(task)? {
            return Ok(());
        }
        let context =
            Context { key: &work.command.key, id: work.command.id, at: work.command.at, actor: &work.command.actor };
        let handled = pipeline::handle(&self.capability, task, &payload, &context)?;
        match handled.result {
            Ok(events) => {
                if C::settles(&payload) == Settles::Now {
                    work.remember(task, Some(Settled::Accepted {}))?;
                } else {
                    work.remember(task, None)?;
                }
                for (number, event) in events.into_iter().enumerate() {
                    work.emit::<C>(task, number, event)?;
                }
            }
            Err(rejection) => work.reject(task, rejection)?,
        }
        if let Some(settled) = handled.settled {
            work.settle_all(task, settled)?;
        }
        Ok(())
    }

    fn look_ahead(&self, records: &[Record], task: &TaskState) {
        let keys = records.iter().filter_map(|record| str::from_utf8(record.key.as_deref()?).ok());
        let heads: Vec<Bytes> = keys.map(head_key).collect();
        task.look_ahead(STATE, heads.iter().map(|key| &**key));
    }

    fn fire(&self, stored: &[u8], now: Timestamp) -> Result<Output, Failure> {
        let codec = self.commands()?;
        let mut command = codec.decode(stored)?;
        command.at = now;
        Ok(Output {
            topic: C::COMMANDS.name.into(),
            place: Place::Key(command.key.clone().into()),
            value: Some(codec.encode(&command)?.into()),
            timestamp: now,
            headers: Headers::new(),
        })
    }

    fn abandon(&self, record: &Record, reason: &str, out: &mut Vec<Output>) {
        let Ok(command) = self.decode(record) else { return };
        let Some(reply_to) = command.request.as_ref().and_then(|request| request.reply_to.clone()) else { return };
        let mut work = Work { codecs: &self.codecs, record, source: self.source(), command: command.split().1, out };
        // That it cannot be said must not keep the record from being put aside.
        let _ = work.reply(&reply_to, Settled::DeadLettered { reason: reason.to_owned() });
    }
}

/// A command in hand.
struct Work<'a> {
    codecs: &'a Codecs,
    record: &'a Record,
    /// The record's topic, without the namespace.
    source: &'static str,
    command: Envelope<()>,
    out: &'a mut Vec<Output>,
}

impl Work<'_> {
    /// A retry of a client's command gets the answer of the first, or waits with it.
    fn already_known(&mut self, task: &mut TaskState) -> Result<bool, Failure> {
        let Some(request) = self.command.request.clone() else { return Ok(false) };
        match outcomes::recall(task, &self.command.key, self.command.id, &request, self.command.at)? {
            Known::Nothing => Ok(false),
            Known::Waiting => Ok(true),
            Known::Settled(settled) => {
                if let Some(reply_to) = &request.reply_to {
                    self.reply(reply_to, settled)?;
                }
                Ok(true)
            }
        }
    }

    fn remember(&mut self, task: &mut TaskState, settled: Option<Settled>) -> Result<(), Failure> {
        let Some(request) = self.command.request.clone() else { return Ok(()) };
        outcomes::remember(task, &self.command.key, self.command.id, &request, self.command.at, settled.clone())?;
        if let (Some(reply_to), Some(settled)) = (&request.reply_to, settled) {
            self.reply(reply_to, settled)?;
        }
        Ok(())
    }

    fn reject(&mut self, task: &mut TaskState, rejection: Rejection) -> Result<(), Failure> {
        if self.command.request.is_none() {
            tracing::error!(
                source = %self.record.source,
                offset = self.record.offset,
                key = self.command.key,
                code = rejection.code,
                detail = rejection.detail,
                "a command that nobody waits for was rejected: the platform itself sends none that can be"
            );
        }
        self.remember(task, Some(Settled::Rejected { rejection }))
    }

    /// Answers everyone who waits for a command to this key.
    fn settle_all(&mut self, task: &mut TaskState, settled: Settled) -> Result<(), Failure> {
        for (command_id, waiters) in outcomes::settle_open(task, &self.command.key, &settled)? {
            for reply_to in waiters {
                self.reply_for(command_id, &reply_to, settled.clone())?;
            }
        }
        Ok(())
    }

    fn emit<C: Capability>(
        &mut self,
        task: &mut TaskState,
        number: usize,
        handled: HandledEvent<C>,
    ) -> Result<(), Failure> {
        let id = MessageId::derived(self.command.id.uuid(), &format!("event {number}"));
        let event = self.following(id, self.command.id, self.command.key.clone(), self.command.actor.clone());
        let codec = self.codecs.of(C::EVENTS.name)?;
        self.write(C::EVENTS.name, self.command.key.clone(), codec.encode(&event.with(handled.event))?);
        let actor = Actor::service(C::NAME);
        for (n, sent) in handled.sends.into_iter().enumerate() {
            let sent_id = MessageId::derived(id.uuid(), &format!("send {n}"));
            let around = self.following(sent_id, id, sent.key.clone(), actor.clone());
            let Outgoing { topic, key, .. } = &sent;
            let (topic, key) = (*topic, key.clone());
            let value = sent.encode(self.codecs, around)?;
            self.write(topic, key, value);
        }
        for (n, (due, command)) in handled.reminders.into_iter().enumerate() {
            let timer_id = MessageId::derived(id.uuid(), &format!("remind {n}"));
            let around = self.following(timer_id, id, self.command.key.clone(), actor.clone());
            let stored = self.codecs.of::<C::Command>(C::COMMANDS.name)?.encode(&around.with(command))?;
            task.put(TIMERS, &timers::key(due, timer_id), stored.into());
        }
        Ok(())
    }

    /// An envelope for what this command leads to.
    fn following(&self, id: MessageId, causation: MessageId, key: String, actor: Actor) -> Envelope<()> {
        let here = || Position {
            topic: self.source.to_owned(),
            partition: self.record.source.partition as i32,
            offset: self.record.offset,
        };
        Envelope {
            id,
            key,
            subject_id: self.command.subject_id,
            causation_id: Some(causation),
            correlation_id: self.command.correlation_id,
            actor,
            at: self.command.at,
            request: None,
            cause: self.command.cause.clone().or_else(|| self.command.request.as_ref().map(|_| here())),
            payload: (),
        }
    }

    fn reply(&mut self, to: &ReplyTo, outcome: Settled) -> Result<(), Failure> {
        self.reply_for(self.command.id, to, outcome)
    }

    fn reply_for(&mut self, command_id: MessageId, to: &ReplyTo, outcome: Settled) -> Result<(), Failure> {
        let topic = list::EDGE_REPLIES.name;
        let id = MessageId::derived(self.command.id.uuid(), &format!("reply {command_id} {}", to.instance));
        let actor = self.command.actor.clone();
        let around = self.following(id, self.command.id, String::new(), actor);
        let position = self.record.after();
        let reply = EdgeReply::Outcome { instance: to.instance.clone(), command_id, outcome, position };
        let value = self.encode(topic, around.with(reply))?;
        let place = Place::Partition(u32::try_from(to.partition).unwrap_or_default());
        self.push(topic, place, value);
        Ok(())
    }

    fn encode<V: Contract>(&self, topic: &str, envelope: Envelope<V>) -> Result<Vec<u8>, Failure> {
        Ok(self.codecs.of(topic)?.encode(&envelope)?)
    }

    fn write(&mut self, topic: &'static str, key: String, value: Vec<u8>) {
        self.push(topic, Place::Key(key.into()), value);
    }

    fn push(&mut self, topic: &'static str, place: Place, value: Vec<u8>) {
        let headers = trace_of(self.record);
        let value = Some(Bytes::from(value));
        self.out.push(Output { topic: topic.into(), place, value, timestamp: self.command.at, headers });
    }
}

/// The trace goes on with what a record leads to.
pub(crate) fn trace_of(record: &Record) -> Headers {
    record.headers.iter().filter(|(name, _)| name.as_ref() == "traceparent").cloned().collect()
}
