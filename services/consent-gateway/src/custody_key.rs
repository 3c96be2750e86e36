//! Whether the token broker opens what the gateway seals: told in readiness before anybody's token is lost by it.

use std::sync::Arc;
use std::time::Duration;

use assent_consent_core::gateway::Gateway;
use assent_contract::custody::CustodyOverview;
use assent_contract::names::CUSTODY_OVERVIEW;
use assent_messaging::Connection;
use assent_service_kit::{Dependency, Runtime};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(15);
const DEADLINE: Duration = Duration::from_secs(2);

/// Goes on until the program stops.
pub(crate) async fn watch(
    gateway: Arc<Gateway>,
    connection: Connection,
    custody_key: Dependency,
    runtime: Runtime,
) {
    loop {
        // Who seals nothing has said so; whether a broker is there is the broker's to tell.
        if let Some(own) = gateway.custody.key_id().await
            && let Some(overview) = ask(&connection).await
        {
            if overview.keys.contains(&own) {
                custody_key.ready();
            } else {
                custody_key.do_without(format!(
                    "refresh tokens are sealed to the key {own}, and the token broker opens those of {}: give it that key \
                     (ASSENT_VAULT_KEYS_DIR), or the gateway the public one of its newest (ASSENT_VAULT_PUBLIC_KEY_FILE)",
                    overview.keys.join(", ")
                ));
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn ask(connection: &Connection) -> Option<CustodyOverview> {
    let asked = connection.request(CUSTODY_OVERVIEW, b"{}".to_vec(), None, DEADLINE);
    serde_json::from_slice(&asked.await.ok()?).ok()
}
