//! How those who wait for records hear of them.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// Wakes one waiter. A ring that comes before the wait is not lost.
#[derive(Default)]
pub struct Alarm {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Alarm {
    pub fn ring(&self) {
        let mut rung = self.rung.lock();
        if !*rung {
            *rung = true;
            self.bell.notify_one();
        }
    }

    /// Returns at the next ring (or at once after one that nobody waited for), at the latest at `deadline`.
    pub fn wait_until(&self, deadline: Instant) {
        let mut rung = self.rung.lock();
        while !*rung {
            if self.bell.wait_until(&mut rung, deadline).timed_out() {
                break;
            }
        }
        *rung = false;
    }
}
