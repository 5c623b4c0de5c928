//! Who may be connected: so many in all, and so many from one network. Where there is no seat left, the oldest
//! connection that asks for nothing gives up its own; where all are busy, the newcomer is turned away.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::client::network;

pub struct Seats {
    all: usize,
    per_network: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    /// In the order in which they came.
    holders: BTreeMap<u64, Holder>,
    networks: HashMap<IpAddr, usize>,
}

struct Holder {
    network: IpAddr,
    busy: Busy,
    /// Dropped, it asks the holder to leave.
    _stay: oneshot::Sender<()>,
}

/// One connection's place.
pub struct Seat {
    number: u64,
    seats: Arc<Seats>,
    pub busy: Busy,
    asked_to_leave: oneshot::Receiver<()>,
}

/// How many requests of a connection are being answered.
#[derive(Clone, Default)]
pub struct Busy(Arc<AtomicUsize>);

/// One of them.
pub struct Answering(Busy);

impl Busy {
    pub fn answering(&self) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seats {
    pub fn new(all: usize, per_network: usize) -> Arc<Self> {
        Arc::new(Self { all: all.max(1), per_network: per_network.max(1), taken: Mutex::default() })
    }

    /// A seat, unless everybody is busy who would have to make room.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let network = network(address);
        let mut taken = self.taken.lock();
        if taken.networks.get(&network).is_some_and(|count| *count >= self.per_network) {
            taken.make_room(|holder| holder.network == network)?;
        } else if taken.holders.len() >= self.all {
            taken.make_room(|_| true)?;
        }
        let (stay, asked_to_leave) = oneshot::channel();
        let (number, busy) = (taken.next, Busy::default());
        taken.next += 1;
        *taken.networks.entry(network).or_default() += 1;
        taken.holders.insert(number, Holder { network, busy: busy.clone(), _stay: stay });
        Some(Seat { number, seats: self.clone(), busy, asked_to_leave })
    }

    /// Asks everybody to leave, and says how many that are.
    pub fn clear(&self) -> usize {
        let mut taken = self.taken.lock();
        taken.networks.clear();
        std::mem::take(&mut taken.holders).len()
    }
}

impl Taken {
    fn make_room(&mut self, may_go: impl Fn(&Holder) -> bool) -> Option<()> {
        let idle = |(_, holder): &(&u64, &Holder)| holder.busy.is_idle() && may_go(holder);
        let oldest = *self.holders.iter().find(idle)?.0;
        self.remove(oldest);
        Some(())
    }

    fn remove(&mut self, number: u64) {
        let Some(holder) = self.holders.remove(&number) else { return };
        if let Some(count) = self.networks.get_mut(&holder.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&holder.network);
            }
        }
    }
}

impl Seat {
    /// Resolves when the seat is another's.
    pub async fn given_up(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.asked_to_leave).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn has_to_leave(seat: &mut Seat) -> bool {
        seat.asked_to_leave.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn one_network_makes_room_among_its_own() {
        let seats = Seats::new(10, 2);
        let mut other = seats.take(address(2)).unwrap();
        let (mut first, mut second) = (seats.take(address(1)).unwrap(), seats.take(address(1)).unwrap());
        let answering = first.busy.answering();
        let third = seats.take(address(1)).unwrap();
        assert!(has_to_leave(&mut second) && !has_to_leave(&mut first) && !has_to_leave(&mut other));
        let _third = third.busy.answering();
        assert!(seats.take(address(1)).is_none(), "both are busy");
        drop(answering);
        assert!(seats.take(address(1)).is_some());
        assert!(has_to_leave(&mut first));
    }

    #[test]
    fn when_the_house_is_full_the_oldest_idle_one_goes() {
        let seats = Seats::new(2, 2);
        let (mut first, mut second) = (seats.take(address(1)).unwrap(), seats.take(address(2)).unwrap());
        let _third = seats.take(address(3)).unwrap();
        assert!(has_to_leave(&mut first) && !has_to_leave(&mut second));
        drop(first);
        assert_eq!(seats.clear(), 2);
        assert!(has_to_leave(&mut second));
    }

    #[test]
    fn seats_that_were_left_are_free() {
        let seats = Seats::new(2, 1);
        for n in 0..20 {
            let mut seat = seats.take(address(n % 2)).unwrap();
            assert!(!has_to_leave(&mut seat));
        }
        assert!(seats.taken.lock().networks.is_empty());
    }
}
