//! Money: integer minor units with a currency, checked, never floating.

use std::{collections::HashSet, fmt, str::FromStr};

use apache_avro::{
    AvroSchema, AvroSchemaComponent, Schema,
    schema::{Name, NamespaceRef, RecordField},
};
use serde::{Deserialize, Serialize};

/// An ISO 4217 code, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    pub const EUR: Self = Self(*b"EUR");
    pub const USD: Self = Self(*b"USD");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match *text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Currency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AvroSchemaComponent for Currency {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::String
    }
    fn get_record_fields_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Option<Vec<RecordField>> {
        None
    }
}

/// An amount in minor units (cents) of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
#[serde(deny_unknown_fields)]
pub struct Money {
    pub amount: i64,
    pub currency: Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount is too large")]
    Overflow,
    #[error("amounts of different currencies do not add up")]
    CurrencyMismatch,
    #[error("a currency is three capital letters of ISO 4217, such as EUR")]
    Currency,
    #[error("a discount is 0 to 10000 basis points")]
    Discount,
}

impl Money {
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    pub fn times(self, quantity: i64) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(quantity).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// The sum; `Overflow` or `CurrencyMismatch` where there is none.
    pub fn sum(currency: Currency, parts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        parts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn with(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let amount = operation(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

/// A line's total: quantity × unit price × (1 − discount), rounded half-up **once**. The discount is in basis points.
///
/// # Errors
/// `Overflow` where the total does not fit, `Discount` where it is not within 0 to 10,000.
pub fn discounted(unit_price: Money, quantity: i64, discount_bp: i32) -> Result<Money, MoneyError> {
    if !(0..=10_000).contains(&discount_bp) {
        return Err(MoneyError::Discount);
    }
    let exact = i128::from(unit_price.amount) * i128::from(quantity) * i128::from(10_000 - discount_bp);
    let amount = i64::try_from((exact + 5_000).div_euclid(10_000)).map_err(|_| MoneyError::Overflow)?;
    Ok(Money { amount, ..unit_price })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_rounded_half_up_once() {
        for (price, quantity, discount_bp, total) in [
            (1000, 3, 0, Ok(3000)),
            (999, 1, 5000, Ok(500)),
            (1, 1, 4999, Ok(1)),
            (1, 1, 5001, Ok(0)),
            (333, 7, 1500, Ok(1981)),
            (100, 1, 10_000, Ok(0)),
            (100, 1, 10_001, Err(MoneyError::Discount)),
            (100, 1, -1, Err(MoneyError::Discount)),
            (i64::MAX, 2, 0, Err(MoneyError::Overflow)),
        ] {
            let line = discounted(Money::new(price, Currency::USD), quantity, discount_bp);
            assert_eq!(line.map(|m| m.amount), total, "{price} x {quantity} - {discount_bp} bp");
        }
    }

    #[test]
    fn sums_are_checked() {
        let euro = |amount| Money::new(amount, Currency::EUR);
        assert_eq!(Money::sum(Currency::EUR, [euro(1), euro(2)]), Ok(euro(3)));
        assert_eq!(euro(i64::MAX).plus(euro(1)), Err(MoneyError::Overflow));
        assert_eq!(euro(1).plus(Money::new(1, Currency::USD)), Err(MoneyError::CurrencyMismatch));
        assert_eq!("eur".parse::<Currency>(), Err(MoneyError::Currency));
    }
}
