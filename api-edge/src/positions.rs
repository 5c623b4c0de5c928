//! Consistency tokens: the positions that a client has seen the effects of, and brings back.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::HeaderMap;
use parking_lot::Mutex;
use tradewind_topics::Offset;

use crate::{
    problem::{Code, Problem},
    signed::Signer,
};

/// How far topics were read or written: topic (without namespace) and partition, to the position after.
pub type Positions = BTreeMap<(String, u32), Offset>;

/// What a request brought, and what its answer will carry: all that, and the positions of its own writes.
#[derive(Clone)]
pub struct Carried {
    brought: Result<Positions, Problem>,
    now: Arc<Mutex<Positions>>,
}

impl Carried {
    /// Reads the tokens of a request: one or several, in one header or several.
    pub fn of(headers: &HeaderMap, signer: &Signer) -> Self {
        let mut brought = Positions::new();
        for header in headers.get_all("consistency-token") {
            for token in header.to_str().unwrap_or("?").split(',').map(str::trim).filter(|token| !token.is_empty()) {
                let Some(positions) = signer.open::<Vec<(String, u32, Offset)>>(token) else {
                    let foreign = Problem::new(Code::InvalidConsistencyToken, "This consistency token is not ours.");
                    return Self { brought: Err(foreign), now: Arc::default() };
                };
                for (topic, partition, offset) in positions {
                    merge(&mut brought, topic, partition, offset);
                }
            }
        }
        Self { now: Arc::new(Mutex::new(brought.clone())), brought: Ok(brought) }
    }

    /// What views must have read before the request is answered.
    ///
    /// # Errors
    /// A token that is not ours.
    pub fn brought(&self) -> Result<&Positions, Problem> {
        self.brought.as_ref().map_err(Clone::clone)
    }

    /// The answer depends on this, too.
    pub fn add(&self, topic: &str, partition: u32, after: Offset) {
        merge(&mut self.now.lock(), topic.to_owned(), partition, after);
    }

    pub fn token(&self, signer: &Signer) -> String {
        let positions: Vec<_> =
            self.now.lock().iter().map(|((topic, partition), offset)| (topic.clone(), *partition, *offset)).collect();
        signer.seal(&positions)
    }
}

fn merge(positions: &mut Positions, topic: String, partition: u32, after: Offset) {
    let known = positions.entry((topic, partition)).or_insert(after);
    *known = after.max(*known);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrying(tokens: &[&str], signer: &Signer) -> Carried {
        let mut headers = HeaderMap::new();
        for token in tokens {
            headers.append("consistency-token", token.parse().unwrap());
        }
        Carried::of(&headers, signer)
    }

    #[test]
    fn several_tokens_are_merged_to_the_furthest() {
        let signer = Signer::new(&[7; 32], "positions");
        let [a, b] = [("order.commands", 3, 10), ("order.commands", 3, 12)].map(|(topic, partition, after)| {
            let carried = carrying(&[], &signer);
            carried.add(topic, partition, after);
            carried.token(&signer)
        });
        for tokens in [vec![format!("{b}, {a}")], vec![a, b]] {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let carried = carrying(&tokens, &signer);
            let furthest = Positions::from([(("order.commands".to_owned(), 3), 12)]);
            assert_eq!(carried.brought().unwrap(), &furthest);
        }
    }

    #[test]
    fn a_token_of_another_shop_is_foreign() {
        let signer = Signer::new(&[7; 32], "positions");
        for stranger in [Signer::new(&[8; 32], "positions"), Signer::new(&[7; 32], "cursors")] {
            let token = carrying(&[], &stranger).token(&stranger);
            let refused = carrying(&[&token], &signer).brought().unwrap_err().code;
            assert_eq!(refused, Code::InvalidConsistencyToken);
        }
    }
}
