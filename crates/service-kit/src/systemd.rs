//! Telling systemd how the program is (`sd_notify`): what it waits for, that it may take traffic, that it goes on, that it stops.
//!
//! `systemctl start` returns, and what is ordered after this program begins, once it is ready as `/readyz` says it; until then
//! `systemctl status` says what it waits for. Where systemd is not who started it, nothing is told.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

use crate::health::Health;
use crate::runtime::Runtime;

/// Where systemd listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How often the watchdog hears of us within the time that it allows.
const WATCHDOG_BEATS: u32 = 3;
/// Without a watchdog there is nothing to tell in between.
const NEVER: Duration = Duration::from_hours(24);
/// Nothing waits that long for a word in `systemctl status`.
const LONGEST_STATUS: usize = 400;

/// Tells it until the program stops.
pub(crate) async fn tell(health: Health, runtime: Runtime) {
    if std::env::var_os(SOCKET).is_none() {
        return;
    }
    let mut changes = health.changes();
    let mut is_told_ready = false;
    // It beats from where requests are served: one that serves none any more falls silent.
    let every = sd_notify::watchdog_enabled().map_or(NEVER, |limit| limit / WATCHDOG_BEATS);
    let mut beat = interval(every.max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        changes.mark_unchanged();
        let status = status(&health);
        let mut said = Vec::from([NotifyState::Status(&status)]);
        if health.is_ready() && !is_told_ready {
            is_told_ready = true;
            said.push(NotifyState::Ready);
        }
        send(&said);
        loop {
            tokio::select! {
                () = runtime.shutdown_requested() => {
                    send(&[NotifyState::Stopping, NotifyState::Status("finishing what was begun")]);
                    return;
                }
                _ = beat.tick() => send(&[NotifyState::Watchdog]),
                told = changes.changed() => {
                    if told.is_err() {
                        return;
                    }
                    break;
                }
            }
        }
    }
}

/// In one line, what is not as it should be.
fn status(health: &Health) -> String {
    let troubles = health.troubles();
    let mut said = if health.is_ready() {
        "ready"
    } else {
        "waiting"
    }
    .to_owned();
    for (name, why) in &troubles {
        said.push_str("; ");
        said.push_str(name);
        said.push_str(": ");
        said.extend(why.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    said.chars().take(LONGEST_STATUS).collect()
}

fn send(said: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(said) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_one_line_of_bounded_length() {
        let health = Health::new();
        assert_eq!(status(&health), "ready");
        let nats = health.dependency("nats");
        nats.not_ready("not reachable\nREADY=1");
        assert_eq!(status(&health), "waiting; nats: not reachable READY=1");
        nats.do_without("x".repeat(1000));
        assert_eq!(status(&health).len(), LONGEST_STATUS);
    }
}
