//! Intents, and records of attempts at them, as they lie on the log.

use bytes::Bytes;
use tradewind_schemas::{
    Actor, Currency, Envelope, IntentId, Key, MessageId, Money, OrderId, PaymentId, Position, Timestamp,
    payment::{GatewayResult, Operation, PaymentAttempt, PaymentIntent, PaymentMethod},
};
use tradewind_topics::{
    Append, Offset,
    list::{PAYMENT_ATTEMPTS, PAYMENT_INTENTS},
};
use uuid::Uuid;

use crate::stage::Stage;

pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A call that a payment asks for.
#[derive(Clone)]
pub struct Intent {
    pub id: IntentId,
    pub payment: PaymentId,
    pub operation: Operation,
    pub amount: i64,
    pub token: Option<String>,
    pub reference: Option<String>,
    pub attempt: i32,
    pub message: MessageId,
    pub correlation: MessageId,
}

impl Intent {
    /// Asks to hold 19.99 euros of the card behind `token`.
    pub fn authorise(token: &str) -> Self {
        Self {
            id: IntentId::new(Uuid::now_v7()),
            payment: PaymentId::new(Uuid::now_v7()),
            operation: Operation::Authorise,
            amount: 1999,
            token: Some(token.to_owned()),
            reference: None,
            attempt: 1,
            message: MessageId::new(Uuid::now_v7()),
            correlation: MessageId::new(Uuid::now_v7()),
        }
    }

    /// Another call for the same payment, which the gateway knows as `reference`.
    pub fn then(&self, operation: Operation, reference: &str) -> Self {
        let reference = Some(reference.to_owned());
        Self { operation, token: None, reference, ..self.again(1) }.renamed()
    }

    /// Another authorisation of the same payment.
    pub fn then_authorise(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.again(1) }.renamed()
    }

    /// The same intent, tried once more.
    pub fn again(&self, attempt: i32) -> Self {
        Self { attempt, message: MessageId::new(Uuid::now_v7()), ..self.clone() }
    }

    fn renamed(self) -> Self {
        Self { id: IntentId::new(Uuid::now_v7()), ..self }
    }

    pub fn cause() -> Position {
        Position { topic: "order.commands".to_owned(), partition: 1, offset: 42 }
    }

    pub fn record(&self, stage: &Stage) -> Append {
        let method = self.token.clone().map(|token| PaymentMethod { kind: "card".to_owned(), token });
        let payload = PaymentIntent::Execute {
            intent_id: self.id,
            operation: self.operation,
            order_id: OrderId::new(Uuid::now_v7()),
            amount: Money::new(self.amount, Currency::EUR),
            method,
            reference: self.reference.clone(),
            attempt: self.attempt,
        };
        let value = stage.codecs.of(PAYMENT_INTENTS.name).unwrap().encode(&self.around(self.payment.text(), payload));
        Append {
            to: stage.place(PAYMENT_INTENTS.name, &self.payment.text()),
            timestamp: 1_700_000_000_000,
            key: Some(self.payment.text().into()),
            value: Some(value.unwrap().into()),
            headers: vec![("traceparent".into(), Bytes::from(TRACEPARENT))],
        }
    }

    /// What an executor wrote that got so far with the intent at `offset`; with a result, the attempt has ended.
    pub fn attempt_record(&self, stage: &Stage, offset: Offset, result: Option<GatewayResult>) -> Append {
        let (intent_id, attempt) = (self.id, self.attempt);
        let payload = match result {
            Some(result) => PaymentAttempt::Attempted { intent_id, attempt, result },
            None => PaymentAttempt::Attempting { intent_id, attempt },
        };
        let mut to = stage.place(PAYMENT_INTENTS.name, &self.payment.text());
        to.topic = stage.layout.physical(PAYMENT_ATTEMPTS.name);
        let value = stage.codecs.of(PAYMENT_ATTEMPTS.name).unwrap().encode(&self.around(self.id.text(), payload));
        Append {
            to,
            timestamp: tradewind_runtime::now().millis(),
            key: Some(self.id.text().into()),
            value: Some(value.unwrap().into()),
            headers: vec![("intent-offset".into(), Bytes::from(offset.to_string()))],
        }
    }

    fn around<P: tradewind_schemas::Contract>(&self, key: String, payload: P) -> Envelope<P> {
        Envelope {
            id: self.message,
            key,
            subject_id: None,
            causation_id: None,
            correlation_id: self.correlation,
            actor: Actor::service("payment"),
            at: Timestamp::from_millis(1_700_000_000_000),
            request: None,
            cause: Some(Self::cause()),
            payload,
        }
    }
}
