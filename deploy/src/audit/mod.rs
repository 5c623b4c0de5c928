//! The auditor: proves from the topics alone that the books are right.
//!
//! [`Books`] is the pure core: it is fed the events of order, inventory and payment, and gives a [`Verdict`]. It keeps
//! something for each SKU, order and payment, and nothing for a record. [`read`] feeds it from a log that may be in use.

mod amounts;
mod books;
mod charge;
mod holding;
mod ledger;
mod reading;
mod router;
mod settlement;
mod story;
mod verdict;
mod violation;

pub use books::Books;
pub use reading::{AuditError, Progress, read};
pub use router::router;
pub use verdict::{Open, Verdict, Why};
pub use violation::{Breach, Invariant, Place, Subject, Violation};
