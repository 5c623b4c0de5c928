//! Pages of lists: how many, from where, and where the next begins.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    problem::{Code, Problem},
    signed::Signer,
};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// How many items a page has.
///
/// # Errors
/// Outside of 1 to 100.
pub fn limit(asked: Option<i64>) -> Result<usize, Problem> {
    let Some(asked) = asked else { return Ok(DEFAULT_LIMIT) };
    usize::try_from(asked).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
        let detail = format!("limit is 1 to {MAX_LIMIT}, not {asked}.");
        Problem::new(Code::ValidationFailed, detail.clone()).at("/limit", "out_of_range", detail)
    })
}

/// A place in a list, bound to the list that it was made by.
#[derive(Serialize, Deserialize)]
struct Place<T> {
    list: String,
    after: T,
}

/// Where the page begins: after what the cursor names. `list` says which list it is, filters and owner included.
///
/// # Errors
/// A cursor that was not made by this list.
pub fn open<T: DeserializeOwned>(cursors: &Signer, list: &str, cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let place: Option<Place<T>> = cursors.open(text);
    match place.filter(|place| place.list == list) {
        Some(place) => Ok(Some(place.after)),
        None => {
            let detail = "This cursor was not made by this list.";
            Err(Problem::new(Code::InvalidCursor, detail).at("/cursor", "invalid", detail))
        }
    }
}

pub fn seal<T: Serialize>(cursors: &Signer, list: &str, after: T) -> String {
    cursors.seal(&Place { list: list.to_owned(), after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_in_its_own_list_only() {
        let cursors = Signer::new(&[1; 32], "cursors");
        let cursor = seal(&cursors, "orders of anna", 42_i64);
        assert_eq!(open(&cursors, "orders of anna", Some(&cursor)).unwrap(), Some(42_i64));
        assert_eq!(open::<i64>(&cursors, "orders of anna", None).unwrap(), None);
        let strangers = Signer::new(&[2; 32], "cursors");
        let forged = seal(&strangers, "orders of anna", 42_i64);
        let broken = format!("{}A", &cursor[..cursor.len() - 1]);
        for (list, cursor) in [
            ("orders of bert", &cursor),
            ("orders of anna", &forged),
            ("orders of anna", &broken),
            ("orders of anna", &String::new()),
        ] {
            assert_eq!(open::<i64>(&cursors, list, Some(cursor)).unwrap_err().code, Code::InvalidCursor, "{cursor}");
        }
    }

    #[test]
    fn a_page_has_1_to_100_items() {
        assert_eq!(limit(None).unwrap(), 20);
        assert_eq!(limit(Some(100)).unwrap(), 100);
        for asked in [0, -1, 101, i64::MAX] {
            assert_eq!(limit(Some(asked)).unwrap_err().code, Code::ValidationFailed);
        }
    }
}
