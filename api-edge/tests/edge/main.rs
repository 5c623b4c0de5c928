//! What an edge does by itself, whatever the processors decide: routes, checks and their order, tokens, cursors,
//! idempotency, problems. The log and the views behind it are fakes; the platform as a whole is tested elsewhere.

mod addresses;
mod bad_input;
mod bounds;
mod codes;
mod conventions;
mod directory;
mod fake_log;
mod fakes;
mod following;
mod freshness;
mod openapi;
mod replays;
mod serving;
mod tokens;
