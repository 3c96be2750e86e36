//! Whether there is room in what the gateway keeps. A full store refuses what is new, so an operator is told long
//! before, and told which.
//!
//! It takes no replica out of service: all share the stores, so nobody would be served better, and what is on the log
//! can be read and taken back all the same.

use std::time::Duration;

use assent_messaging::{Bucket, BucketSpace, Room};
use assent_metrics::gateway::{STORE_BYTES, STORE_MAX_BYTES};
use assent_metrics::number;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Dependency, Runtime};

/// What it means, and what to do.
const ADVICE: &str = "what needs a full one is refused with store_full; find out who fills it, and give it more room";
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Writes down how much a store holds; what an operator has to be told, if anything.
pub(crate) fn report(store: &str, bytes: u64, max_bytes: Option<u64>) -> Option<String> {
    STORE_BYTES.with([store.to_owned()]).set(number(bytes));
    if let Some(max_bytes) = max_bytes {
        let most = STORE_MAX_BYTES.with([store.to_owned()]);
        most.set(number(max_bytes));
    }
    let complaint = Room::from_usage(bytes, max_bytes).complaint(store)?;
    Some(format!("{complaint}: {ADVICE}"))
}

/// Keeps metrics and readiness in step with the stores.
pub(crate) async fn watch(buckets: Vec<Bucket>, space: Dependency, runtime: Runtime) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            _ = look.tick() => tell(&look_at(&buckets).await, &space),
        }
    }
}

async fn look_at(buckets: &[Bucket]) -> Vec<String> {
    let mut complaints = Vec::new();
    for bucket in buckets {
        match bucket.space().await {
            Ok(BucketSpace {
                bucket,
                bytes,
                max_bytes,
            }) => complaints.extend(report(&bucket, bytes, max_bytes)),
            // Whether NATS answers is told by others.
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "a store was not looked at");
            }
        }
    }
    complaints
}

fn tell(complaints: &[String], space: &Dependency) {
    if complaints.is_empty() {
        space.ready();
    } else {
        space.do_without(complaints.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use assent_dev_stack::{NatsServer, NatsUser};
    use assent_messaging::{BucketSettings, Connection, ConnectionSettings};

    use super::*;

    #[test]
    fn an_operator_is_told_which_store_fills() {
        let told = report("CONSENT_FLOWS", 85, Some(100)).unwrap();
        assert!(told.starts_with("CONSENT_FLOWS is 85 % full"), "{told}");
        assert_eq!(report("CONSENT_FLOWS", 10, Some(100)), None);
    }

    #[tokio::test]
    async fn readiness_says_which_store_fills_and_stays_ready() {
        let nats = NatsServer::start().await.unwrap();
        let (name, password) = nats.credentials(NatsUser::Gateway);
        let settings = ConnectionSettings::new(nats.url(), "test").with_user(name, password);
        let connection = Connection::connect(settings).await.unwrap();
        let bucket = async |name: &str| {
            let settings = BucketSettings {
                name: name.to_owned(),
                max_age: Duration::from_hours(1),
                replicas: 1,
                max_bytes: 1024 * 1024,
                anew: false,
                allow_rollup: true,
            };
            let opened = Bucket::open_or_create(&connection, settings).await;
            opened.unwrap()
        };
        let health = assent_service_kit::Health::new();
        let space = health.dependency("space");
        let flows = bucket("CONSENT_FLOWS").await;
        let buckets = [bucket("CONSENT_SESSIONS").await, flows.clone()];
        let looked = look_at(&buckets).await;
        assert_eq!(looked, Vec::<String>::new());
        tell(&looked, &space);
        assert!(space.is_ready() && health.is_ready());

        let kilobytes = vec![b'x'; 100_000];
        let mut number = 0;
        while flows
            .create(&format!("fill.{number}"), kilobytes.clone())
            .await
            .is_ok()
        {
            number += 1;
        }
        let looked = look_at(&buckets).await;
        assert_eq!(looked.len(), 1, "{looked:?}");
        assert!(
            looked
                .iter()
                .all(|told| told.starts_with("CONSENT_FLOWS is ")),
            "{looked:?}"
        );
        tell(&looked, &space);
        assert!(!space.is_ready() && health.is_ready());
        let refused = flows.create("one.more", kilobytes).await;
        assert!(refused.unwrap_err().full().is_some());
    }
}
