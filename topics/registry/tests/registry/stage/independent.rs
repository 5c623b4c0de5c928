//! One that is not ours; the tests across the whole use it too.

pub use tradewind_tests::registry::Registry as Independent;

impl super::Registry for Independent {
    fn start_at(port: u16) -> Self {
        Independent::start_at(port)
    }

    fn stop(&mut self) {
        Independent::stop(self);
    }
}
