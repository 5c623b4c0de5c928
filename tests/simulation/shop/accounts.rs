//! What a gateway has on its books: money held, taken, let go and given back, and every answer by idempotency key.

use std::collections::{BTreeMap, HashMap};

use tradewind_connectors::stripe::executor::job::Job;
use tradewind_schemas::{
    PaymentId,
    payment::{GatewayResult, Operation},
};
use uuid::Uuid;

use super::client::DECLINED;

/// Money on a card.
#[derive(Debug)]
pub struct Charge {
    pub payment: PaymentId,
    pub amount: i64,
    pub held: bool,
    pub captured: i64,
    pub refunded: i64,
}

#[derive(Default)]
pub struct Accounts {
    /// By idempotency key: the answer to whoever comes with it again.
    answered: HashMap<Uuid, GatewayResult>,
    /// By the gateway's own id.
    pub charges: BTreeMap<String, Charge>,
    refunds: u32,
}

impl Accounts {
    pub fn recorded(&self, key: Uuid) -> Option<&GatewayResult> {
        self.answered.get(&key)
    }

    /// Carries a call out, once for each key. `lapsed` holds are refused.
    pub fn carry_out(&mut self, key: Uuid, job: &Job, lapsed: bool) -> GatewayResult {
        if let Some(answer) = self.answered.get(&key) {
            return answer.clone();
        }
        let answer = self.change(job, lapsed);
        self.answered.insert(key, answer.clone());
        answer
    }

    fn change(&mut self, job: &Job, lapsed: bool) -> GatewayResult {
        let amount = job.amount.amount;
        if job.operation == Operation::Authorise {
            return match &job.method {
                Some(method) if method.token == DECLINED => {
                    GatewayResult::Declined { code: "card_declined".to_owned(), message: "No.".to_owned() }
                }
                _ => {
                    let reference = format!("pi_{}", self.charges.len() + 1);
                    let charge = Charge { payment: job.payment, amount, held: true, captured: 0, refunded: 0 };
                    self.charges.insert(reference.clone(), charge);
                    GatewayResult::Succeeded { reference }
                }
            };
        }
        let refused = |message: &str| {
            let (code, message) = ("payment_intent_unexpected_state".to_owned(), message.to_owned());
            GatewayResult::Refused { code, message }
        };
        let reference = job.reference.clone().unwrap_or_default();
        let Some(charge) = self.charges.get_mut(&reference) else { return refused("no such payment") };
        match job.operation {
            Operation::Capture if lapsed => return refused("the hold has lapsed"),
            Operation::Capture if charge.held && amount <= charge.amount => {
                charge.held = false;
                charge.captured = amount;
            }
            Operation::Void if charge.held => charge.held = false,
            Operation::Refund if charge.refunded + amount <= charge.captured => {
                charge.refunded += amount;
                self.refunds += 1;
                return GatewayResult::Succeeded { reference: format!("re_{}", self.refunds) };
            }
            _ => return refused("not in this state"),
        }
        GatewayResult::Succeeded { reference }
    }
}
