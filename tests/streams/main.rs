//! Windows, joins and tables against plain models, under random input; and the promises of docs/engine.md about order,
//! time and placement. Most of it in memory; on the production worker and both logs, what those have a part in.

mod foreign_key;
mod in_memory;
mod on_a_log;
mod promises;
mod replicated;
mod stream_table;
mod windows;
