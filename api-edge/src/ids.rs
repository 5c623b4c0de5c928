//! Ids as clients write them: in their canonical form only, with hyphens, so that a thing has one name.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// The id, if the text is one.
pub fn parse<T: FromStr + Display>(text: &str) -> Option<T> {
    text.parse().ok().filter(|id: &T| id.to_string().eq_ignore_ascii_case(text))
}

/// One in a body.
struct Id<T>(T);

impl<'de, T: FromStr + Display> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).map(Self).ok_or_else(|| de::Error::custom("not a UUID as 8-4-4-4-12 hexadecimal digits"))
    }
}

pub fn optional<'de, T: FromStr + Display, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Id<T>>::deserialize(from)?.map(|id| id.0))
}

pub fn many<'de, T: FromStr + Display, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Id<T>>::deserialize(from)?.into_iter().map(|id| id.0).collect())
}

pub fn optionally_many<'de, T: FromStr + Display, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<T>>, D::Error> {
    Ok(Option::<Vec<Id<T>>>::deserialize(from)?.map(|ids| ids.into_iter().map(|id| id.0).collect()))
}

/// For a field that may be absent, null or an id, where the three are not the same.
pub fn absent_or_null<'de, T: FromStr + Display, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    optional(from).map(Some)
}

#[cfg(test)]
mod tests {
    use tradewind_schemas::OrderId;

    use super::parse;

    #[test]
    fn an_id_is_written_in_one_way() {
        let id = "018f3c1e-5b7a-7c21-9e64-7a10b2d3f48e";
        assert_eq!(parse::<OrderId>(id).unwrap().to_string(), id);
        assert!(parse::<OrderId>(&id.to_uppercase()).is_some());
        let bare = id.replace('-', "");
        for other in [format!("urn:uuid:{id}"), format!("{{{id}}}"), bare, format!(" {id}"), String::new()] {
            assert!(parse::<OrderId>(&other).is_none(), "{other}");
        }
    }
}
