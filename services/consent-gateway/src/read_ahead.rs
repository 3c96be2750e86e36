//! Reading long histories before somebody waits for them: when the gateway starts, and when it has found NATS again, for
//! what was known before is read anew then.

use std::sync::Arc;
use std::time::Duration;

use assent_consent_core::command_executor::CommandExecutor;
use assent_messaging::{Connection, ConnectionState};
use assent_service_kit::Runtime;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a start waits for it. It goes on afterwards.
const PATIENCE: Duration = Duration::from_secs(3);

/// Reads ahead now, and from now on whenever the connection was made anew. Returns once the first is done, or has taken long.
pub(crate) async fn begin(executor: &CommandExecutor, connection: &Connection, runtime: &Runtime) {
    let done = Arc::new(Notify::new());
    runtime.spawn(keep(
        executor.clone(),
        connection.clone(),
        runtime.clone(),
        Arc::clone(&done),
    ));
    drop(timeout(PATIENCE, done.notified()).await);
}

async fn keep(
    executor: CommandExecutor,
    connection: Connection,
    runtime: Runtime,
    done: Arc<Notify>,
) {
    let mut states = connection.state_changes();
    loop {
        let state = *states.borrow_and_update();
        if state == ConnectionState::Connected {
            tokio::select! {
                events = executor.read_ahead() => {
                    tracing::info!(events, "long histories were read ahead");
                }
                () = runtime.shutdown_requested() => return,
            }
        }
        done.notify_one();
        tokio::select! {
            changed = states.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = runtime.shutdown_requested() => return,
        }
    }
}
