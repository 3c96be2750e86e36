//! Telling systemd how the program is (`sd_notify`): what it waits for, that it may take traffic, that it goes on, that it stops.
//!
//! `systemctl start` returns, and what is ordered after this program begins, once it is ready as `/readyz` says it; until then
//! `systemctl status` says what it waits for. Where systemd is not who started it, nothing is told.

use std::sync::mpsc::{SyncSender, sync_channel};
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

/// How much may wait to be told. What is more is told with what follows.
const WAITING: usize = 16;
const READY: &str = "READY=1";
const STOPPING: &str = "STOPPING=1\nSTATUS=finishing what was begun";
const WATCHDOG: &str = "WATCHDOG=1";

/// Tells it until the program stops.
pub(crate) async fn tell(health: Health, runtime: Runtime) {
    if std::env::var_os(SOCKET).is_none() {
        return;
    }
    let teller = Teller::start();
    let mut changes = health.changes();
    let mut is_told_ready = false;
    // It beats from where requests are served: one that serves none any more falls silent.
    let every = sd_notify::watchdog_enabled().map_or(NEVER, |limit| limit / WATCHDOG_BEATS);
    let mut beat = interval(every.max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        changes.mark_unchanged();
        let mut said = format!("STATUS={}", status(&health));
        if health.is_ready() && !is_told_ready {
            said = format!("{READY}\n{said}");
            is_told_ready = teller.tell(&said);
        } else {
            teller.tell(&said);
        }
        loop {
            tokio::select! {
                () = runtime.shutdown_requested() => {
                    teller.tell(STOPPING);
                    return;
                }
                _ = beat.tick() => {
                    teller.tell(WATCHDOG);
                    // It was not heard that it is ready.
                    if health.is_ready() && !is_told_ready {
                        break;
                    }
                }
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

/// Tells from a thread of its own: whoever writes waits while systemd does not read, and nothing else may wait for that.
struct Teller(SyncSender<String>);

impl Teller {
    fn start() -> Self {
        let (sender, waiting) = sync_channel::<String>(WAITING);
        std::thread::spawn(move || {
            while let Ok(said) = waiting.recv() {
                if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&said)]) {
                    tracing::debug!(%error, "systemd could not be told");
                }
            }
        });
        Self(sender)
    }

    /// Whether it will be told.
    fn tell(&self, said: &str) -> bool {
        self.0.try_send(said.to_owned()).is_ok()
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
