//! Leaving a server of a cluster that is of no use.
//!
//! A server that is cut off from the others lives: it answers pings, and its clients stay. But no stream has a leader there,
//! and whoever answers questions is elsewhere. Only what is asked shows it, and what that means only whoever asks can say.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::{Connection, ConnectionState};

/// For how long asking may be in vain: longer than the others need to elect another leader, which passes by itself.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long at the most, where no other server was of more use.
const LONGEST_PATIENCE: Duration = Duration::from_mins(1);

/// Whether to stay with the server that we are connected to. Clones of the connection go along.
#[derive(Debug)]
pub struct ServerChoice {
    connection: Connection,
    trial: Mutex<Trial>,
}

#[derive(Debug)]
struct Trial {
    in_vain_since: Option<Instant>,
    patience: Duration,
}

impl Trial {
    const fn new() -> Self {
        Self {
            in_vain_since: None,
            patience: PATIENCE,
        }
    }

    /// Whether it has been in vain for too long by now. Then another trial begins, with more patience.
    fn is_over(&mut self, now: Instant) -> bool {
        let since = *self.in_vain_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.patience {
            return false;
        }
        self.in_vain_since = None;
        self.patience = self.patience.saturating_mul(2).min(LONGEST_PATIENCE);
        true
    }
}

impl ServerChoice {
    /// Stays for now.
    pub fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
            trial: Mutex::new(Trial::new()),
        }
    }

    /// What was asked was answered, by somebody who can only be reached where the cluster is whole.
    pub fn answered(&self) {
        *self.lock() = Trial::new();
    }

    /// Nobody answered, or the answer was that nobody leads. Where that goes on for some seconds and there are other
    /// servers, one of these is tried.
    pub fn in_vain(&self) {
        let is_alone = !self.connection.has_other_servers();
        // Who is not connected is looking for a server already.
        if is_alone || self.connection.state() == ConnectionState::Disconnected {
            return;
        }
        if self.lock().is_over(Instant::now()) {
            let connection = self.connection.clone();
            drop(tokio::spawn(async move { connection.leave_server().await }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Trial> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_left_after_some_seconds_in_vain_and_each_time_later() {
        let begun = Instant::now();
        let mut trial = Trial::new();
        let mut over_at = Vec::new();
        for second in 0..100 {
            if trial.is_over(begun + Duration::from_secs(second)) {
                over_at.push(second);
            }
        }
        assert_eq!(over_at, [8, 25, 58]);
    }
}
