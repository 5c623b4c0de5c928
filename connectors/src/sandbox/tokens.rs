use super::problem::Problem;

/// The cards that the sandbox knows, by their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Card {
    /// `tok_visa` is approved.
    Visa,
    /// `tok_chargeDeclined` is declined.
    ChargeDeclined,
    /// `tok_timeout_charged` is charged, and the first answer comes too late.
    TimeoutCharged,
    /// `tok_slow_3s` is approved, and the first answer comes after three seconds.
    Slow,
}

impl Card {
    pub fn parse(token: &str) -> Result<Self, Problem> {
        match token {
            "tok_visa" => Ok(Self::Visa),
            "tok_chargeDeclined" => Ok(Self::ChargeDeclined),
            "tok_timeout_charged" => Ok(Self::TimeoutCharged),
            "tok_slow_3s" => Ok(Self::Slow),
            // The token is not repeated in the message: what was sent may have been a card number.
            _ => Err(Problem::invalid("resource_missing", "No such PaymentMethod").about("payment_method")),
        }
    }

    pub fn token(self) -> &'static str {
        match self {
            Self::Visa => "tok_visa",
            Self::ChargeDeclined => "tok_chargeDeclined",
            Self::TimeoutCharged => "tok_timeout_charged",
            Self::Slow => "tok_slow_3s",
        }
    }

    pub fn approves(self) -> bool {
        self != Self::ChargeDeclined
    }
}
