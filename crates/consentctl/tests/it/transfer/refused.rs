//! An import into a log that is somebody's, or by somebody who may not.

use assent_contract::names::{GATEWAY_SERVICE, PROJECTION_SERVICE, REPLICA_STATUS};
use assent_dev_stack::NatsUser;
use assent_messaging::Endpoint;

use super::{Empty, Export, as_user, export, told};
use crate::fake_service::FakeService;
use crate::fixture::{Fixture, SENDING, granted};

async fn refused(of: &Empty, export: &Export, says: &str) {
    let before = of.messages().await;
    let ran = of.import(&export.path, &[]).await;
    assert_eq!(ran.code, Some(1), "{says}: {ran:?}");
    assert!(ran.err.contains(says), "{says}: {ran:?}");
    assert_eq!(of.messages().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_runs_who_would_write_or_tell() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let empty = Empty::start().await;
    let gateway = FakeService::serve_on(
        &empty.server,
        NatsUser::Gateway,
        GATEWAY_SERVICE,
        Vec::new(),
    )
    .await;
    refused(&empty, &export, "a consent-gateway runs").await;
    gateway.stop().await;
    let query = Endpoint::new("status", REPLICA_STATUS, async |_| Ok(Vec::new()));
    let projection = FakeService::serve_on(
        &empty.server,
        NatsUser::Projection,
        PROJECTION_SERVICE,
        vec![query],
    )
    .await;
    refused(&empty, &export, "a projection runs").await;
    // Looking is allowed.
    let looked = empty.import(&export.path, &["--dry-run"]).await;
    assert_eq!(looked.code, Some(0), "{looked:?}");
    projection.stop().await;
    let ran = empty.import(&export.path, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn into_a_log_that_holds_something_else() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let other = Fixture::start().await;
    other.record([granted("acme", "ben", SENDING)]).await;
    let there = Empty {
        gateway: other.gateway.clone(),
        server: other.server,
    };
    refused(&there, &export, "its message 1 is not the export's").await;
    let longer = Empty {
        gateway: fixture.gateway.clone(),
        server: fixture.server,
    };
    let point = ["--until", "3"];
    let ran = longer.import(&export.path, &point).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("holds 8 messages, more than"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_an_operator_or_without_being_asked() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let empty = Empty::start().await;
    let path = export.path.to_str().unwrap();
    let import = ["events", "import", path, "--yes"];
    let ran = as_user(&empty.server, NatsUser::Operator, &import).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.err.contains("ASSENT_NATS_USER=gateway"), "{ran:?}");
    let ran = empty.as_gateway(&["events", "import", path]).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.err.contains("--yes"), "{ran:?}");
    let ran = empty.import(&export.path, &["--replicas", "2"]).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert_eq!(empty.messages().await, None);
}
