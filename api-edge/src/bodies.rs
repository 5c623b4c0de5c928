//! How much of clients' bodies this edge has in hand at once, all requests together: memory is bounded, whoever sends.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Code, Problem};

/// Bytes of a body that come out of the first budget. Almost every body is smaller: a few large ones, or half sent
/// ones, leave the others their room.
const SMALL: usize = 16 * 1024;
const SMALL_BUDGET: usize = 32 << 20;
const LARGE_BUDGET: usize = 64 << 20;

/// What is left of both budgets.
pub struct Bodies {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for Bodies {
    fn default() -> Self {
        let budget = |bytes| Arc::new(Semaphore::new(bytes));
        Self { small: budget(SMALL_BUDGET), large: budget(LARGE_BUDGET) }
    }
}

/// What one body has taken of them, until it is dropped.
#[derive(Debug, Default)]
pub struct Held {
    bytes: usize,
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// So many bytes more.
    ///
    /// # Errors
    /// `Overloaded` where there is no room for them.
    pub fn grow(&mut self, bodies: &Bodies, by: usize) -> Result<(), Problem> {
        let before = self.bytes.min(SMALL);
        self.bytes += by;
        let small = self.bytes.min(SMALL) - before;
        add(&mut self.small, &bodies.small, small)?;
        add(&mut self.large, &bodies.large, by - small)
    }
}

fn add(held: &mut Option<OwnedSemaphorePermit>, budget: &Arc<Semaphore>, bytes: usize) -> Result<(), Problem> {
    let no_room = || Problem::new(Code::Overloaded, "Too many large requests are under way; try again.");
    let bytes = u32::try_from(bytes).map_err(|_| no_room())?;
    if bytes == 0 {
        return Ok(());
    }
    let more = budget.clone().try_acquire_many_owned(bytes).map_err(|_| no_room())?;
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_leave_small_ones_their_room_and_give_back_what_they_had() {
        let bodies = Bodies::default();
        let mut large = Vec::new();
        let refused = loop {
            let mut body = Held::default();
            match (0..64).try_for_each(|_| body.grow(&bodies, 16 * 1024)) {
                Ok(()) => large.push(body),
                Err(refused) => break refused,
            }
        };
        assert_eq!((refused.code, refused.retry_after), (Code::Overloaded, Some(1)));
        assert!(large.len() >= 64 && large.len() < 70, "{}", large.len());
        Held::default().grow(&bodies, 8 * 1024).unwrap();
        drop(large);
        assert_eq!(bodies.small.available_permits(), SMALL_BUDGET);
        assert_eq!(bodies.large.available_permits(), LARGE_BUDGET);
    }
}
