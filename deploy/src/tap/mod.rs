//! Taps: what is on a topic, record by record, as lines of JSON.
//!
//! Values are decoded by the schemas they were written with, so that any topic of the list and its dead letters can be
//! looked at, whatever release wrote them. What is sealed or secret is masked: a tap shows no more of a person than the
//! platform's own operators may see.

mod beginning;
mod decoding;
mod json;
mod line;
mod router;
mod stream;

pub use beginning::{Beginning, NoBeginning};
pub use decoding::Decoder;
pub use router::router;
pub use stream::{Tap, TapError, Wanted};
