//! A gateway that keeps its books right and its callers in doubt: it is slow, times out having charged, answers
//! garbage, tells things twice, and is down for a while.

use std::sync::Arc;

use rand::Rng;
use tradewind_connectors::stripe::executor::{NAME, job::Job};
use tradewind_schemas::{
    Actor,
    payment::{GatewayResult, PaymentCommand},
};
use tradewind_topics::list::PAYMENT_COMMANDS;
use uuid::Uuid;

use super::{accounts::Accounts, messages};
use crate::{bugs::Bug, member::MemberId, world::World};

/// In steps: how long a call may be on its way, and how long its caller waits.
const SLOWEST: u64 = 400;
const PATIENCE: u64 = 200;

/// What the caller hears, as the executor's own client would tell it.
pub struct Answer {
    pub incarnation: u64,
    pub partition: u32,
    pub offset: i64,
    pub result: GatewayResult,
}

struct Call {
    job: Arc<Job>,
    /// `None` once nobody waits for it any more.
    caller: Option<(MemberId, u64)>,
    /// When it reaches the gateway; `None` where it never does, or has.
    arrives: Option<u64>,
    /// When its caller hears of it, or gives up.
    answers: u64,
    /// The answer is lost or garbled on its way back.
    unheard: bool,
    result: Option<GatewayResult>,
}

pub struct Gateway {
    pub accounts: Accounts,
    calls: Vec<Call>,
    /// Answers by caller, until they are fetched.
    answers: Vec<(MemberId, Answer)>,
    /// Results to be told once more, from when on.
    echoes: Vec<(u64, Arc<Job>, GatewayResult)>,
    down_until: u64,
    keys: u64,
    /// How many results were told twice.
    told: u64,
    bug: Option<Bug>,
}

impl Gateway {
    pub fn new(bug: Option<Bug>) -> Self {
        let accounts = Accounts::default();
        let (calls, answers, echoes) = (Vec::new(), Vec::new(), Vec::new());
        Self { accounts, calls, answers, echoes, down_until: 0, keys: 0, told: 0, bug }
    }

    /// A call is made.
    pub fn call(&mut self, world: &mut World, caller: MemberId, incarnation: u64, job: Arc<Job>) {
        let soon = world.step + world.rng.random_range(1..20);
        let late = world.step + PATIENCE;
        let mood = if world.is_storm() { world.rng.random_range(0..10) } else { 9 };
        let (arrives, answers, unheard) = match mood {
            0 => (None, late, true),
            1 => (Some(soon), late, true),
            2 => (Some(soon), soon + 1, true),
            3 => (Some(world.step + world.rng.random_range(1..SLOWEST)), late, false),
            _ => (Some(soon), soon + 1, false),
        };
        world.counts.one(match mood {
            0 => "calls lost",
            1 => "calls timed out though done",
            2 => "garbled answers",
            3 => "slow calls",
            _ => "calls answered",
        });
        world.is_busy();
        world.say(|| format!("a call for {}: {:?}, attempt {}", job.payment, job.operation, job.attempt));
        self.calls.push(Call { job, caller: Some((caller, incarnation)), arrives, answers, unheard, result: None });
    }

    /// Whoever called from there is gone; the calls are on their way all the same.
    pub fn hang_up(&mut self, caller: MemberId) {
        self.calls.iter_mut().filter(|call| call.caller.is_some_and(|(id, _)| id == caller)).for_each(|call| {
            call.caller = None;
        });
        self.answers.retain(|(to, _)| *to != caller);
    }

    pub fn fetch(&mut self, caller: MemberId) -> Vec<Answer> {
        let (mine, others) = std::mem::take(&mut self.answers).into_iter().partition(|(to, _)| *to == caller);
        self.answers = others;
        let mine: Vec<(MemberId, Answer)> = mine;
        mine.into_iter().map(|(_, answer)| answer).collect()
    }

    pub fn is_waited_for(&self, incarnation: u64) -> bool {
        self.calls.iter().any(|call| call.caller.is_some_and(|(_, of)| of == incarnation))
    }

    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.answers.is_empty() && self.echoes.is_empty()
    }

    /// One step: calls arrive, answers go back, things are told twice.
    pub fn go_on(&mut self, world: &mut World) {
        if world.is_storm() && world.chance(2_000) {
            self.down_until = world.step + world.rng.random_range(50..1_500);
            world.counts.one("gateway outages");
        }
        if !world.is_storm() {
            self.down_until = 0;
        }
        let step = world.step;
        for number in 0..self.calls.len() {
            if self.calls[number].arrives.is_some_and(|arrives| arrives <= step) {
                self.calls[number].arrives = None;
                self.arrive(world, number);
            }
        }
        for mut call in self.calls.extract_if(.., |call| call.arrives.is_none() && call.answers <= step) {
            let doubt = || GatewayResult::Unsettled { why: "the gateway did not answer in time".to_owned() };
            let result = call.result.take().filter(|_| !call.unheard).unwrap_or_else(doubt);
            self.answers.extend(call.caller.map(|(caller, incarnation)| {
                let Job { partition, offset, .. } = *call.job;
                (caller, Answer { incarnation, partition, offset, result })
            }));
        }
        for call in &mut self.calls {
            // The caller's patience ends before the call's way does.
            if let Some((caller, incarnation)) = call.caller.filter(|_| call.answers <= step) {
                let result = GatewayResult::Unsettled { why: "the gateway did not answer in time".to_owned() };
                let Job { partition, offset, .. } = *call.job;
                self.answers.push((caller, Answer { incarnation, partition, offset, result }));
                call.caller = None;
            }
        }
        for (_, job, result) in self.echoes.extract_if(.., |(at, ..)| *at <= step) {
            let payload = PaymentCommand::RecordGatewayResult { intent_id: job.intent, result };
            self.told += 1;
            let name = format!("echo {} of {}", self.told, job.intent);
            let echo = messages::notice(world, PAYMENT_COMMANDS, &job.payment, &name, Actor::service(NAME), payload);
            world.counts.one("results told twice");
            world.produce(echo);
        }
    }

    /// It reaches the gateway, which asks for no more than the key.
    fn arrive(&mut self, world: &mut World, number: usize) {
        if self.down_until > world.step {
            return;
        }
        let lapsed = world.is_storm() && world.chance(20);
        let job = self.calls[number].job.clone();
        let mut key = job.intent.uuid();
        if self.bug == Some(Bug::CallsWithoutIdempotencyKey) {
            self.keys += 1;
            key = Uuid::from_u128(self.keys.into());
        }
        // An interrupted attempt is asked about first; what is not known is called again.
        let known = if job.interrupted { self.accounts.recorded(key).cloned() } else { None };
        let result = known.unwrap_or_else(|| self.accounts.carry_out(key, &job, lapsed));
        world.is_busy();
        world.say(|| format!("the gateway carries {:?} of {} out: {result:?}", job.operation, job.payment));
        if world.is_storm() && world.chance(6) {
            let later = world.step + world.rng.random_range(1..SLOWEST);
            self.echoes.push((later, job, result.clone()));
        }
        self.calls[number].result = Some(result);
    }
}
