//! Ports that stay ours for as long as we need them.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rand::Rng;

use crate::target::{TargetError, tools_directory};

/// Below the range the system takes ports for outgoing connections from. A server that is killed and started again on
/// its port would otherwise find it, once in a while, taken by some client's connection.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

const ATTEMPTS: usize = 200;

/// A loopback port no other user of this crate, in any process of this checkout, is given while this value lives.
#[derive(Debug)]
pub struct ReservedPort {
    port: u16,
    /// The lock on this file is the reservation; the system drops it with the process.
    _lock: File,
}

/// No port could be reserved.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The directory that holds the reservations is unknown.
    #[error("no place for port reservations")]
    Target(#[from] TargetError),
    /// The file that stands for a port cannot be made.
    #[error("a port reservation cannot be written")]
    Reservation(#[source] std::io::Error),
    /// Every port tried was taken.
    #[error("no free port found after {ATTEMPTS} attempts")]
    NoneFree,
}

impl ReservedPort {
    /// Picks a free port and reserves it.
    pub fn pick() -> Result<Self, PortError> {
        let directory = tools_directory()?.join("ports");
        std::fs::create_dir_all(&directory).map_err(PortError::Reservation)?;
        for _ in 0..ATTEMPTS {
            let port = rand::rng().random_range(PORTS);
            let lock =
                File::create(directory.join(port.to_string())).map_err(PortError::Reservation)?;
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(Self { port, _lock: lock });
            }
        }
        Err(PortError::NoneFree)
    }

    /// Reserves this port if it is free, and picks another if it is not.
    pub(crate) fn prefer(port: u16) -> Result<Self, PortError> {
        let directory = tools_directory()?.join("ports");
        std::fs::create_dir_all(&directory).map_err(PortError::Reservation)?;
        let lock =
            File::create(directory.join(port.to_string())).map_err(PortError::Reservation)?;
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(Self { port, _lock: lock });
        }
        Self::pick()
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.port
    }

    /// The port on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_can_be_listened_on() {
        let port = ReservedPort::pick().unwrap();

        assert!(TcpListener::bind(port.address()).is_ok());
    }

    #[test]
    fn a_port_that_is_taken_is_replaced() {
        let taken = ReservedPort::pick().unwrap();

        let other = ReservedPort::prefer(taken.number()).unwrap();
        let number = other.number();
        drop(other);

        assert_ne!(number, taken.number());
        assert_eq!(ReservedPort::prefer(number).unwrap().number(), number);
    }
}
