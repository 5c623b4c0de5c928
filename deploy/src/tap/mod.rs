//! Taps: what is on a topic, as lines of JSON.
