//! The auditor against histories: right ones it finds right, and each way of being wrong it names.

mod broken;
mod history;
mod on_a_log;
mod right;
