//! A relay between clients and brokers that understands who asks what, so that a process can be met at a named point
//! of the commit protocol from outside, with nothing built into it: the request has not reached the broker, or the
//! broker has done it and its answer has not reached the process.

mod frames;
mod traps;

use std::{
    collections::HashMap,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, OnceLock},
    thread,
};

use parking_lot::Mutex;

pub use frames::Request;
pub use traps::{Moment, Then, Traps, Way};

use frames::Frame;

/// Listens for clients of brokers that may not be there yet.
pub struct Relay {
    listeners: Vec<TcpListener>,
    pub traps: Arc<Traps>,
}

impl Relay {
    pub fn bind(brokers: usize) -> io::Result<Self> {
        let listeners = (0..brokers).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        Ok(Self { listeners, traps: Arc::default() })
    }

    /// Where clients come to, a port for each broker.
    pub fn ports(&self) -> io::Result<Vec<u16>> {
        self.listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
    }

    /// Relays to the brokers at these ports from now on, until the test process ends.
    pub fn serve(&self, brokers: &[u16]) -> io::Result<()> {
        for (listener, &broker) in self.listeners.iter().zip(brokers) {
            let (listener, traps) = (listener.try_clone()?, self.traps.clone());
            thread::Builder::new().name(format!("relay-{broker}")).spawn(move || {
                for client in listener.incoming().flatten() {
                    // A broker that is away refuses its clients.
                    if let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) {
                        let _ = relay(client, broker, &traps);
                    }
                }
            })?;
        }
        Ok(())
    }
}

/// What both directions of a connection know.
#[derive(Default)]
struct Connection {
    client: OnceLock<String>,
    asked: Mutex<HashMap<i32, i16>>,
}

fn relay(client: TcpStream, broker: TcpStream, traps: &Arc<Traps>) -> io::Result<()> {
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let connection = Arc::new(Connection::default());
    let (from, to) = (client.try_clone()?, broker.try_clone()?);
    let (out, known) = (traps.clone(), connection.clone());
    thread::Builder::new().name("relay-out".to_owned()).spawn(move || outwards(from, to, &known, &out))?;
    let traps = traps.clone();
    thread::Builder::new().name("relay-in".to_owned()).spawn(move || inwards(broker, client, &connection, &traps))?;
    Ok(())
}

fn outwards(mut client: TcpStream, mut broker: TcpStream, connection: &Connection, traps: &Traps) {
    while let Some(frame) = Frame::read(&mut client) {
        let Some(head) = frame.head() else { break };
        let name = connection.client.get_or_init(|| head.client);
        connection.asked.lock().insert(head.number, head.request);
        traps.wait(name, Way::Out);
        if !traps.passes(name, head.request, Moment::Asked) || frame.write(&mut broker).is_err() {
            break;
        }
    }
    end(&client, &broker);
}

fn inwards(mut broker: TcpStream, mut client: TcpStream, connection: &Connection, traps: &Traps) {
    while let Some(frame) = Frame::read(&mut broker) {
        let asked = frame.answers().and_then(|number| connection.asked.lock().remove(&number));
        let (Some(request), Some(name)) = (asked, connection.client.get()) else { break };
        traps.wait(name, Way::In);
        if !traps.passes(name, request, Moment::Answered) || frame.write(&mut client).is_err() {
            break;
        }
    }
    end(&client, &broker);
}

fn end(client: &TcpStream, broker: &TcpStream) {
    // Either may have gone first.
    let _ = client.shutdown(Shutdown::Both);
    let _ = broker.shutdown(Shutdown::Both);
}
