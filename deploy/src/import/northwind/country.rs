//! Where the shop's customers live, by ISO 3166-1.

/// The alpha-2 code of a country as the record names it.
pub fn code(name: &str) -> Option<&'static str> {
    Some(match name {
        "Argentina" => "AR",
        "Austria" => "AT",
        "Belgium" => "BE",
        "Brazil" => "BR",
        "Canada" => "CA",
        "Denmark" => "DK",
        "Finland" => "FI",
        "France" => "FR",
        "Germany" => "DE",
        "Ireland" => "IE",
        "Italy" => "IT",
        "Mexico" => "MX",
        "Norway" => "NO",
        "Poland" => "PL",
        "Portugal" => "PT",
        "Spain" => "ES",
        "Sweden" => "SE",
        "Switzerland" => "CH",
        "UK" => "GB",
        "USA" => "US",
        "Venezuela" => "VE",
        _ => return None,
    })
}
