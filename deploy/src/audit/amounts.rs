//! Numbers and amounts as people read them.

use std::collections::BTreeMap;

use tradewind_schemas::Currency;

/// Sums of several currencies.
pub fn amounts(sums: &BTreeMap<Currency, i128>) -> String {
    if sums.is_empty() {
        return "nothing".to_owned();
    }
    let amount = |(currency, minor): (&Currency, &i128)| format!("{} {currency}", in_major(*minor, *currency));
    sums.iter().map(amount).collect::<Vec<_>>().join(" + ")
}

fn in_major(minor: i128, currency: Currency) -> String {
    // ISO 4217's exponents, where they are not 2.
    let exponent = match currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    };
    let unit = 10i128.pow(exponent);
    let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.abs());
    let major = grouped(size / unit);
    match exponent {
        0 => format!("{sign}{major}"),
        digits => format!("{sign}{major}.{:0width$}", size % unit, width = digits as usize),
    }
}

/// With commas between thousands.
pub fn grouped(number: i128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        let yen = "JPY".parse().unwrap();
        let dinar = "KWD".parse().unwrap();
        for (minor, currency, text) in [
            (5, Currency::EUR, "0.05"),
            (-123_456, Currency::EUR, "-1,234.56"),
            (1_234, yen, "1,234"),
            (1_234, dinar, "1.234"),
            (100_000, Currency::USD, "1,000.00"),
        ] {
            assert_eq!(in_major(minor, currency), text);
        }
    }
}
