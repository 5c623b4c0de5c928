//! Decimals as SQL writes them, to whole numbers of a smaller unit: exactly, without floating point.

use anyhow::{Context, Result, bail};

/// `text` × 10^`places`, rounded half-up: with 2 places, dollars to cents; with 4, a share to basis points.
pub fn scaled(text: &str, places: usize) -> Result<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        bail!("{text:?} is not a plain decimal of 0 or more");
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
    let exact: i64 = format!("{whole}{kept}").parse().with_context(|| format!("{text} is too large"))?;
    let up = fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5');
    exact.checked_add(i64::from(up)).with_context(|| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn the_noise_of_floats_goes_and_halves_go_up() {
        for (text, places, whole) in [
            ("18", 2, 1800),
            ("9.80000019", 2, 980),
            ("34.7999992", 2, 3480),
            ("0.005", 2, 1),
            ("0.00499999", 2, 0),
            ("263.5", 2, 26350),
            ("0", 4, 0),
            ("0.150000006", 4, 1500),
            ("0.0500000007", 4, 500),
            ("0.0199999996", 4, 200),
            ("0.00999999978", 4, 100),
            ("1", 4, 10_000),
        ] {
            assert_eq!(scaled(text, places).unwrap(), whole, "{text}");
        }
        for text in ["", "-1", ".5", "1e3", "1.2.3", "99999999999999999999"] {
            scaled(text, 2).expect_err(text);
        }
    }
}
