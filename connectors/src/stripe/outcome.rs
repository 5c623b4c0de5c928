use super::doubt::Doubt;

/// What became of a call that changes something.
#[derive(Debug)]
pub enum Outcome {
    /// Carried out, by this call or by an earlier one with the same key.
    Succeeded(Receipt),
    /// The card's bank said no: final for this card. No money is held.
    Declined { code: String, message: String },
    /// The gateway said no for good: the call is invalid, or the payment's state does not allow it.
    /// Nothing was changed by it.
    Refused { code: String, message: String },
    /// Not known: it may have been carried out. [`Client::lookup`](super::Client::lookup), or the same call again
    /// with the same key, tells.
    Unknown(Doubt),
}

/// What the gateway says it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The gateway's id: of the payment intent, or of the refund for refunds.
    pub reference: String,
    /// Minor units: authorised, captured, let go, or given back.
    pub amount: i64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Whether this answer was first given to an earlier call with the same key.
    pub replayed: bool,
}

/// What the gateway knows of a key.
#[derive(Debug)]
pub enum Lookup {
    /// A call with the key was answered: with this.
    Recorded(Outcome),
    /// No call with the key has arrived so far. One that timed out may still be on its way, so only the same call
    /// again, with the same key, makes sure.
    Unseen,
    /// The gateway did not say.
    Unknown(Doubt),
}
