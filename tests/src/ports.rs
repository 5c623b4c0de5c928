//! Ports for those who must know theirs before they listen.

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::net::TcpSocket;

/// Kept for the life of the test process: a port with a socket bound to it is given to nobody else by the system, as
/// a listener's or as the near end of a connection. Who asks for it by number gets it all the same, since nobody
/// listens: both sides allow the reuse of addresses, as every server here does.
static HELD: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// A port of loopback where nobody listens, and that nobody comes by who does not ask for it by its number.
pub fn free_port() -> u16 {
    reserve().expect("loopback has a port to spare")
}

fn reserve() -> Result<u16> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], 0).into()).context("no port could be bound")?;
    let port = socket.local_addr()?.port();
    HELD.lock().push(socket);
    Ok(port)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn who_knows_a_reserved_port_can_listen_there_again_and_again() {
        let port = free_port();
        for _ in 0..3 {
            assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens yet");
            let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
            TcpStream::connect(("127.0.0.1", port)).unwrap();
            drop(listener);
        }
    }

    #[test]
    fn the_system_gives_a_reserved_port_to_nobody() {
        let reserved: HashSet<u16> = (0..1_000).map(|_| free_port()).collect();
        assert_eq!(reserved.len(), 1_000);
        for _ in 0..3_000 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            for end in [listener.local_addr(), near.local_addr()] {
                assert!(!reserved.contains(&end.unwrap().port()));
            }
        }
    }
}
