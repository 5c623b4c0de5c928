//! One attempt at an intent: the call it asks for, and what the gateway's answer means to the payment.

use std::error::Error;

use bytes::Bytes;
use tradewind_schemas::{
    Envelope, IntentId, Money, PaymentId,
    payment::{GatewayResult, Operation, PaymentMethod},
};
use tradewind_topics::Offset;

use crate::stripe::{Authorisation, Call, Cancellation, Capture, Client, Lookup, Outcome, Receipt, Refund};

/// In characters: what a gateway says is of any length.
const LONGEST_TEXT: usize = 1_000;

/// An attempt at an intent.
pub struct Job {
    pub partition: u32,
    pub offset: Offset,
    pub payment: PaymentId,
    pub intent: IntentId,
    pub attempt: i32,
    pub operation: Operation,
    pub amount: Money,
    pub method: Option<PaymentMethod>,
    pub reference: Option<String>,
    /// What was around the intent on its topic.
    pub around: Envelope<()>,
    /// The W3C trace context of the record.
    pub trace: Option<Bytes>,
    /// This attempt was begun before, and nobody knows how it ended.
    pub interrupted: bool,
}

impl Job {
    /// Makes the call. An interrupted one is asked about first, and made again only if the gateway has not seen it;
    /// where the gateway does not say, the payment's next attempt repeats the call with the same idempotency key.
    pub async fn carry_out(&self, client: &Client) -> GatewayResult {
        let traceparent = self.trace.as_deref().and_then(|trace| std::str::from_utf8(trace).ok());
        let call = Call { intent_id: self.intent.uuid(), traceparent };
        if self.interrupted {
            match client.lookup(call).await {
                Lookup::Recorded(outcome) => return self.agreed(outcome),
                Lookup::Unseen => {}
                Lookup::Unknown(doubt) => return unsettled(&doubt),
            }
        }
        self.call(client, call).await
    }

    async fn call(&self, client: &Client, call: Call<'_>) -> GatewayResult {
        let (payment_id, amount) = (self.payment.uuid(), self.amount.amount);
        settled(match (self.operation, &self.method, &self.reference) {
            (Operation::Authorise, Some(method), _) => {
                let (currency, payment_method) = (self.amount.currency.as_str(), method.token.as_str());
                client.authorise(call, &Authorisation { payment_id, amount, currency, payment_method }).await
            }
            (Operation::Capture, _, Some(payment_intent)) => {
                client.capture(call, &Capture { payment_intent, amount }).await
            }
            (Operation::Void, _, Some(payment_intent)) => client.cancel(call, &Cancellation { payment_intent }).await,
            (Operation::Refund, _, Some(payment_intent)) => {
                client.refund(call, &Refund { payment_id, payment_intent, amount }).await
            }
            (operation, _, _) => Outcome::Refused {
                code: "incomplete_intent".to_owned(),
                message: format!("{operation:?} lacks its payment method or the gateway's id of the payment"),
            },
        })
    }

    /// What was looked up, if it is what this intent asks for.
    fn agreed(&self, outcome: Outcome) -> GatewayResult {
        match outcome {
            Outcome::Succeeded(receipt) if !self.is_for(&receipt) => GatewayResult::Unsettled {
                why: format!(
                    "the gateway has {} {} on record for this intent, which asks for {} {}",
                    receipt.amount, receipt.currency, self.amount.amount, self.amount.currency
                ),
            },
            outcome => settled(outcome),
        }
    }

    /// A void lets go whatever was held.
    fn is_for(&self, receipt: &Receipt) -> bool {
        let same_amount = receipt.amount == self.amount.amount || self.operation == Operation::Void;
        same_amount && receipt.currency == self.amount.currency.as_str()
    }
}

fn settled(outcome: Outcome) -> GatewayResult {
    match outcome {
        Outcome::Succeeded(receipt) => GatewayResult::Succeeded { reference: receipt.reference },
        Outcome::Declined { code, message } => {
            GatewayResult::Declined { code: clipped(&code), message: clipped(&message) }
        }
        Outcome::Refused { code, message } => {
            GatewayResult::Refused { code: clipped(&code), message: clipped(&message) }
        }
        Outcome::Unknown(doubt) => unsettled(&doubt),
    }
}

/// A doubt with its causes.
fn unsettled(doubt: &(dyn Error + 'static)) -> GatewayResult {
    let causes = std::iter::successors(Some(doubt), |error| (*error).source());
    let why = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    GatewayResult::Unsettled { why: clipped(&why) }
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}
