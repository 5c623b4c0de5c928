//! Traps: what a relay does about one certain request, and to the process that asks.

use std::{
    collections::HashMap,
    process::Command,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::frames::Request;

/// Where a frame is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The broker has not got the request.
    Asked,
    /// The broker has done it, and the client does not know.
    Answered,
}

#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// The process dies; the frame goes no further.
    Kill,
    /// The connection breaks; the frame goes no further.
    Break,
    /// The frame goes on so much later.
    Hold(Duration),
    /// The process is stopped in its tracks, and the frame goes on so much later.
    Freeze(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Out,
    In,
    Both,
}

struct Trap {
    client: String,
    request: Request,
    moment: Moment,
    then: Then,
    /// So many such frames pass before.
    let_pass: u32,
    sprung: Sender<()>,
}

/// What holds for all connections of a relay.
#[derive(Default)]
pub struct Traps {
    set: Mutex<Vec<Trap>>,
    /// The processes by their clients' names.
    processes: Mutex<HashMap<String, u32>>,
    cut: Mutex<HashMap<String, Way>>,
    healed: Condvar,
}

/// A trap that waits for its frame.
pub struct Set {
    traps: Arc<Traps>,
    client: String,
    sprung: Receiver<()>,
}

impl Set {
    /// Whether it springs within this time. It is gone afterwards.
    pub fn springs(self, within: Duration) -> bool {
        self.sprung.recv_timeout(within).is_ok()
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        self.traps.set.lock().retain(|trap| trap.client != self.client);
    }
}

impl Traps {
    /// Says which process a client is.
    pub fn is(&self, client: &str, process: u32) {
        self.processes.lock().insert(client.to_owned(), process);
    }

    /// Waits for a frame of this client; one trap for each client at a time.
    pub fn set(self: &Arc<Self>, client: &str, (request, moment): (Request, Moment), let_pass: u32, then: Then) -> Set {
        let (sprung, springs) = mpsc::channel();
        self.set.lock().push(Trap { client: client.to_owned(), request, moment, then, let_pass, sprung });
        Set { traps: self.clone(), client: client.to_owned(), sprung: springs }
    }

    /// A frame comes by: whether it goes on.
    pub fn passes(&self, client: &str, request: i16, moment: Moment) -> bool {
        let Some(trap) = self.springs(client, request, moment) else { return true };
        match trap.then {
            Then::Kill => self.signal(client, "-KILL"),
            Then::Freeze(_) => self.signal(client, "-STOP"),
            Then::Break | Then::Hold(_) => {}
        }
        // Whoever set it may have given up.
        let _ = trap.sprung.send(());
        match trap.then {
            Then::Kill | Then::Break => false,
            Then::Hold(while_) | Then::Freeze(while_) => {
                thread::sleep(while_);
                true
            }
        }
    }

    fn springs(&self, client: &str, request: i16, moment: Moment) -> Option<Trap> {
        let mut set = self.set.lock();
        let wanted = |trap: &Trap| trap.client == client && trap.request as i16 == request && trap.moment == moment;
        let at = set.iter().position(wanted)?;
        match set[at].let_pass.checked_sub(1) {
            Some(less) => {
                set[at].let_pass = less;
                None
            }
            None => Some(set.remove(at)),
        }
    }

    fn signal(&self, client: &str, signal: &str) {
        if let Some(process) = self.processes.lock().get(client) {
            // It may have died already.
            let _ = Command::new("kill").args([signal, &process.to_string()]).status();
        }
    }

    /// Nothing of this client gets through, this way or both, until it is [healed](Traps::heal); then all does.
    pub fn cut_off(&self, client: &str, way: Way) {
        self.cut.lock().insert(client.to_owned(), way);
    }

    pub fn heal(&self, client: &str) {
        self.cut.lock().remove(client);
        self.healed.notify_all();
    }

    /// Waits while this way is cut.
    pub fn wait(&self, client: &str, way: Way) {
        let mut cut = self.cut.lock();
        while cut.get(client).is_some_and(|cut| *cut == way || *cut == Way::Both) {
            self.healed.wait(&mut cut);
        }
    }
}
